"""Calls of the tools, beside the last release that had them and beside the bare engine.

python -m tests.benchmarks.tool_calls --native PATH-TO-CODEX-0.153.4 [--runs N]
"""

from __future__ import annotations

import argparse
import time
from typing import Any

from codex_mcp.offline import OfflineModel
from tests.benchmarks.measure import (
    APP_SERVER_INITIALIZE,
    MCP_INITIALIZE,
    SERVER,
    Process,
    engine_command,
    offline_home,
    table,
)

AT_ONCE = 20
WARM_CALLS = 5
_FREE = {"sandbox": "danger-full-access", "approval-policy": "never"}


class Served:
    """A process that has been sent its handshake, with the id 1."""

    def __init__(self, command: list[str], env: dict[str, str], *handshake: dict[str, Any]) -> None:
        self._process = Process(command, env)
        self._process.send(*handshake)
        self._ids = 1

    def settle(self) -> None:
        """Wait for the handshake, and until everything is loaded."""
        self._process.answer(1)
        self._process.settle()

    def close(self) -> None:
        self._process.close()


class Tools(Served):
    """A server with the tools `codex` and `codex-reply`. Times are milliseconds."""

    def __init__(self, command: list[str], env: dict[str, str]) -> None:
        super().__init__(command, env, MCP_INITIALIZE, {"jsonrpc": "2.0", "method": "notifications/initialized"})

    def _send(self, tool: str, **arguments: Any) -> int:
        self._ids += 1
        params = {"name": tool, "arguments": {"prompt": "go", **arguments}}
        self._process.send({"jsonrpc": "2.0", "id": self._ids, "method": "tools/call", "params": params})
        return self._ids

    def first(self) -> float:
        """From the spawn to the answer of the first call."""
        self.thread = self._process.answer(self._send("codex", **_FREE))["structuredContent"]["threadId"]
        return self._process.elapsed() * 1000

    def codex(self) -> float:
        began = time.perf_counter()
        self._process.answer(self._send("codex", **_FREE))
        return (time.perf_counter() - began) * 1000

    def reply(self) -> float:
        began = time.perf_counter()
        self._process.answer(self._send("codex-reply", threadId=self.thread))
        return (time.perf_counter() - began) * 1000

    def at_once(self) -> float:
        began = time.perf_counter()
        left = {self._send("codex", **_FREE) for _ in range(AT_ONCE)}
        while left:
            left.discard(self._process.until(lambda message: message.get("id") in left)["id"])
        return (time.perf_counter() - began) * 1000


class Engine(Served):
    """The engine itself, asked for what a call of a tool asks it for."""

    def __init__(self, env: dict[str, str]) -> None:
        super().__init__(engine_command(), env, APP_SERVER_INITIALIZE, {"method": "initialized"})

    def _send(self, method: str, params: dict[str, Any]) -> int:
        self._ids += 1
        self._process.send({"id": self._ids, "method": method, "params": params})
        return self._ids

    def _start(self) -> int:
        return self._send("thread/start", {"sandbox": "danger-full-access", "approvalPolicy": "never"})

    def _turn(self, thread: str) -> None:
        self._send("turn/start", {"threadId": thread, "input": [{"type": "text", "text": "go"}]})

    def _completed(self) -> None:
        self._process.until(lambda message: message.get("method") == "turn/completed")

    def _whole(self) -> str:
        thread = str(self._process.answer(self._start())["thread"]["id"])
        self._turn(thread)
        self._completed()
        return thread

    def first(self) -> float:
        self.thread = self._whole()
        return self._process.elapsed() * 1000

    def codex(self) -> float:
        began = time.perf_counter()
        self._whole()
        return (time.perf_counter() - began) * 1000

    def reply(self) -> float:
        began = time.perf_counter()
        self._turn(self.thread)
        self._completed()
        return (time.perf_counter() - began) * 1000

    def at_once(self) -> float:
        began = time.perf_counter()
        starts = {self._start() for _ in range(AT_ONCE)}
        ended = 0
        while ended < AT_ONCE:
            message = self._process.until(
                lambda message: message.get("id") in starts or message.get("method") == "turn/completed"
            )
            if "id" in message:
                self._turn(message["result"]["thread"]["id"])
            else:
                ended += 1
        return (time.perf_counter() - began) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--native", required=True, help="a codex binary that has `mcp-server`")
    parser.add_argument("--runs", type=int, default=9)
    options = parser.parse_args()
    native, ours, bare = "native mcp-server", "this server", "bare engine of this server"
    names = (native, ours, bare)
    what = {
        "first": "spawn to the answer of a `codex` that is sent with the handshake",
        "settled": "the first `codex` of a client that has looked at the tools first",
        "codex": "`codex` in a warm server",
        "reply": "`codex-reply`",
        "at_once": f"{AT_ONCE} calls of `codex` at once",
    }
    rows: dict[str, dict[str, list[float]]] = {key: {name: [] for name in names} for key in what}
    with OfflineModel() as model, offline_home(model) as env:

        def serve(name: str) -> Tools | Engine:
            if name == bare:
                return Engine(env)
            return Tools([options.native, "mcp-server"] if name == native else SERVER, env)

        for _ in range(options.runs):
            for name in names:
                model.add(*([{"say": "done"}] for _ in range(2 + 2 * WARM_CALLS + AT_ONCE)))
                served = serve(name)
                served.settle()
                rows["settled"][name].append(served.codex())
                served.close()
                served = serve(name)
                rows["first"][name].append(served.first())
                rows["codex"][name] += [served.codex() for _ in range(WARM_CALLS)]
                rows["reply"][name] += [served.reply() for _ in range(WARM_CALLS)]
                rows["at_once"][name].append(served.at_once())
                served.close()
    for key, title in what.items():
        table(title, rows[key], "ms", native)


if __name__ == "__main__":
    main()
