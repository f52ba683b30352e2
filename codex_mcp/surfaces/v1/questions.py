"""Approvals as requests to a client of the documented interface. Light: MCP clients that never see one load it too."""

from __future__ import annotations

import logging
import uuid

import anyio

from codex_mcp.bridge.approvals import Approval, Decision, Kind, Verdict
from codex_mcp.logs import about
from codex_mcp.surfaces.client import Client
from codex_mcp.wire.errors import PeerClosed, RpcError
from codex_mcp.wire.messages import JsonObject
from codex_mcp.wire.peer import PendingCall

log = logging.getLogger(__name__)

EXEC_COMMAND_APPROVAL = "execCommandApproval"
APPLY_PATCH_APPROVAL = "applyPatchApproval"

_DECISIONS = {
    "approved": Decision.APPROVED,
    "approved_for_session": Decision.APPROVED_FOR_SESSION,
    "denied": Decision.DENIED,
    "abort": Decision.ABORT,
    "allow": Decision.APPROVED,  # the published document's words
    "deny": Decision.DENIED,
}


class Questions:
    """The questions that a client has not answered."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._open: dict[Approval, anyio.CancelScope] = {}

    def ask(self, approval: Approval) -> None:
        """Put an approval to the client, and answer it with what comes back."""
        method, params = _question(approval)
        scope = self._open[approval] = anyio.CancelScope()
        self._client.spawn(self._await_decision, approval, self._client.begin(method, params), scope)

    def withdraw(self, approval: Approval) -> None:
        """The question needs no answer any more; one that still comes is ignored."""
        waiting = self._open.pop(approval, None)
        if waiting is not None:
            waiting.cancel()

    async def _await_decision(self, approval: Approval, question: PendingCall, scope: anyio.CancelScope) -> None:
        with scope:  # cancelled when the question is withdrawn
            verdict = await self._verdict(approval, question)
            self._open.pop(approval, None)
            approval.answer(verdict)

    async def _verdict(self, approval: Approval, question: PendingCall) -> Verdict:
        """What the client says; everything that is not a clear yes is a no."""
        try:
            answer = await question.result()
        except RpcError as error:
            log.warning("an error counts as denied: %s", error, extra=about(approval.conversation_id))
            return Verdict(Decision.DENIED, "server", f"the client could not ask: {error.message}")
        except PeerClosed:
            return Verdict(Decision.DENIED, "server", "the client is gone")
        word = answer.get("decision") if isinstance(answer, dict) else None
        if isinstance(word, str) and word in _DECISIONS:
            return Verdict(_DECISIONS[word], "client")
        log.warning("an undecodable answer counts as denied", extra=about(approval.conversation_id))
        return Verdict(Decision.DENIED, "server", "the answer could not be understood")


def _question(approval: Approval) -> tuple[str, JsonObject]:
    """The request that puts a question to a v1 client."""
    details = approval.details
    params: JsonObject = {"conversationId": approval.conversation_id, "callId": approval.call_id}
    if approval.kind is Kind.PATCH:
        params |= {
            "fileChanges": details["changes"],
            "reason": details["reason"],
            "grantRoot": details["grant_root"],
        }
        return APPLY_PATCH_APPROVAL, params
    params |= {
        "command": details["command"],
        "cwd": details["cwd"],
        "reason": details["reason"],
        "risk": None,
        "parsedCmd": details["parsed_cmd"],
    }
    return EXEC_COMMAND_APPROVAL, params


async def ask_for_tool(client: Client, conversation_id: str, command: list[str], cwd: str) -> bool:
    """Whether the client approves of a call that it wants made itself; everything that is not a clear yes is a no."""
    params = {
        "conversationId": conversation_id,
        "callId": f"tool-{uuid.uuid4().hex}",
        "command": command,
        "cwd": cwd,
        "reason": "the MCP server does not declare this tool as read-only",
        "risk": None,
        "parsedCmd": [{"type": "unknown", "cmd": " ".join(command)}],
    }
    try:
        answer = await client.begin(EXEC_COMMAND_APPROVAL, params).result()
    except (RpcError, PeerClosed):
        return False
    word = answer.get("decision") if isinstance(answer, dict) else None
    return isinstance(word, str) and word in _DECISIONS and _DECISIONS[word].is_yes
