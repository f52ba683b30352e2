"""An engine for one command: started, asked, ended. The server itself keeps one with `supervisor`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import anyio
import anyio.lowlevel

from codex_mcp.engine.home import CodexHome
from codex_mcp.engine.launch import start_engine
from codex_mcp.engine.link import EngineLink
from codex_mcp.engine.locate import EngineBinary, EngineUnfit, find_engines, install_advice
from codex_mcp.errors import CallerError, EngineUnavailable
from codex_mcp.wire.messages import JsonObject
from codex_mcp.wire.peer import IncomingCall


class Notifications:
    """What the engine told, in order (an `EngineListener`). Its questions are refused: nobody is there to ask."""

    def __init__(self) -> None:
        self.received: list[tuple[str, JsonObject]] = []
        self._watchers: list[Callable[[str, JsonObject], None]] = []
        self._news = anyio.Event()

    def watch(self, watcher: Callable[[str, JsonObject], None]) -> None:
        """Have it called with each notification, those that came already included."""
        for method, params in self.received:
            watcher(method, params)
        self._watchers.append(watcher)

    async def until(self, condition: Callable[[str, JsonObject], bool]) -> JsonObject:
        """The params of the first notification, past or to come, for which it holds."""
        position = 0
        while True:
            for method, params in self.received[position:]:
                if condition(method, params):
                    return params
            position = len(self.received)
            self._news = anyio.Event()
            await self._news.wait()

    def on_engine_notification(self, method: str, params: JsonObject) -> None:
        self.received.append((method, params))
        for watcher in self._watchers:
            watcher(method, params)
        self._news.set()

    def on_engine_request(self, call: IncomingCall) -> None:
        raise CallerError(f"{call.method}: no conversation was begun")

    def on_engine_lost(self, reason: str) -> None:
        """Requests say so themselves."""


@asynccontextmanager
async def short_lived_engine(
    named: str | None, home: CodexHome, overrides: Sequence[str] = ()
) -> AsyncIterator[tuple[EngineLink, Notifications]]:
    """The first engine that can be used, ended at the end of the block.

    `named`: the binary the user named, if any. `overrides`: `key=value` settings for its command line. What the block
    raises comes out as it is. Raises EngineUnavailable if there is no engine.
    """
    binaries = find_engines(named)
    if not binaries:
        raise EngineUnavailable(f"no Codex engine was found. {install_advice()}")
    for last, binary in ((binary is binaries[-1], binary) for binary in binaries):
        notifications = Notifications()
        failure: BaseException | None = None
        ready = False
        try:
            link = connect(binary, home, notifications, overrides)
        except EngineUnfit:
            if last:
                raise
            continue
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(link.serve)
            try:
                await link.handshake()
                ready = True
                yield link, notifications
            except Exception as error:  # raised outside of the task group, so that nobody has to look into a group
                failure = error
            finally:
                await link.stop()
                tasks.cancel_scope.cancel()
        if failure is not None and (ready or last or not isinstance(failure, EngineUnavailable)):
            raise failure
        if ready:
            return


def connect(
    binary: EngineBinary, home: CodexHome, notifications: Notifications, overrides: Sequence[str] = ()
) -> EngineLink:
    """Start that engine; its link, not yet served. Raises EngineUnfit if it cannot be run."""
    try:
        return EngineLink(start_engine(binary, home, overrides), notifications, anyio.lowlevel.checkpoint)
    except OSError as error:
        raise EngineUnfit(f"{binary} cannot be run: {error.strerror}. {install_advice()}") from None
