"""The connection to the client: gates its requests, delivers events and questions (a `Handler` and an `Outlet`)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from codex_mcp.bridge.account import auth_method
from codex_mcp.bridge.approvals import Approval, Decision, Kind
from codex_mcp.bridge.conversation import Conversation
from codex_mcp.bridge.conversations import Conversations
from codex_mcp.bridge.events import Event
from codex_mcp.bridge.options import ServerDefaults
from codex_mcp.engine.link import EngineRefusal
from codex_mcp.engine.supervisor import Engine
from codex_mcp.errors import CallerError, CodexMcpError
from codex_mcp.logs import about
from codex_mcp.protocol.account import AuthStatusChange, LoginChatGptComplete
from codex_mcp.protocol.base import WireModel
from codex_mcp.protocol.registry import (
    APPLY_PATCH_APPROVAL,
    AUTH_STATUS_CHANGE,
    EXEC_COMMAND_APPROVAL,
    LOGIN_CHAT_GPT_COMPLETE,
    METHODS,
    RATE_LIMITS_UPDATED,
    NotificationType,
)
from codex_mcp.surfaces.handshake import UNANSWERED, Dialect, Handshake
from codex_mcp.surfaces.mcp.options import McpOptions
from codex_mcp.surfaces.params import problems
from codex_mcp.surfaces.v1.context import Context
from codex_mcp.surfaces.v1.listeners import Audience, Item
from codex_mcp.surfaces.v1.methods import HANDLERS
from codex_mcp.wire.errors import INTERNAL_ERROR, INVALID_REQUEST, PeerClosed, RpcError
from codex_mcp.wire.messages import JsonObject, MalformedMessage
from codex_mcp.wire.peer import IncomingCall, Peer, PendingCall

if TYPE_CHECKING:
    from codex_mcp.surfaces.mcp.surface import McpSurface
    from codex_mcp.surfaces.mcp.turn import ToolTurn

log = logging.getLogger(__name__)

_DECISIONS = {
    "approved": Decision.APPROVED,
    "approved_for_session": Decision.APPROVED_FOR_SESSION,
    "denied": Decision.DENIED,
    "abort": Decision.ABORT,
    "allow": Decision.APPROVED,  # the published document's words
    "deny": Decision.DENIED,
}


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

    @property
    def engine(self) -> Engine:
        return self.conversations.engine

    @property
    def dialect(self) -> Dialect:
        """The client's dialect; that of the app-server until it has said."""
        return self.handshake.dialect or Dialect.APP_SERVER

    # -- requests

    def on_request(self, call: IncomingCall) -> None:
        try:
            result = self.handshake.answer(call.method, call.params, jsonrpc=call.jsonrpc)
        finally:
            self._follow_habit()
        if result is not UNANSWERED:
            call.respond(result)
            return
        method, handler = METHODS.get(call.method), HANDLERS.get(call.method)
        if method is None or handler is None:
            if self.handshake.dialect is not Dialect.MCP:
                raise self.dialect.unknown_method(call.method)
            self._mcp_surface().on_request(call)
            return
        params = self._decode(method.params, call.params)
        call.start(self._serve(handler(Context(self, call), params)))

    def _mcp_surface(self) -> McpSurface:
        """Loaded when an MCP client first asks for something beyond the handshake."""
        if self._mcp is None:
            from codex_mcp.surfaces.mcp.surface import McpSurface

            self._mcp = McpSurface(self, self._mcp_options)
        return self._mcp

    def _follow_habit(self) -> None:
        """Send the `jsonrpc` member or not, as the handshake settled it."""
        self.peer.jsonrpc = self.handshake.jsonrpc

    async def _serve(self, work: Any) -> Any:
        result = await work
        return None if result is None else result.to_wire()

    def _decode(self, model: type[WireModel], params: Any) -> WireModel:
        if params is None:
            params = {}
        try:
            return model.model_validate(params)
        except ValidationError as error:
            raise self.dialect.bad_params(problems(error)) from None

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
                self._send_question(item)

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
        """The engine says how a sign-in ended, or that the account changed."""
        if method == "account/updated":
            change = AuthStatusChange(auth_method=auth_method(params.get("authMode")))
            self.notify(AUTH_STATUS_CHANGE, change)
        elif params.get("loginId") is not None:  # sign-ins with an API key have none
            complete = LoginChatGptComplete(
                login_id=params["loginId"], success=params["success"], error=params.get("error")
            )
            self.notify(LOGIN_CHAT_GPT_COMPLETE, complete)

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
            self.peer.notify(RATE_LIMITS_UPDATED.name, event.msg["rate_limits"])

    def _send_question(self, approval: Approval) -> None:
        method, params = _question(approval)
        self.peer.tasks.start_soon(self._await_decision, approval, self.peer.begin(method, params))

    async def _await_decision(self, approval: Approval, question: PendingCall) -> None:
        decision = Decision.DENIED
        try:
            answer = await question.result()
            word = answer.get("decision") if isinstance(answer, dict) else None
            if isinstance(word, str) and word in _DECISIONS:
                decision = _DECISIONS[word]
            else:
                log.warning("an undecodable answer counts as denied", extra=about(approval.conversation.id))
        except RpcError as error:
            log.warning("an error counts as denied: %s", error, extra=about(approval.conversation.id))
        except PeerClosed:
            pass
        approval.answer(decision)


def _question(approval: Approval) -> tuple[str, JsonObject]:
    """The request that puts a question to a v1 client."""
    details = approval.details
    params: JsonObject = {"conversationId": approval.conversation.id, "callId": approval.call_id}
    if approval.kind is Kind.PATCH:
        params |= {
            "fileChanges": details["changes"],
            "reason": details["reason"],
            "grantRoot": details["grant_root"],
        }
        return APPLY_PATCH_APPROVAL.name, params
    params |= {
        "command": details["command"],
        "cwd": details["cwd"],
        "reason": details["reason"],
        "risk": None,
        "parsedCmd": details["parsed_cmd"],
    }
    return EXEC_COMMAND_APPROVAL.name, params
