"""What a policy costs: a command of the model at the gate, recorded on the disk; the handshake; a piece of text.

python -m tests.benchmarks.policy [--runs N] [--commands N]
"""

from __future__ import annotations

import argparse
import json
import pathlib
import shutil
import subprocess
import time

import anyio

from codex_mcp.offline import OfflineModel
from codex_mcp.policy.document import Audit, Document, HighImpact, Masking, Scope
from codex_mcp.policy.gate import GateCall
from codex_mcp.policy.guard import Answer, Guard, Question
from codex_mcp.policy.load import Policy
from codex_mcp.policy.masking import Masker
from tests.benchmarks.measure import MCP_INITIALIZE, SERVER, Process, offline_home, table

INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}
TOOLS_LIST = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}


class Nobody:
    """Is never asked here."""

    async def ask(self, question: Question, limit: float) -> Answer:
        return Answer("declined", "none")

    def tell_denied(self, question: Question, because: str) -> None:
        """Nothing is denied here."""


async def at_the_gate(folder: pathlib.Path, count: int) -> list[float]:
    """Milliseconds that each of `count` commands waits: the hook as the engine runs it, decision and record included."""
    document = Document(
        version=1,
        scope=Scope(roots=(str(folder),), deny_paths=("~/.ssh", "**/.env*")),
        high_impact=(HighImpact(category="production", commands=(r"\bgit\b.*\bpush\b",), paths=("deploy/**",)),),
        audit=Audit(dir=str(folder / "audit")),
    )
    guard = Guard(Policy(document, "digest", ()), cwd=str(folder), home=folder, configured={}, flags={})
    guard.asker = Nobody()
    payload = json.dumps(
        {
            "session_id": "t",
            "turn_id": "n",
            "cwd": str(folder),
            "tool_name": "Bash",
            "tool_use_id": "c",
            "tool_input": {"command": "git status --short && ls -l"},
        }
    ).encode()
    took = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(guard.run)
        for _ in range(count):
            began = time.perf_counter()
            done = await anyio.run_process(["sh", "-c", guard.gate.hook], input=payload, check=False)
            took.append((time.perf_counter() - began) * 1000)
            assert done.returncode == 0
        judged = []
        for _ in range(count):
            began = time.perf_counter()
            await guard._judge(GateCall("t", "", "n", "c", "Bash", {"command": "git status"}, str(folder)))
            judged.append((time.perf_counter() - began) * 1000)
        tasks.cancel_scope.cancel()
    empty = []
    for _ in range(count):
        began = time.perf_counter()
        subprocess.run(["sh", "-c", "cat >/dev/null; sh -c true"], input=payload, check=False)
        empty.append((time.perf_counter() - began) * 1000)
    table(
        "a command at the gate",
        {"gate": took, "of it, decision and record": judged, "a hook that does nothing": empty},
        "ms",
        "a hook that does nothing",
    )
    return took


def handshakes(runs: int, folder: pathlib.Path) -> None:
    """Spawn to the first answers, with a policy and without."""
    policy = folder / "policy.toml"
    policy.write_text(f'version = 1\n[audit]\ndir = "{folder}/audit2"\n')
    policy.chmod(0o600)
    servers = {"without a policy": SERVER, "with a policy": [*SERVER, "--policy", str(policy)]}
    first: dict[str, list[float]] = {name: [] for name in servers}
    second: dict[str, list[float]] = {name: [] for name in servers}
    with OfflineModel() as model, offline_home(model) as env:
        for _ in range(runs):
            for name, command in servers.items():
                process = Process(command, env)
                process.send(MCP_INITIALIZE)
                process.answer(1)
                first[name].append(process.elapsed() * 1000)
                process.send(INITIALIZED, TOOLS_LIST)
                process.answer(2)
                second[name].append(process.elapsed() * 1000)
                process.close()
    table("spawn to the initialize reply", first, "ms", "without a policy")
    table("spawn to the tools/list reply", second, "ms", "without a policy")


def masking() -> None:
    """Microseconds per piece of four characters, and per chunk of 8 KiB, of real code."""
    text = "".join(path.read_text() for path in sorted(pathlib.Path("codex_mcp").rglob("*.py")))[:400_000]
    took: dict[str, list[float]] = {}
    for name, size in (("pieces of 4 characters", 4), ("chunks of 8 KiB", 8192)):
        stream = Masker(Masking(), b"key").stream()
        for start in range(0, min(len(text), size * 20_000), size):
            began = time.perf_counter()
            stream.push(text[start : start + size])
            took.setdefault(name, []).append((time.perf_counter() - began) * 1e6)
    table("masking", took, "µs", "pieces of 4 characters")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--commands", type=int, default=100)
    options = parser.parse_args()
    folder = pathlib.Path.home() / ".cache" / f"codex-mcp-bench-policy-{time.time_ns()}"
    folder.mkdir(parents=True, mode=0o700)
    try:
        anyio.run(at_the_gate, folder, options.commands)
        handshakes(options.runs, folder)
        masking()
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
