"""Thousands of turns in one server: does anything of it grow?

python -m tests.benchmarks.soak [--turns N] [--at-once N]

Text, commands that are approved and denied, interrupts, questions that are never answered; conversations are begun and
archived all the while. The first half warms up. Exits with 1 if the resident memory of our process has a slope, or if
descriptors, threads, tasks, Python objects or the blocks that Python has allocated have grown. Linux.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import signal
import statistics
import sys
import tempfile
import time
from typing import Any

from codex_mcp.offline import OfflineModel
from tests.benchmarks.measure import APP_SERVER_INITIALIZE, Process, offline_home

SAMPLES = 40
CONVERSATION_LIFE = 20  # turns
MEMORY_LIMIT = 1.0  # MB per thousand turns, over noise
OBJECT_LIMIT = 500  # per thousand turns; a leak of one object a turn shows

# The server as it is, with a probe: SIGUSR1 writes what only the process itself can count.
_PROBED = """
import asyncio, gc, json, os, signal, sys
def probe(*_):
    gc.collect()
    counts = {"tasks": len(asyncio.all_tasks()), "objects": len(gc.get_objects()), "blocks": sys.getallocatedblocks()}
    with open(sys.argv[1] + ".new", "w") as file:
        json.dump(counts, file)
    os.replace(sys.argv[1] + ".new", sys.argv[1])
signal.signal(signal.SIGUSR1, probe)
from codex_mcp.cli.serve import serve
sys.exit(serve([]))
"""


class Load:
    """A client of one server with some conversations at once; `batch` runs one turn in each of them."""

    def __init__(self, process: Process, model: OfflineModel, at_once: int) -> None:
        self._process = process
        self._model = model
        self._ids = iter(range(2, 10**9))
        self._open = [self._begin() for _ in range(at_once)]
        self._age = 0
        self.turns = 0

    def call(self, method: str, **params: Any) -> Any:
        id = next(self._ids)
        self._process.send({"id": id, "method": method, "params": params})
        return self._process.answer(id)

    def _begin(self) -> tuple[str, str]:
        begun = self.call("newConversation", approvalPolicy="untrusted", sandbox="danger-full-access")
        self.call("addConversationListener", conversationId=begun["conversationId"])
        return begun["conversationId"], begun["rolloutPath"]

    def batch(self, kind: str) -> None:
        """A turn of that kind in every conversation at once."""
        command: list[dict[str, Any]] = [{"run": "echo hello >/dev/null", "id": "call"}]
        replies: dict[str, list[list[dict[str, Any]]]] = {
            "text": [[{"think": ["**Thinking**"]}, {"say": "0123456789 " * 40, "pieces": 40}]],
            "approved": [command, [{"say": "done"}]],
            "denied": [command, [{"say": "done"}]],
            "unanswered": [command],
            "interrupted": [[{"say": "0123456789 " * 4, "pieces": 4}, {"wait": 30}]],
        }
        for reply in replies[kind]:
            self._model.add(*[reply] * len(self._open))
        for conversation, _ in self._open:
            items = [{"type": "text", "text": kind}]
            params = {"conversationId": conversation, "items": items}
            self._process.send({"id": next(self._ids), "method": "sendUserMessage", "params": params})
        running = {conversation for conversation, _ in self._open}
        stopped: set[str] = set()
        while running:
            message = self._process.until(lambda m: "conversationId" in m.get("params", {}))
            params = message["params"]
            conversation = params["conversationId"]
            if message["method"] == "execCommandApproval" and kind != "unanswered":
                self._process.send({"id": message["id"], "result": {"decision": kind}})
            event = params.get("msg", {}).get("type")
            stop = {"interrupted": "agent_message_delta", "unanswered": "exec_approval_request"}.get(kind)
            if stop is not None and event == stop and conversation not in stopped:
                stopped.add(conversation)
                interrupt = {"conversationId": conversation}
                self._process.send({"id": next(self._ids), "method": "interruptConversation", "params": interrupt})
            if event in ("task_complete", "turn_aborted"):
                running.remove(conversation)
                self.turns += 1
        self._model.requests.clear()
        self._age += 1
        if self._age % CONVERSATION_LIFE == 0:
            for conversation, path in self._open:
                self.call("archiveConversation", conversationId=conversation, rolloutPath=path)
            self._open = [self._begin() for _ in self._open]


def measure(process: Process, report: pathlib.Path) -> dict[str, float]:
    """What the server holds now."""
    process.settle()
    report.unlink(missing_ok=True)
    process.signal(signal.SIGUSR1)
    while not report.exists():
        time.sleep(0.01)
    proc = pathlib.Path(f"/proc/{process.pid}")
    return {
        "memory": process.resident_mb(),
        "descriptors": len(list((proc / "fd").iterdir())),
        "threads": len(list((proc / "task").iterdir())),
        **json.loads(report.read_text()),
    }


def slope(points: list[tuple[int, float]]) -> float:
    """Growth per thousand turns, by Theil and Sen: the median of the slopes between all pairs; blind to outliers."""
    pairs = [(b[1] - a[1]) / (b[0] - a[0]) * 1000 for i, a in enumerate(points) for b in points[i + 1 :]]
    return statistics.median(pairs)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=2000)
    parser.add_argument("--at-once", type=int, default=4)
    options = parser.parse_args()
    kinds = ("text", "approved", "interrupted", "denied", "unanswered")
    found: list[tuple[int, dict[str, float]]] = []
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, OfflineModel() as model, offline_home(model) as env:
        report = pathlib.Path(folder) / "report"
        process = Process([sys.executable, "-c", _PROBED, str(report)], env)
        process.send(APP_SERVER_INITIALIZE)
        process.answer(1)
        load = Load(process, model, options.at_once)
        warm, every = options.turns // 2, max(options.turns // 2 // SAMPLES, 1)
        batch = 0
        while load.turns < options.turns:
            load.batch(kinds[batch % len(kinds)])
            batch += 1
            if load.turns >= warm and (not found or load.turns - found[-1][0] >= every):
                found.append((load.turns, measure(process, report)))
        process.close()
    print(f"{load.turns} turns, {options.at_once} at once, {time.monotonic() - started:.0f} s; from turn {warm} on:")
    failed = False
    for name in ("memory", "descriptors", "threads", "tasks", "objects", "blocks"):
        points = [(turns, values[name]) for turns, values in found]
        shown = [points[index * (len(points) - 1) // 4][1] for index in range(5)]
        grows = slope(points)
        limit = {"memory": MEMORY_LIMIT, "objects": OBJECT_LIMIT, "blocks": OBJECT_LIMIT}.get(name, 0.5)
        verdict = "grows" if grows > limit else "flat"
        failed |= verdict == "grows"
        course = " ".join(f"{value:8.1f}" for value in shown)
        print(f"  {name:12} {course}   {grows:+9.2f} per 1000 turns   {verdict}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
