"""What the engine told of the start of MCP servers, thread by thread."""

from __future__ import annotations

from collections.abc import Iterable

import anyio

from codex_mcp.wire.messages import JsonObject

METHOD = "mcpServer/startupStatus/updated"

_ENDS = ("ready", "failed", "cancelled")
_MAX_THREADS = 1000  # sub-agents come and go; the oldest are forgotten


class StartupLog:
    """The last notification about each server of each thread. A thread need not be known to anybody yet."""

    def __init__(self) -> None:
        self._threads: dict[str, dict[str, JsonObject]] = {}
        self._news = anyio.Event()

    def hear(self, method: str, params: JsonObject) -> None:
        """A notification of the engine; others than METHOD do not matter."""
        if method == METHOD:
            self.note(params)

    def note(self, params: JsonObject) -> None:
        """Take in the params of a notification."""
        thread, name = params.get("threadId"), params.get("name")
        if not isinstance(thread, str) or not isinstance(name, str):
            return
        if thread not in self._threads and len(self._threads) >= _MAX_THREADS:
            del self._threads[next(iter(self._threads))]
        self._threads.setdefault(thread, {})[name] = params
        self._news.set()

    def threads(self) -> set[str]:
        """Those that were told of."""
        return set(self._threads)

    def of(self, thread: str) -> dict[str, JsonObject]:
        """The last notifications of a thread, by the server's name."""
        return dict(self._threads.get(thread, {}))

    def starting(self, thread: str) -> list[str]:
        """Names of the servers of a thread that have neither started nor failed."""
        return [name for name, params in self._threads.get(thread, {}).items() if params.get("status") not in _ENDS]

    def ended(self, thread: str) -> set[str]:
        """Names of the servers of a thread whose start is over, one way or the other."""
        return set(self._threads.get(thread, {})).difference(self.starting(thread))

    async def settled(self, thread: str, names: Iterable[str]) -> None:
        """Wait until each of these servers of a thread has been told to be ready, failed or cancelled."""
        names = list(names)
        while not all(self._threads.get(thread, {}).get(name, {}).get("status") in _ENDS for name in names):
            self._news = anyio.Event()
            await self._news.wait()

    def forget(self, thread: str) -> None:
        """Drop a thread that has ended."""
        self._threads.pop(thread, None)
