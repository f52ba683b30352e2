"""A server that is given hostile input, and what has to hold of its answers."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.inputs import LINES, calls, mcp_calls
from tests.support.home import Home
from tests.support.raw import INITIALIZE, MCP_INITIALIZE, RawServer

CODES = {-32700, -32600, -32601, -32602, -32603, -32002}  # the last is MCP's: no such resource


class Probe:
    """A server with a conversation. Use as a context manager."""

    def __init__(self, home: Home, hello: dict[str, Any] = INITIALIZE) -> None:
        self._server = RawServer(home, "--log-level", "error", "--tools", "all")
        self._mcp = hello is MCP_INITIALIZE
        self._ids = itertools.count(1000)
        self.checked = 0
        self.outcomes: Counter[str] = Counter()
        self._server.send(hello, {"id": 2, "method": "newConversation", "params": {}})
        self.conversation: str = self._server.answer(2)["result"]["conversationId"]

    def __enter__(self) -> Probe:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.__exit__()

    def check(self, batch: list[dict[str, Any] | bytes]) -> None:
        """Send calls and lines at once: each call has one answer, nothing is an internal error, it is still there."""
        open_ids: set[int | str] = set()
        for entry in batch:
            if isinstance(entry, bytes):
                self._server.write(entry + b"\n")
                continue
            id = next(self._ids)
            open_ids.add(id)
            self._server.send({"id": id, **entry})
        last = f"still there {next(self._ids)}"
        self._server.send({"id": last, "method": "getUserAgent"})
        open_ids.add(last)
        while open_ids:
            message = self._server.read()
            assert isinstance(message, dict)
            if "method" in message:
                continue
            assert ("result" in message) != ("error" in message), message
            self.outcomes["error" if "error" in message else "result"] += 1
            if "error" in message:
                self._check_error(message["error"])
            elif isinstance(message["result"], dict) and message["result"].get("isError"):
                self._check_failure(message["result"])
            open_ids.discard(message["id"])
        self.checked += len(batch)

    @staticmethod
    def _check_error(error: dict[str, Any]) -> None:
        assert error["code"] in CODES, error
        assert error["message"], error
        assert (error.get("data") or {}).get("code") != "internal_error", error
        assert "Traceback" not in error["message"], error

    @staticmethod
    def _check_failure(result: dict[str, Any]) -> None:
        """Of a tool."""
        error = result["structuredContent"]["error"]
        assert error["code"] != "internal_error", error
        assert error["message"], error
        as_data = json.dumps(result["structuredContent"], ensure_ascii=False)
        assert result["content"][0]["text"] in (error["message"], as_data)

    def fuzz(self, examples: int, *, repeatable: bool) -> None:
        """As many batches of up to eight. `repeatable`: the same ones each time."""

        ours = mcp_calls(self.conversation) if self._mcp else st.nothing()

        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            derandomize=repeatable,
            suppress_health_check=list(HealthCheck),
        )
        @given(st.lists(calls(self.conversation) | LINES | ours, max_size=8))
        def run(batch: list[dict[str, Any] | bytes]) -> None:
            self.check(batch)

        run()
