"""The documented interface on a connection: its requests, the questions it puts to the client, its notifications.

Loaded when a client first uses it: an MCP client that calls tools does not wait for these models.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import anyio
from pydantic import ValidationError

from codex_mcp.bridge.account import auth_method
from codex_mcp.bridge.approvals import Approval, Decision, Kind
from codex_mcp.logs import about
from codex_mcp.protocol.account import AuthStatusChange, LoginChatGptComplete
from codex_mcp.protocol.base import WireModel
from codex_mcp.protocol.registry import (
    APPLY_PATCH_APPROVAL,
    AUTH_STATUS_CHANGE,
    EXEC_COMMAND_APPROVAL,
    LOGIN_CHAT_GPT_COMPLETE,
    METHODS,
)
from codex_mcp.surfaces.v1.context import Context
from codex_mcp.surfaces.v1.methods import HANDLERS
from codex_mcp.wire.errors import PeerClosed, RpcError
from codex_mcp.wire.messages import JsonObject
from codex_mcp.wire.peer import IncomingCall, PendingCall

if TYPE_CHECKING:
    from codex_mcp.surfaces.session import ClientSession

log = logging.getLogger(__name__)

_DECISIONS = {
    "approved": Decision.APPROVED,
    "approved_for_session": Decision.APPROVED_FOR_SESSION,
    "denied": Decision.DENIED,
    "abort": Decision.ABORT,
    "allow": Decision.APPROVED,  # the published document's words
    "deny": Decision.DENIED,
}


class V1Surface:
    """One per connection. `session` is the connection it belongs to."""

    def __init__(self, session: ClientSession) -> None:
        self._session = session
        self._open: dict[Approval, anyio.CancelScope] = {}
        """The questions that the client has not answered."""

    # -- requests

    def on_request(self, call: IncomingCall) -> None:
        """Begin to serve a request. Raises RpcError."""
        method, handler = METHODS.get(call.method), HANDLERS.get(call.method)
        if method is None or handler is None:
            raise self._session.dialect.unknown_method(call.method)
        params = self._decode(method.params, call.params)
        call.start(self._serve(handler(Context(self._session, call), params)))

    async def _serve(self, work: Any) -> Any:
        result = await work
        return None if result is None else result.to_wire()

    def _decode(self, model: type[WireModel], params: Any) -> WireModel:
        if params is None:
            params = {}
        try:
            return model.model_validate(params)
        except ValidationError as error:
            raise self._session.dialect.bad_params(_problems(error)) from None

    # -- notifications

    def on_account_notification(self, method: str, params: JsonObject) -> None:
        """The engine says how a sign-in ended, or that the account changed."""
        if method == "account/updated":
            change = AuthStatusChange(auth_method=auth_method(params.get("authMode")))
            self._session.notify(AUTH_STATUS_CHANGE, change)
        elif params.get("loginId") is not None:  # sign-ins with an API key have none
            complete = LoginChatGptComplete(
                login_id=params["loginId"], success=params["success"], error=params.get("error")
            )
            self._session.notify(LOGIN_CHAT_GPT_COMPLETE, complete)

    # -- questions

    def ask(self, approval: Approval) -> None:
        """Put an approval to the client, and answer it with what comes back."""
        method, params = _question(approval)
        peer = self._session.peer
        scope = self._open[approval] = anyio.CancelScope()
        peer.tasks.start_soon(self._await_decision, approval, peer.begin(method, params), scope)

    def withdraw(self, approval: Approval) -> None:
        """The question needs no answer any more; one that still comes is ignored."""
        waiting = self._open.pop(approval, None)
        if waiting is not None:
            waiting.cancel()

    async def _await_decision(self, approval: Approval, question: PendingCall, scope: anyio.CancelScope) -> None:
        with scope:  # cancelled when the question is withdrawn
            decision = await self._decision(approval, question)
            self._open.pop(approval, None)
            approval.answer(decision)

    async def _decision(self, approval: Approval, question: PendingCall) -> Decision:
        """What the client says; everything that is not a clear yes is a no."""
        try:
            answer = await question.result()
        except RpcError as error:
            log.warning("an error counts as denied: %s", error, extra=about(approval.conversation.id))
            return Decision.DENIED
        except PeerClosed:
            return Decision.DENIED
        word = answer.get("decision") if isinstance(answer, dict) else None
        if isinstance(word, str) and word in _DECISIONS:
            return _DECISIONS[word]
        log.warning("an undecodable answer counts as denied", extra=about(approval.conversation.id))
        return Decision.DENIED


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


def _problems(error: ValidationError) -> str:
    """What is wrong, without the values: there may be a secret among them."""
    found = []
    for problem in error.errors(include_url=False, include_input=False, include_context=False)[:3]:
        where = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "missing":
            found.append(f"missing field `{where}`")
        else:
            found.append(f"`{where}`: {problem['msg']}" if where else problem["msg"])
    return "; ".join(found)
