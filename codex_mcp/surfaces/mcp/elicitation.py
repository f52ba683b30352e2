"""Approvals of tool calls, asked by `elicitation/create`: the question as a person reads it, and what answers mean.

Any client that follows the MCP specification can answer: `accept` is a yes, and the form lets its user say more.
What clients of the old `codex mcp-server` answered (`{"decision": …}`) decides as well. Whatever is not a clear yes
is a no. A client that did not declare the capability is never asked.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import anyio

from codex_mcp.bridge.approvals import Approval, Decision, Kind, Verdict
from codex_mcp.logs import about
from codex_mcp.surfaces.client import Client
from codex_mcp.surfaces.mcp.wording import command_line, outline, shorten, visible
from codex_mcp.wire.errors import PeerClosed, RpcError
from codex_mcp.wire.messages import JsonObject, RequestId

log = logging.getLogger(__name__)

_MAX_COMMAND = 4000
_MAX_DIFF = 6000
_WIDTH = 100

DECISIONS = {
    "approve": Decision.APPROVED,
    "approve-for-session": Decision.APPROVED_FOR_SESSION,
    "deny": Decision.DENIED,
    "stop": Decision.ABORT,
}
"""The words of the form, and of `codex-answer`."""

_TITLES = {
    "approve": "Approve",
    "approve-for-session": "Approve, and do not ask again in this thread",
    "deny": "Deny: Codex goes on without",
    "stop": "Stop: the turn ends",
}

# Further words for a decision: the v1 interface's, and what people write into a form without choices.
_WORDS = {
    **DECISIONS,
    **dict.fromkeys(("approved", "accept", "allow", "yes"), Decision.APPROVED),
    "approved_for_session": Decision.APPROVED_FOR_SESSION,
    **dict.fromkeys(("denied", "decline", "no"), Decision.DENIED),
    **dict.fromkeys(("abort", "cancel"), Decision.ABORT),
}

NOT_OFFERED = "this client cannot be asked: it did not declare the elicitation capability"


class Elicitations:
    """Asks the client, and takes questions back."""

    def __init__(
        self, client: Client, capabilities: JsonObject, version: str, time_limit: float, *, others: bool = False
    ) -> None:
        """`capabilities` are the client's, `version` the MCP version that was agreed on, `time_limit`
        seconds for an answer (0: no limit). `others`: somebody else may answer what the client cannot be asked."""
        declared = capabilities.get("elicitation")
        # {} means forms; a client may declare other modes alone
        self.offered = isinstance(declared, dict) and (not declared or "form" in declared)
        self._client = client
        self._version = version
        self._others = others
        self._limit = time_limit or None
        self._open: dict[Approval, tuple[RequestId | None, RequestId, anyio.CancelScope]] = {}

    def ask(
        self, approval: Approval, call_id: RequestId, event_id: str, on_denied: Callable[[Approval, str], None]
    ) -> None:
        """Put the question of the tool call `call_id`, and answer `approval` with what comes back.

        `on_denied` hears of every approval that was not given, and why.
        """
        if not self.offered and self._others:

            def too_late(because: str) -> None:
                self._open.pop(approval, None)
                on_denied(approval, because)
                approval.answer(Verdict(Decision.DENIED, "server", because))

            self._open[approval] = (None, call_id, self.limit(too_late))
            return
        if not self.offered:
            on_denied(approval, NOT_OFFERED)
            approval.answer(Verdict(Decision.DENIED, "server", NOT_OFFERED))
            return
        params = {
            "message": message(approval),
            "requestedSchema": self._form(),
            **_upstream_fields(approval, call_id, event_id),
        }
        pending = self._client.begin("elicitation/create", params, about=call_id)
        scope = anyio.CancelScope()
        self._open[approval] = (pending.id, call_id, scope)

        async def wait() -> None:
            with scope:
                decision, because = Decision.DENIED, "the question was not answered"
                try:
                    with anyio.move_on_after(self._limit) as limit:
                        decision, because = read_answer(await pending.result())
                    if limit.cancelled_caught:
                        because = _timeout_reason(self._limit or 0)
                        self._tell_withdrawn(pending.id, call_id, because)
                except RpcError as error:
                    because = f"the client could not ask: {error.message}"
                except PeerClosed:
                    because = "the client is gone"
                self._open.pop(approval, None)
                if not decision.is_yes:
                    log.info("an approval was denied: %s", because, extra=about(approval.conversation_id))
                    on_denied(approval, because)
                approval.answer(Verdict(decision, "client", because))

        self._client.spawn(wait)

    def limit(self, on_timeout: Callable[[str], object]) -> anyio.CancelScope:
        """Call `on_timeout` with the reason when a question that begins to wait now has waited for too long, unless
        the scope is cancelled first."""
        scope = anyio.CancelScope()

        async def wait(seconds: float) -> None:
            with scope:
                await anyio.sleep(seconds)
                on_timeout(_timeout_reason(seconds))

        if self._limit is not None:
            self._client.spawn(wait, self._limit)
        return scope

    def withdraw(self, approval: Approval) -> None:
        """The question needs no answer any more: its turn is over."""
        if approval not in self._open:
            return
        id, call_id, scope = self._open.pop(approval)
        scope.cancel()
        if id is not None:
            reason = "the turn is over" if approval.verdict is None else "somebody else has answered"
            self._tell_withdrawn(id, call_id, reason)

    def _tell_withdrawn(self, id: RequestId, call_id: RequestId, reason: str) -> None:
        self._client.notify("notifications/cancelled", {"requestId": id, "reason": reason}, about=call_id)

    def _form(self) -> JsonObject:
        """Nothing in it is required, so that a plain accept will do."""
        choice: JsonObject = {"type": "string", "title": "Decision", "default": "approve"}
        if self._version >= "2025-11-25":
            choice["oneOf"] = [{"const": value, "title": title} for value, title in _TITLES.items()]
        else:
            choice["enum"] = list(_TITLES)
            choice["enumNames"] = list(_TITLES.values())
        return {"type": "object", "properties": {"decision": choice}}


def _timeout_reason(seconds: float) -> str:
    return f"nobody answered within {seconds:g} seconds"


def message(approval: Approval) -> str:
    """Everything a person needs to decide: many clients show nothing else, and some of them only the first lines, each
    cut off at the width of the window. What would be done comes first, in short lines."""
    details = approval.details
    if approval.kind is Kind.PATCH:
        files, diffs = outline(details["changes"], _MAX_DIFF)
        lines = (
            [f"Allow Codex to {files[0]}?"]
            if len(files) == 1
            else [f"Allow Codex to change {len(files)} files?", *files]
        )
    else:
        command = shorten(command_line(details["command"]), _MAX_COMMAND)
        verb, files, diffs = "use" if approval.kind is Kind.TOOL else "run", [], []
        outside = " outside the sandbox" if details.get("outside") else ""
        lines = _wrapped(f"Allow Codex to {verb}{outside}: {command}")
        lines += [f"With permission to {permission}" for permission in details.get("permissions", ())]
        if details["cwd"]:
            lines.append(f"Directory: {details['cwd']}")
    reason = details.get("stated", details["reason"])
    if reason:
        lines += _wrapped(f"Reason: {reason}")
    if details.get("grant_root"):
        lines.append(f"This also allows writing anywhere under {details['grant_root']} for the rest of the session.")
    return visible("\n".join([*lines, *diffs]))


def _wrapped(text: str) -> list[str]:
    import textwrap

    return [
        piece
        for line in visible(text).split("\n")
        for piece in textwrap.wrap(line, _WIDTH, break_on_hyphens=False, drop_whitespace=False) or [""]
    ]


def what(approval: Approval) -> str:
    """The question in a line."""
    details = approval.details
    if approval.kind is Kind.PATCH:
        return visible(", ".join(details["changes"]))
    outside = " (outside the sandbox)" if details.get("outside") else ""
    permissions = "".join(f" (with permission to {permission})" for permission in details.get("permissions", ()))
    return visible(command_line(details["command"])) + outside + visible(permissions)


def _upstream_fields(approval: Approval, call_id: RequestId, event_id: str) -> JsonObject:
    """What the old server sent beside the message; clients that know it can show more."""
    details = approval.details
    fields: JsonObject = {
        "threadId": approval.conversation_id,
        "codex_elicitation": "patch-approval" if approval.kind is Kind.PATCH else "exec-approval",
        "codex_mcp_tool_call_id": str(call_id),
        "codex_event_id": event_id,
        "codex_call_id": approval.call_id,
    }
    if approval.kind is Kind.PATCH:
        fields["codex_changes"] = details["changes"]
        if details["grant_root"]:
            fields["codex_grant_root"] = details["grant_root"]
    else:
        fields["codex_command"] = details["command"]
        fields["codex_cwd"] = details["cwd"]
        fields["codex_parsed_cmd"] = details["parsed_cmd"]
    if details["reason"]:
        fields["codex_reason"] = details["reason"]
    return fields


def read_answer(answer: Any) -> tuple[Decision, str]:
    """The decision, and how it was told: an MCP result, or what clients of the old server sent."""
    if not isinstance(answer, dict):
        return Decision.DENIED, "the answer could not be understood"
    if "decision" in answer:
        return _read_decision(answer["decision"])
    action = answer.get("action")
    if action == "accept":
        content = answer.get("content")
        if content is None or content == {}:
            return Decision.APPROVED, ""
        if isinstance(content, dict) and set(content) == {"decision"}:
            return _read_decision(content["decision"])
        return Decision.DENIED, "the answer could not be understood"
    if action == "decline":
        return Decision.DENIED, "the user declined"
    if action == "cancel":
        return Decision.DENIED, "the user dismissed the question"
    return Decision.DENIED, "the answer could not be understood"


def _read_decision(word: Any) -> tuple[Decision, str]:
    if isinstance(word, dict) and "approved_execpolicy_amendment" in word:
        return Decision.APPROVED, ""
    decision = _WORDS.get(word.strip().lower()) if isinstance(word, str) else None
    if decision is None:
        return Decision.DENIED, "the answer could not be understood"
    return decision, "the user stopped the turn" if decision is Decision.ABORT else "the user declined"
