"""`tools/call`: the sets of tools, the check of arguments, and failures as results.

A set is a module of this package with `TOOLS`, loaded when it is first needed. To add one: the module, its name in
`catalog.SETS`, and `python -m codex_mcp.surfaces.mcp.tools.schema`.
"""

from __future__ import annotations

from importlib import import_module

import msgspec

from codex_mcp.errors import CodexMcpError
from codex_mcp.protocol.tools import ToolArguments
from codex_mcp.surfaces.mcp import catalog
from codex_mcp.surfaces.mcp.context import CallContext, McpContext
from codex_mcp.surfaces.mcp.results import failure
from codex_mcp.surfaces.mcp.tools.declare import Tool
from codex_mcp.wire.errors import INVALID_PARAMS, RpcError
from codex_mcp.wire.messages import JsonObject, RequestId


def tools_of(set_name: str) -> tuple[Tool, ...]:
    """The tools of a set of `catalog.SETS`."""
    tools: tuple[Tool, ...] = import_module(f"{__name__}.{set_name}").TOOLS
    return tools


def load(sets: tuple[str, ...]) -> dict[str, Tool]:
    """The tools of the default set and of `sets`, by name."""
    return {tool.name: tool for name in (catalog.DEFAULT_SET, *sets) for tool in tools_of(name)}


async def call_tool(context: McpContext, id: RequestId, params: JsonObject) -> JsonObject:
    """Run a tool. Raises RpcError for params that are no tool call; everything else is a result."""
    name, arguments = params.get("name"), params.get("arguments")
    if not isinstance(name, str):
        raise RpcError(INVALID_PARAMS, "`name` is a string and required")
    if not isinstance(arguments, dict | None):
        raise RpcError(INVALID_PARAMS, "`arguments` is an object")
    tool = load(context.options.tool_sets).get(name)
    if tool is None:
        return failure("not_found", f"Unknown tool '{name}'{_where(name)}")
    if not arguments and tool.missing:
        return tool.fail("invalid_arguments", f"Missing arguments for {name} tool-call; {tool.missing}.")
    try:
        decoded = msgspec.convert(arguments or {}, tool.arguments)
    except msgspec.ValidationError as error:
        fault = str(error).replace("Object missing required field", "missing field")  # the released server's words
        return tool.fail("invalid_arguments", f"Failed to parse configuration for {tool.title} tool: {fault}")
    meta = params.get("_meta")
    token = meta.get("progressToken") if isinstance(meta, dict) else None
    call = CallContext(context, id, token, _notes_on_unknown(tool.arguments, arguments or {}))
    try:
        return await tool.run(call, decoded)
    except CodexMcpError as error:
        return tool.fail(error.code, error.message)


def _where(name: str) -> str:
    """How to get a tool that is not offered."""
    for set_name in catalog.EXTRA_SETS:
        if any(tool["name"] == name for tool in catalog.load(set_name)):
            return f"; start the server with `--tools {set_name}` to have it"
    return ""


def _notes_on_unknown(model: type[ToolArguments], arguments: JsonObject) -> list[str]:
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
