"""The gate of a connection (a `Handler` of its peer): which surface serves a request, and what errors look like."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Protocol

from codex_mcp.bridge.agent import Agent
from codex_mcp.engine.link import EngineRefusal
from codex_mcp.engine.origin import ORIGIN, Origin
from codex_mcp.errors import CallerError, CodexMcpError
from codex_mcp.surfaces.connection import Connection
from codex_mcp.surfaces.handshake import UNANSWERED, Dialect, Handshake
from codex_mcp.surfaces.mcp.options import McpOptions
from codex_mcp.wire.errors import INTERNAL_ERROR, INVALID_REQUEST, RpcError
from codex_mcp.wire.messages import MalformedMessage
from codex_mcp.wire.peer import Endpoint, IncomingCall

if TYPE_CHECKING:
    from codex_mcp.surfaces.mcp.methods import McpMethods
    from codex_mcp.surfaces.v1.methods import V1Methods

log = logging.getLogger(__name__)


class Door(Protocol):
    """Looks at every request of a client before it is served."""

    def admit(self, connection: Connection, origin: Origin, params: Any) -> None:
        """Raises CodexMcpError or RpcError to refuse."""


class Session:
    """One client, from its first request to its last."""

    def __init__(
        self,
        peer: Endpoint,
        handshake: Handshake,
        agent: Agent,
        mcp_options: McpOptions,
        *,
        identity: str | None = None,
        door: Door | None = None,
    ) -> None:
        """`identity`: see `Connection`."""
        self.connection = Connection(handshake, peer, agent, events=mcp_options.events, identity=identity)
        self._handshake = handshake
        self._peer = peer
        self._mcp_options = mcp_options
        self._door = door
        self._mcp: McpMethods | None = None
        self._v1: V1Methods | None = None

    async def warm_up(self) -> None:
        """Load what the client is going to use, before it asks."""
        if self._handshake.dialect is Dialect.MCP:
            self._mcp_methods().warm_up()
        elif self._handshake.dialect is Dialect.APP_SERVER:
            self._v1_methods()

    def on_request(self, call: IncomingCall) -> None:
        try:
            result = self._handshake.answer(call.method, call.params, jsonrpc=call.jsonrpc)
        finally:
            self._follow_habit()
        if result is not UNANSWERED:
            call.respond(result)
            if call.method == "initialize":
                self._peer.spawn(self.warm_up)
            return
        origin = self._origin(call)
        if self._door is not None:
            self._door.admit(self.connection, origin, call.params)
        token = ORIGIN.set(origin)  # the tasks that are started now inherit it
        try:
            if self._handshake.dialect is Dialect.MCP and self._mcp_methods().serves(call.method):
                self._mcp_methods().on_request(call)
            else:
                self._v1_methods().on_request(call)
        finally:
            ORIGIN.reset(token)

    def _origin(self, call: IncomingCall) -> Origin:
        method = call.method
        if method == "tools/call" and isinstance(call.params, dict):
            method = f"{method} {call.params.get('name')}"
        return Origin(self.connection.identity, self.connection.id, method, call.id)

    # The surfaces, each loaded when a client first asks for something of it.

    def _v1_methods(self) -> V1Methods:
        if self._v1 is None:
            from codex_mcp.surfaces.v1.methods import V1Methods

            self._v1 = V1Methods(self.connection)
        return self._v1

    def _mcp_methods(self) -> McpMethods:
        if self._mcp is None:
            from codex_mcp.surfaces.mcp.methods import McpMethods

            self._mcp = McpMethods(self.connection, self._mcp_options)
        return self._mcp

    def _follow_habit(self) -> None:
        """Send the `jsonrpc` member or not, as the handshake settled it."""
        self._peer.jsonrpc = self._handshake.jsonrpc

    def on_notification(self, method: str, params: Any) -> None:
        if method == "notifications/cancelled" and self._handshake.dialect is Dialect.MCP:
            self._on_cancelled(params)
            return
        log.debug("ignored a notification of the client: %s", method)

    def _on_cancelled(self, params: Any) -> None:
        """The request gets no answer, and what it runs is stopped."""
        id = params.get("requestId") if isinstance(params, dict) else None
        if isinstance(id, bool) or not isinstance(id, int | str):
            return
        call = self._peer.incoming(id)
        if call is not None:
            log.info("the client cancelled request %r: %s", id, params.get("reason"))
            call.withdraw()

    def on_malformed(self, fault: MalformedMessage) -> None:
        log.warning("the client sent a line that is no message: %s", fault.reason)
        if self._handshake.dialect is Dialect.MCP:
            self._follow_habit()
            self._peer.fail_unidentified(RpcError(fault.code, fault.reason))

    def on_bug(self, error: Exception) -> None:
        log.error("a notification of the client could not be handled", exc_info=error)

    def to_rpc_error(self, error: Exception) -> RpcError:
        """The caller's faults are -32600, everything else is -32603; `data.code` is the stable code."""
        if isinstance(error, EngineRefusal):
            return RpcError(error.rpc_code, error.message, {"code": error.code})
        if isinstance(error, CodexMcpError):
            number = INVALID_REQUEST if isinstance(error, CallerError) else INTERNAL_ERROR
            return RpcError(number, error.message, {"code": error.code})
        log.error("a request failed", exc_info=error)
        return RpcError(INTERNAL_ERROR, f"internal error: {type(error).__name__}: {error}", {"code": "internal_error"})

    def close(self) -> None:
        """The connection is over."""
        for surface in (self._mcp, self._v1):
            if surface is not None:
                surface.close()
