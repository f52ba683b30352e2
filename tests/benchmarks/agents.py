"""What an agent costs beside the plain server: its start, a turn, memory; and many agents at once.

python -m tests.benchmarks.agents [--runs N] [--agents N] [--isolation NAME ...]
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

from codex_mcp.offline import OfflineModel, parse_script
from tests.benchmarks.measure import APP_SERVER_INITIALIZE, SERVER, Process, offline_home, table

PLAIN = "the plain server"
REPLY = parse_script([[{"run": "true", "yield_ms": 20000}], [{"say": "done"}]])


class Run:
    """A server from its start to the end of one turn with a command in it. Times are milliseconds."""

    def __init__(self, arguments: list[str], env: dict[str, str]) -> None:
        process = Process([*SERVER, *arguments], env)
        process.send(APP_SERVER_INITIALIZE, {"id": 2, "method": "newConversation", "params": {}})
        about = {"conversationId": process.answer(2)["conversationId"]}
        self.ready = process.elapsed() * 1000
        items = [{"type": "text", "text": "go"}]
        process.send(
            {"id": 3, "method": "addConversationListener", "params": about},
            {"id": 4, "method": "sendUserMessage", "params": {**about, "items": items}},
        )
        process.until(lambda m: m.get("method") == "codex/event/task_complete")
        self.turn = process.elapsed() * 1000 - self.ready
        self.memory = shared_mb(process.pid)
        process.close()


def shared_mb(pid: int) -> float:
    """Memory of a process and all below it, what they share divided among them."""
    below: dict[int, list[int]] = {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            below.setdefault(int(stat.read_text().rsplit(")", 1)[1].split()[1]), []).append(int(stat.parent.name))
        except OSError:
            continue
    total, left = 0, [pid]
    while left:
        process = left.pop()
        left += below.get(process, [])
        try:
            rollup = pathlib.Path(f"/proc/{process}/smaps_rollup").read_text()
        except OSError:
            continue
        total += int(rollup.split("Pss:")[1].split()[0])
    return total / 1024


def make(name: str, isolation: str, env: dict[str, str]) -> float:
    """Make an agent; milliseconds."""
    began = time.perf_counter()
    subprocess.run(
        [
            *SERVER,
            "agents",
            "create",
            name,
            "--workspace",
            "empty",
            "--isolation",
            isolation,
            "--network",
            network(isolation),
        ],
        env=env,
        check=True,
        capture_output=True,
    )
    return (time.perf_counter() - began) * 1000


def network(isolation: str) -> str:
    return "host" if isolation == "none" else "none"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--agents", type=int, default=20)
    parser.add_argument("--isolation", nargs="+", default=["bwrap", "none"])
    options = parser.parse_args()
    servers = {PLAIN: [], **{f"--agent, {name}": ["--agent", name] for name in options.isolation}}
    made: dict[str, list[float]] = {}
    runs: dict[str, list[Run]] = {name: [] for name in servers}
    with OfflineModel(otherwise=REPLY[1]) as model, offline_home(model) as env:
        env["CODEX_MCP_DATA"] = os.path.join(env["HOME"], "data")
        for name in options.isolation:
            make(f"probe-{name}", name, env)  # the first one is probed
            made[f"--agent, {name}"] = [make(name, name, env)]
        for _ in range(options.runs):
            for name, arguments in servers.items():
                model.add(*REPLY)
                runs[name].append(Run(arguments, env))
        table("spawn to the first conversation", {k: [r.ready for r in v] for k, v in runs.items()}, "ms", PLAIN)
        table("one turn with a command in it", {k: [r.turn for r in v] for k, v in runs.items()}, "ms", PLAIN)
        table("memory of server, engine and box", {k: [r.memory for r in v] for k, v in runs.items()}, "MB", PLAIN)
        table("making an agent, all told", made, "ms", next(iter(made)))
        at_once(options.agents, options.isolation[0], env)


def at_once(count: int, isolation: str, env: dict[str, str]) -> None:
    names = [f"many-{number}" for number in range(count)]
    for name in names:
        make(name, isolation, env)
    began = time.perf_counter()
    with ThreadPoolExecutor(count) as pool:
        runs = list(pool.map(lambda name: Run(["--agent", name], env), names))
    seconds = time.perf_counter() - began
    print(f"\n{count} agents ({isolation}) at once, a turn each: {seconds:.1f} s, {sum(r.memory for r in runs):.0f} MB")
    print(json.dumps({"slowest start, ms": round(max(r.ready for r in runs))}))


if __name__ == "__main__":
    main()
