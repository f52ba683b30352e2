"""What the benchmarks share: a home with an offline provider, raw JSON-RPC over pipes, tables of medians."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from codex_mcp.engine.launch import DEFAULT_FLAGS
from codex_mcp.engine.locate import find_engines
from codex_mcp.offline import OfflineModel

SERVER = [sys.executable, "-m", "codex_mcp"]
MCP_INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}},
}
APP_SERVER_INITIALIZE = {"id": 1, "method": "initialize", "params": {"clientInfo": {"name": "bench", "version": "1"}}}


@contextlib.contextmanager
def offline_home(model: OfflineModel) -> Iterator[dict[str, str]]:
    """An environment with a CODEX_HOME of its own, whose config.toml names the offline provider."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "codex-mcp-server"
    cache.mkdir(parents=True, exist_ok=True)
    home = pathlib.Path(tempfile.mkdtemp(prefix="bench-", dir=cache))
    lines = [*model.engine_overrides(), 'approval_policy="never"', 'sandbox_mode="danger-full-access"']
    (home / "config.toml").write_text("\n".join(lines) + "\n[features]\nplugins = false\n")
    try:
        # installed packages have their bytecode: a setting of the developer's shell must not take it away
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        yield {**environment, "HOME": str(home), "CODEX_HOME": str(home)}
    finally:
        shutil.rmtree(home, ignore_errors=True)


def engine_command() -> list[str]:
    """The engine as the server starts it."""
    command = [find_engines(None)[0].path]
    for flag in DEFAULT_FLAGS:
        command += ["-c", flag]
    return [*command, "app-server"]


class Process:
    """A server or an engine on pipes. Times are seconds since its start."""

    def __init__(self, command: Sequence[str], env: dict[str, str]) -> None:
        self.started = time.perf_counter()
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env, bufsize=0
        )
        assert self._process.stdout is not None
        self.lines = io.BufferedReader(io.FileIO(os.dup(self._process.stdout.fileno())), 1024 * 1024)
        self.pid = self._process.pid

    def send(self, *messages: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(b"".join(json.dumps(m).encode() + b"\n" for m in messages))

    def until(self, done: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Read messages up to the first for which `done` holds."""
        for line in self.lines:
            message: dict[str, Any] = json.loads(line)
            if done(message):
                return message
        raise EOFError("the process ended")

    def answer(self, id: int) -> Any:
        """Read up to the answer of a request; its result."""
        return self.until(lambda m: m.get("id") == id and "method" not in m)["result"]

    def elapsed(self) -> float:
        return time.perf_counter() - self.started

    def settle(self) -> None:
        """Wait until the process does nothing any more: its CPU time stands still for a while."""
        before, unchanged = "", 0
        while unchanged < 3:
            now = " ".join(pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13])
            unchanged = unchanged + 1 if now == before else 0
            before = now
            time.sleep(0.1)

    def resident_mb(self) -> float:
        """Resident memory of the process itself (Linux)."""
        return self._status_mb("VmRSS")

    def peak_mb(self) -> float:
        """The most resident memory that the process itself has had (Linux)."""
        return self._status_mb("VmHWM")

    def _status_mb(self, entry: str) -> float:
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split(f"{entry}:")[1].split()[0]) / 1024

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        self.lines.close()


def table(
    title: str, rows: dict[str, list[float]], unit: str, reference: str, *, higher_is_better: bool = False
) -> None:
    """Print medians and their ratio to the median of `reference`."""
    print(f"\n{title} ({unit}, median of {len(rows[reference])} interleaved runs)")
    base = statistics.median(rows[reference])
    for name, values in rows.items():
        middle = statistics.median(values)
        spread = f"{min(values):.1f} to {max(values):.1f}"
        print(f"  {name:34} {middle:9.1f}   {middle / base:5.2f} x   ({spread})")
    if higher_is_better:
        print("  higher is better")
