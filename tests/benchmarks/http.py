"""Over HTTP, beside stdio: a ping, `tools/list`, a `codex` in a warm server, memory of idle sessions.

python -m tests.benchmarks.http [--runs N] [--sessions N]
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import httpx2

from codex_mcp.offline import OfflineModel
from tests.benchmarks.measure import MCP_INITIALIZE, SERVER, Process, offline_home, table

HEADERS = {"Accept": "application/json, text/event-stream"}
PING = {"method": "ping"}
LIST = {"method": "tools/list"}
CALL = {"method": "tools/call", "params": {"name": "codex", "arguments": {"prompt": "go"}}}


class OverHttp:
    """A session at /mcp."""

    def __init__(self, client: httpx2.Client) -> None:
        self._client = client
        self._ids = 1
        opened = client.post("/mcp", json=MCP_INITIALIZE, headers=HEADERS)
        self._headers = {**HEADERS, "Mcp-Session-Id": opened.headers["mcp-session-id"]}

    def ask(self, request: dict[str, Any]) -> float:
        """Milliseconds to the answer."""
        self._ids += 1
        began = time.perf_counter()
        answer = self._client.post(
            "/mcp", json={"jsonrpc": "2.0", "id": self._ids, **request}, headers=self._headers
        ).text
        took = (time.perf_counter() - began) * 1000
        last = [line for line in answer.splitlines() if line.startswith("data: {")][-1]
        assert "result" in json.loads(last[6:]), last
        return took


class OverStdio:
    """A server of its own."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._ids = 1
        process.send(MCP_INITIALIZE)
        process.answer(1)

    def ask(self, request: dict[str, Any]) -> float:
        """Milliseconds to the answer."""
        self._ids += 1
        began = time.perf_counter()
        self._process.send({"jsonrpc": "2.0", "id": self._ids, **request})
        self._process.answer(self._ids)
        return (time.perf_counter() - began) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--sessions", type=int, default=200)
    options = parser.parse_args()
    with OfflineModel() as model, offline_home(model) as env:
        server = Process([*SERVER, "http", "--port", "0", "--rate", "1e6"], env)
        url = server.lines.readline().decode().split()[-1]
        child = Process([*SERVER, "--events", "off"], env)
        with httpx2.Client(base_url=url, timeout=60) as client:
            clients: dict[str, OverStdio | OverHttp] = {"stdio": OverStdio(child), "http": OverHttp(client)}
            for title, request, runs in (("ping", PING, 200), ("tools/list", LIST, 50), ("codex", CALL, options.runs)):
                figures: dict[str, list[float]] = {name: [] for name in clients}
                for run in range(runs + 2):  # the first ones warm up
                    for name, connected in clients.items():
                        if request is CALL:
                            model.add([{"say": "hi"}])
                        took = connected.ask(request)
                        if run > 1:
                            figures[name].append(took)
                table(f"{title}, warm", figures, "ms", "stdio")
            server.settle()
            before = server.resident_mb()
            for _ in range(options.sessions):
                OverHttp(client)
            server.settle()
            each = (server.resident_mb() - before) * 1024 / options.sessions
            print(f"\n{options.sessions} idle sessions: {each:.0f} kB each; the server before them {before:.0f} MB")
        child.close()
        server.signal(15)
        server.close()


if __name__ == "__main__":
    main()
