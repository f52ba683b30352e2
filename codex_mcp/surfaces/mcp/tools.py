"""`tools/call`: the table of tools, the check of their arguments, and failures as results."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec

from codex_mcp.errors import CodexMcpError
from codex_mcp.protocol import tools as t
from codex_mcp.surfaces.mcp import background_tools, thread_tools, turn_tools
from codex_mcp.surfaces.mcp.call import ToolCall
from codex_mcp.surfaces.mcp.catalog import DEFAULT_SET
from codex_mcp.surfaces.mcp.results import failure, failure_of
from codex_mcp.surfaces.mcp.surface import McpSurface
from codex_mcp.wire.errors import INVALID_PARAMS, RpcError
from codex_mcp.wire.messages import JsonObject
from codex_mcp.wire.peer import IncomingCall

_Handler: TypeAlias = Callable[[ToolCall, Any], Awaitable[JsonObject]]


@dataclass(frozen=True)
class _Tool:
    type: t.ToolType
    run: _Handler
    missing: str
    """What the old server said when there were no arguments at all."""


_TOOLS = {
    tool.type.name: tool
    for tool in (
        _Tool(t.CODEX, turn_tools.codex, "the `prompt` field is required"),
        _Tool(t.CODEX_REPLY, turn_tools.reply, "the `thread_id` and `prompt` fields are required"),
        _Tool(t.CODEX_START, background_tools.start, "the `prompt` field is required"),
        _Tool(t.CODEX_WAIT, background_tools.wait, "the `threadId` field is required"),
        _Tool(t.CODEX_ANSWER, background_tools.answer, "`threadId`, `approvalId` and `decision` are required"),
        _Tool(t.CODEX_THREADS, thread_tools.list_threads, ""),
        _Tool(t.CODEX_READ, thread_tools.read, "the `threadId` field is required"),
        _Tool(t.CODEX_INTERRUPT, thread_tools.interrupt, "the `threadId` field is required"),
        _Tool(t.CODEX_ARCHIVE, thread_tools.archive, "the `threadId` field is required"),
        _Tool(t.CODEX_FORK, thread_tools.fork, "the `threadId` field is required"),
    )
}


async def call_tool(surface: McpSurface, call: IncomingCall, params: JsonObject) -> JsonObject:
    """Run a tool. Raises RpcError for params that are no tool call; everything else is a result."""
    name, arguments = params.get("name"), params.get("arguments")
    if not isinstance(name, str):
        raise RpcError(INVALID_PARAMS, "`name` is a string and required")
    if not isinstance(arguments, dict | None):
        raise RpcError(INVALID_PARAMS, "`arguments` is an object")
    tool = _TOOLS.get(name)
    if tool is None or tool.type.set not in (DEFAULT_SET, *surface.options.tool_sets):
        where = "" if tool is None else f"; start the server with `--tools {tool.type.set}` to have it"
        return failure("not_found", f"Unknown tool '{name}'{where}")
    if not arguments and tool.missing:
        return failure("invalid_arguments", f"Missing arguments for {name} tool-call; {tool.missing}.")
    try:
        decoded = msgspec.convert(arguments or {}, tool.type.arguments)
    except msgspec.ValidationError as error:
        fault = str(error).replace("Object missing required field", "missing field")  # the released server's words
        return failure("invalid_arguments", f"Failed to parse configuration for {tool.type.title} tool: {fault}")
    meta = params.get("_meta")
    token = meta.get("progressToken") if isinstance(meta, dict) else None
    context = ToolCall(surface, call.id, token, _notes_on_unknown(tool.type.arguments, arguments or {}))
    try:
        return await tool.run(context, decoded)
    except CodexMcpError as error:
        return failure_of(error)


def _notes_on_unknown(model: type[t.ToolArguments], arguments: JsonObject) -> list[str]:
    """Arguments that the tool does not have, with those that may have been meant."""
    known = model.__struct_encode_fields__
    unknown = [name for name in arguments if name not in known]
    if not unknown:
        return []
    import difflib

    notes = []
    for name in unknown:
        near = difflib.get_close_matches(name, known, 1)
        notes.append(f"unknown argument `{name}` was ignored" + (f"; did you mean `{near[0]}`?" if near else ""))
    return notes
