"""Results of tool calls, as MCP has them: text for the model, the same as data, and failures with a code."""

from __future__ import annotations

import json
from typing import Any

from msgspec import UNSET

from codex_mcp import error_codes
from codex_mcp.errors import CodexMcpError
from codex_mcp.protocol.tools import ToolError, ToolResult, TurnResult
from codex_mcp.surfaces.mcp.elicitation import NOT_OFFERED
from codex_mcp.surfaces.mcp.turns import ToolTurn
from codex_mcp.wire.messages import JsonObject

HOW_TO_ALLOW = (
    "To have such things done from this client, call with `approval-policy: never` and the `sandbox` that allows "
    "them, or use a client that can ask its user (MCP elicitation)."
)
HOW_TO_ALLOW_TOOLS = (
    'To allow a tool of an MCP server without a question, the user sets `approval_mode = "approve"` in '
    "[mcp_servers.SERVER.tools.TOOL] of config.toml, or starts this server with "
    "`-c 'mcp_servers.SERVER.tools.TOOL.approval_mode=\"approve\"'`; `approval-policy: never` does not."
)


def success(result: ToolResult, text: str, *extra: str) -> JsonObject:
    """A result: `text` for readers of text, everything as data. `extra` are further texts."""
    return {"content": texts(text, *extra), "structuredContent": result.to_wire()}


def as_data(result: ToolResult) -> JsonObject:
    """A result that is data: the text is the same as JSON."""
    data = result.to_wire()
    return {"content": texts(json.dumps(data, ensure_ascii=False)), "structuredContent": data}


def failure(code: str, message: str, thread_id: str = "", **more: Any) -> JsonObject:
    """A failed call. `more`: further fields of TurnResult. Without a thread its id is empty.

    Many clients show their model nothing but the text of an error: it says what to do next, too.
    """
    advice = error_codes.advice(code)
    error = ToolError(code=code, message=message, advice=advice)
    more.setdefault("status", "failed")
    result = TurnResult(thread_id=thread_id, content=message, error=error, **more)
    hints = " ".join([*([advice] if advice else []), *([f"threadId: {thread_id}"] if thread_id else [])])
    lines = [message, *([_aside(hints)] if hints else [])]
    return {"content": texts(*lines), "structuredContent": result.to_wire(), "isError": True}


def failure_of(error: CodexMcpError, thread_id: str = "") -> JsonObject:
    """A failed call, by its exception."""
    return failure(error.code, error.message, thread_id)


def _aside(text: str) -> str:
    """Our own words, apart from those of Codex."""
    return f"[codex-mcp-server] {text}"


def texts(*lines: str) -> list[JsonObject]:
    """Content blocks."""
    return [{"type": "text", "text": line} for line in lines]


def turn_result(
    turn: ToolTurn,
    *,
    show_thread_id: bool,
    notes: list[str],
    failed: tuple[str, str] | None = None,
    output: Any = UNSET,
) -> JsonObject:
    """How a turn ended. `failed` is code and message of a failure that the turn itself does not tell."""
    unasked = [denied for denied in turn.denied if denied.because == NOT_OFFERED]
    denied_of_all = [*turn.denied, *turn.report.refused]
    extra = []
    if unasked:
        things = "; ".join(f"`{denied.what}`" for denied in unasked)
        advice = [HOW_TO_ALLOW] if any(denied.kind != "tool" for denied in unasked) else []
        advice += [HOW_TO_ALLOW_TOOLS] if any(denied.what.startswith("mcp ") for denied in unasked) else []
        extra.append(f"Codex asked for approval of {things} and was denied: {NOT_OFFERED}. {' '.join(advice)}".rstrip())
    if turn.report.refused:
        things = "; ".join(f"`{denied.what}`" for denied in turn.report.refused)
        extra.append(f"The engine refused {things}: {turn.report.refused[0].because}. {HOW_TO_ALLOW_TOOLS}")
    if turn.report.unsaved is not None:
        extra.append(f"What was said may be gone after a restart. {turn.report.unsaved}")
    extra += _on_servers(turn)
    more: dict[str, Any] = {
        "status": turn.status,
        "files_changed": turn.report.files or None,
        "denied_approvals": denied_of_all or None,
        "token_usage": turn.report.usage if turn.report.usage.total_tokens else None,
        "mcp_servers": turn.absent_servers or None,
        "notes": [*notes, *extra] or None,
    }
    if show_thread_id:
        extra.append(f"threadId: {turn.thread_id}")
    if failed is None and turn.status != "completed":
        failed = failed_turn(turn)
    if failed is None:
        result = TurnResult(thread_id=turn.thread_id, content=turn.report.message, output=output, **more)
        return success(result, turn.report.message, *map(_aside, extra))
    code, message = failed
    if turn.status == "completed":
        more["status"] = "failed"
    return failure(code, message, turn.thread_id, **more)


def _on_servers(turn: ToolTurn) -> list[str]:
    """Which MCP servers the model did without, and why."""
    notes = [
        f"The MCP server {server.name} is not connected ({server.state}): {server.advice}."
        for server in turn.absent_servers
    ]
    absent = {server.name for server in turn.absent_servers}
    late = [name for name in turn.late_servers or () if name not in absent]
    if late:
        notes.append(f"The model was asked before these MCP servers had started: {', '.join(late)}.")
    return notes


def failed_turn(turn: ToolTurn) -> tuple[str, str]:
    """Code and message of a turn that was not completed."""
    if turn.report.error is not None:
        return turn.failure_code, turn.report.error
    if turn.denied:
        last = turn.denied[-1]
        return "approval_denied", f"The turn was stopped: approval of `{last.what}` was denied ({last.because})."
    said = f" Codex had said: {turn.report.message}" if turn.report.message else ""
    return "interrupted", f"The turn was interrupted before it was done.{said}"
