"""The owner of conversations whose client has left: what happens in them goes on, and questions wait in the inbox."""

from __future__ import annotations

import anyio
from anyio.abc import TaskGroup

from codex_mcp.bridge.approvals import Approval, Decision, Verdict
from codex_mcp.bridge.conversation import Conversation
from codex_mcp.bridge.events import Event


class Unattended:
    """An `Outlet`."""

    def __init__(self, tasks: TaskGroup, time_limit: float) -> None:
        """`time_limit`: seconds for which a question stays open before it counts as denied; 0 for ever."""
        self._tasks = tasks
        self._limit = time_limit
        self._open: dict[str, anyio.CancelScope] = {}

    def emit(self, conversation: Conversation, events: list[Event]) -> None:
        """Nobody hears it; the engine keeps it with the thread."""

    def ask(self, approval: Approval) -> None:
        if self._limit:
            self._open[approval.id] = anyio.CancelScope()
            self._tasks.start_soon(self._deny_later, approval, self._open[approval.id])

    async def _deny_later(self, approval: Approval, scope: anyio.CancelScope) -> None:
        with scope:
            await anyio.sleep(self._limit)
            self._open.pop(approval.id, None)
            because = f"the client has left, and nobody answered within {self._limit:g} seconds"
            approval.answer(Verdict(Decision.DENIED, "server", because))

    def withdraw(self, approval: Approval) -> None:
        scope = self._open.pop(approval.id, None)
        if scope is not None:
            scope.cancel()

    def closed(self, conversation: Conversation) -> None:
        """Nothing is kept of it."""

    def refused(self, approval: Approval, because: str) -> None:
        """The log has it."""
