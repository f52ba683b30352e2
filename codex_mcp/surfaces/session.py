"""The connection to the client: gates its requests, delivers events and questions (a `Handler` and an `Outlet`)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from codex_mcp.bridge.approvals import Approval
from codex_mcp.bridge.conversation import Conversation
from codex_mcp.bridge.conversations import Conversations
from codex_mcp.bridge.events import Event
from codex_mcp.bridge.options import ServerDefaults
from codex_mcp.engine.link import EngineRefusal
from codex_mcp.engine.supervisor import Engine
from codex_mcp.errors import CallerError, CodexMcpError
from codex_mcp.surfaces.handshake import UNANSWERED, Dialect, Handshake
from codex_mcp.surfaces.mcp.options import McpOptions
from codex_mcp.surfaces.v1.listeners import Audience, Item
from codex_mcp.wire.errors import INTERNAL_ERROR, INVALID_REQUEST, RpcError
from codex_mcp.wire.messages import JsonObject, MalformedMessage
from codex_mcp.wire.peer import IncomingCall, Peer

if TYPE_CHECKING:
    from codex_mcp.protocol.base import WireModel
    from codex_mcp.protocol.registry import NotificationType
    from codex_mcp.surfaces.mcp.surface import McpSurface
    from codex_mcp.surfaces.mcp.turn import ToolTurn
    from codex_mcp.surfaces.v1.surface import V1Surface

log = logging.getLogger(__name__)


class ClientSession:
    """One client, from its first request to its last."""

    def __init__(self, handshake: Handshake, defaults: ServerDefaults, mcp_options: McpOptions) -> None:
        self.handshake = handshake
        self.conversations = Conversations(self, defaults)
        self.subscriptions: dict[str, Audience] = {}
        self.peer: Peer
        """Set before the first message."""
        self._audiences: dict[str, Audience] = {}
        self._mcp_options = mcp_options
        self._mcp: McpSurface | None = None
        self._v1: V1Surface | None = None

    @property
    def engine(self) -> Engine:
        return self.conversations.engine

    @property
    def dialect(self) -> Dialect:
        """The client's dialect; that of the app-server until it has said."""
        return self.handshake.dialect or Dialect.APP_SERVER

    def warm_up(self) -> None:
        """Load what the client is going to use, before it asks."""
        if self.handshake.dialect is Dialect.MCP:
            self._mcp_surface().warm_up()
        elif self.handshake.dialect is Dialect.APP_SERVER:
            self._v1_surface()

    # -- requests

    def on_request(self, call: IncomingCall) -> None:
        try:
            result = self.handshake.answer(call.method, call.params, jsonrpc=call.jsonrpc)
        finally:
            self._follow_habit()
        if result is not UNANSWERED:
            call.respond(result)
            return
        if self.handshake.dialect is Dialect.MCP and self._mcp_surface().serves(call.method):
            self._mcp_surface().on_request(call)
        else:
            self._v1_surface().on_request(call)

    def _v1_surface(self) -> V1Surface:
        if self._v1 is None:
            from codex_mcp.surfaces.v1.surface import V1Surface

            self._v1 = V1Surface(self)
        return self._v1

    def _mcp_surface(self) -> McpSurface:
        """Loaded when an MCP client first asks for something beyond the handshake."""
        if self._mcp is None:
            from codex_mcp.surfaces.mcp.surface import McpSurface

            self._mcp = McpSurface(self, self._mcp_options)
        return self._mcp

    def _follow_habit(self) -> None:
        """Send the `jsonrpc` member or not, as the handshake settled it."""
        self.peer.jsonrpc = self.handshake.jsonrpc

    def on_notification(self, method: str, params: Any) -> None:
        if method == "notifications/cancelled" and self._mcp is not None:
            self._mcp.on_cancelled(params)
            return
        log.debug("ignored a notification of the client: %s", method)

    def on_malformed(self, fault: MalformedMessage) -> None:
        log.warning("the client sent a line that is no message: %s", fault.reason)
        if self.handshake.dialect is Dialect.MCP:
            self._follow_habit()
            self.peer.fail_unidentified(RpcError(fault.code, fault.reason))

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
        if self._mcp is not None:
            self._mcp.close()

    # -- events and questions

    def open_audience(self, conversation: Conversation, *, of_tool: bool = False) -> Audience:
        """From now on the conversation's events have a place to go. `of_tool`: a tool begins or resumes it."""

        def deliver(item: Item) -> None:
            if isinstance(item, Event):
                self._send_event(conversation, item)
            else:
                self._v1_surface().ask(item)

        implicit = self.dialect is Dialect.MCP and self._mcp_options.events
        audience = self._audiences[conversation.id] = Audience(deliver, implicit, keep=not of_tool)
        return audience

    def audience(self, conversation: Conversation) -> Audience:
        return self._audiences[conversation.id]

    def close_audience(self, conversation_id: str) -> None:
        """The conversation is gone, and with it its listeners."""
        audience = self._audiences.pop(conversation_id, None)
        self.subscriptions = {id: a for id, a in self.subscriptions.items() if a is not audience}

    def notify(self, notification: NotificationType[Any], params: WireModel) -> None:
        """Send a notification of the registry."""
        self.peer.notify(notification.name, params.to_wire())

    def on_account_notification(self, method: str, params: JsonObject) -> None:
        if self._v1 is not None or self.dialect is Dialect.APP_SERVER:  # clients of the tools know nothing of it
            self._v1_surface().on_account_notification(method, params)

    def emit(self, conversation: Conversation, events: list[Event]) -> None:
        audience = self._audiences[conversation.id]
        for event in events:
            audience.put(event)
        if self._mcp is not None:
            self._mcp.on_events(conversation, events)

    def ask(self, approval: Approval) -> None:
        turn = self._tool_turn(approval.conversation)
        if turn is None:
            self._audiences[approval.conversation.id].put(approval)
        else:
            turn.ask(approval)

    def withdraw(self, approval: Approval) -> None:
        turn = self._tool_turn(approval.conversation)
        if turn is not None:
            turn.withdraw(approval)
        if self._v1 is not None:
            self._v1.withdraw(approval)
        self._audiences[approval.conversation.id].withdraw(approval)

    def _tool_turn(self, conversation: Conversation) -> ToolTurn | None:
        """The turn of an MCP tool that runs in the conversation now."""
        return None if self._mcp is None else self._mcp.turns.get(conversation.id)

    def _send_event(self, conversation: Conversation, event: Event) -> None:
        params = {"id": event.id, "msg": event.msg, "conversationId": conversation.id}
        turn = self._tool_turn(conversation)
        if turn is not None:
            self.peer.notify("codex/event", {"_meta": turn.meta, **params})
            return
        method = "codex/event" if self.dialect is Dialect.MCP else f"codex/event/{event.msg['type']}"
        self.peer.notify(method, params)
        if event.msg["type"] == "token_count":
            self.peer.notify("account/rateLimits/updated", event.msg["rate_limits"])
