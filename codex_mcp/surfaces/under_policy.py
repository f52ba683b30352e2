"""A client under a policy: what it may ask for, and what it gets to see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from codex_mcp.engine.origin import Origin
from codex_mcp.policy.guard import Guard
from codex_mcp.policy.load import PolicyError
from codex_mcp.policy.outlets import to_client
from codex_mcp.surfaces.connection import Connection
from codex_mcp.wire.messages import ErrorResponse, Notification, Request, Response

if TYPE_CHECKING:
    from codex_mcp.wire.messages import Message


class ClientPolicy:
    """The door of a session, and the observer of its connection: one per client."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._client = ""

    def admit(self, connection: Connection, origin: Origin, params: Any) -> None:
        self._client = connection.identity
        method = origin.method if not origin.method.startswith("tools/call ") else "tools/call"
        self._guard.admit(connection.identity, method, params, origin.request)

    def incoming(self, message: Message) -> Message:
        return message

    def outgoing(self, message: Message) -> Message:
        guard = self._guard
        if isinstance(message, Response | ErrorResponse):
            failed = isinstance(message, ErrorResponse) or (
                isinstance(message.result, dict) and bool(message.result.get("isError"))
            )
            guard.answered(self._client, message.id, failed=failed)
        if not guard.masks_output:
            return message
        if isinstance(message, Response):
            return Response(message.id, guard.masker.tree(message.result))
        if isinstance(message, ErrorResponse):
            return ErrorResponse(message.id, guard.masker.tree(message.error))
        params = to_client(guard.masker, message.method, message.params)
        if isinstance(message, Notification):
            return Notification(message.method, params)
        return Request(message.id, message.method, params, jsonrpc=message.jsonrpc)


class Closed:
    """The door when there is a policy that cannot be carried out: everything but the handshake is refused."""

    def __init__(self, error: PolicyError) -> None:
        self._error = error

    def admit(self, connection: Connection, origin: Origin, params: Any) -> None:
        raise PolicyError(self._error.message)

    def offers(self, tool: str) -> bool:
        """Nothing is offered. Raises PolicyError."""
        raise PolicyError(self._error.message)
