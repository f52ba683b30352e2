"""What every handler of a v1 method gets, and what it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from codex_mcp.bridge.conversations import Conversations
from codex_mcp.engine.supervisor import Engine
from codex_mcp.protocol.base import WireModel
from codex_mcp.surfaces.connection import Connection
from codex_mcp.wire.peer import IncomingCall


@dataclass(frozen=True)
class Context:
    """The connection, and the call for handlers that answer it themselves because order matters."""

    connection: Connection
    call: IncomingCall

    @property
    def conversations(self) -> Conversations:
        return self.connection.conversations

    @property
    def engine(self) -> Engine:
        return self.connection.engine

    def answer(self, result: WireModel) -> None:
        """Answer now, before whatever is sent next."""
        self.call.respond(result.to_wire())


Handler: TypeAlias = Callable[[Context, Any], Awaitable[WireModel | None]]
"""Takes the params as their model; returns the result as its model, None if it has answered, or raises."""
