"""What the engine asks, as approvals: which requests are put to the client, in which words, and how they are answered.

What is not in the table is refused at once, with an error: an empty result could be a yes.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from codex_mcp.bridge import approvals, shapes
from codex_mcp.bridge.approvals import Decision, Kind
from codex_mcp.bridge.events import Event, Translator
from codex_mcp.wire.errors import METHOD_NOT_FOUND, RpcError
from codex_mcp.wire.messages import JsonObject
from codex_mcp.wire.peer import IncomingCall

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Question:
    """A request of the engine as its client is asked: the events that show it, and how a decision is told."""

    kind: Kind
    call_id: str
    events: list[Event]
    details: JsonObject
    reply: Callable[[Decision], None]
    unasked: str | None = None
    """Why it is declined at once instead of asked; the client is told."""


def question_of(translator: Translator, call: IncomingCall, *, of_sub_agent: bool = False) -> Question | None:
    """The question, None if it cannot be put to a client. `of_sub_agent`: the conversation shows no items of it."""
    ask = REQUESTS.get(call.method)
    if ask is None:
        return None
    if of_sub_agent and call.method in _ITEM_REQUESTS:
        return _sub_agents(translator, call)
    return ask(translator, call)


def refuse(call: IncomingCall) -> None:
    """Answer a request that cannot be put to the client."""
    log.info("refused %s of the engine: %s", call.method, REFUSED_REQUESTS.get(call.method, "it is not known here"))
    call.fail(RpcError(METHOD_NOT_FOUND, f"{call.method} is not served by this client"))


def _command(translator: Translator, call: IncomingCall) -> Question:
    events, details = translator.exec_approval(call.params)
    return Question(Kind.COMMAND, call.params["itemId"], events, details, approvals.command_reply(call))


def _patch(translator: Translator, call: IncomingCall) -> Question:
    events, details = translator.patch_approval(call.params)
    return Question(Kind.PATCH, call.params["itemId"], events, details, approvals.command_reply(call))


def _tool(translator: Translator, call: IncomingCall) -> Question:
    params = call.params
    if (params.get("_meta") or {}).get("codex_approval_kind") != "mcp_tool_call":
        return _form(translator, call)
    command = ["mcp", params["serverName"], *_tool_call(params)]
    return _spelled_out(translator, call, command, params.get("message", ""), approvals.tool_reply(call))


def _form(translator: Translator, call: IncomingCall) -> Question:
    """A tool of an MCP server asks its user to fill in a form, or to open a page."""
    server, asked = call.params["serverName"], call.params.get("message") or ""
    where = [str(call.params["url"])] if call.params.get("url") else []
    because = "questions of MCP servers to their user are not passed on"
    text = f"The MCP server {server} asked its user: {asked} It was declined: {because}."
    events = [Event(translator.turn, {"type": "background_event", "message": text})]
    details: JsonObject = {"command": ["mcp", server, "asks", asked, *where], "cwd": "", "reason": None}
    call_id = f"approval-{call.id}"
    return Question(Kind.TOOL, call_id, events, details, approvals.tool_reply(call), unasked=because)


def _permissions(translator: Translator, call: IncomingCall) -> Question:
    wanted = call.params["permissions"]
    command = ["grant-permissions", _as_text(wanted)]
    reply = approvals.permissions_reply(call, wanted)
    return _spelled_out(translator, call, command, call.params.get("reason") or "", reply)


def _sub_agents(translator: Translator, call: IncomingCall) -> Question:
    """A command or patch of a sub-agent: its items are not shown, so the question is spelled out as one of its own."""
    params = call.params
    command = ["sub-agent", params.get("command") or f"patch {params['itemId']}"]
    permissions = shapes.permissions(params.get("additionalPermissions") or {})
    told = [*([params["reason"]] if params.get("reason") else [])]
    if permissions:
        told.append(f"with permission to {', '.join(permissions)}")
    return _spelled_out(translator, call, command, "; ".join(told), approvals.command_reply(call))


def _spelled_out(
    translator: Translator, call: IncomingCall, command: list[str], reason: str, reply: Callable[[Decision], None]
) -> Question:
    call_id = f"approval-{call.id}"
    events, details = translator.tool_approval(call_id, command, reason)
    return Question(Kind.TOOL, call_id, events, details, reply)


def _tool_call(params: JsonObject) -> list[str]:
    """Name and arguments of the tool that wants to be called; the engine names it in its message only."""
    name = re.search(r'tool "([^"]+)"', params.get("message", ""))
    return [name[1] if name else "tool", _as_text((params.get("_meta") or {}).get("tool_params"))]


def _as_text(value: Any) -> str:
    """A value as a person reads it in a question."""
    return json.dumps(value, ensure_ascii=False)


_ITEM_REQUESTS = ("item/commandExecution/requestApproval", "item/fileChange/requestApproval")

# What the engine asks, and the question it becomes.
REQUESTS: dict[str, Callable[[Translator, IncomingCall], Question | None]] = {
    "item/commandExecution/requestApproval": _command,
    "item/fileChange/requestApproval": _patch,
    "item/permissions/requestApproval": _permissions,
    "mcpServer/elicitation/request": _tool,
}

# What the engine could ask and gets an error for, with the reason.
REFUSED_REQUESTS = {
    "account/chatgptAuthTokens/refresh": "it is for clients that sign in by themselves",
    "applyPatchApproval": "the engine no longer sends it",
    "attestation/generate": "it is only asked of clients that offer it",
    "currentTime/read": "it is only asked of clients that offer it",
    "execCommandApproval": "the engine no longer sends it",
    "item/tool/call": "no client offers tools of its own",
    "item/tool/requestUserInput": "the documented interface has no question with choices",
}
