"""The published form of the tools, for `tools/list`; `python -m codex_mcp.surfaces.mcp.tools.schema` writes it."""

from __future__ import annotations

import json
import pathlib

from codex_mcp.protocol.tools import ToolError
from codex_mcp.surfaces.mcp.catalog import SETS
from codex_mcp.surfaces.mcp.tools import tools_of
from codex_mcp.surfaces.mcp.tools.declare import Tool
from codex_mcp.surfaces.mcp.tools.inline import inline
from codex_mcp.surfaces.mcp.tools.lifecycle.forms import Answer
from codex_mcp.wire.messages import JsonObject

PUBLISHED = pathlib.Path(__file__).parent.parent / "published"


def _with_failure(schema: JsonObject) -> JsonObject:
    """The schema of a result, so that a failure fits it, too: clients check results of failed calls as well."""
    if "error" in schema["properties"]:
        return schema
    error = inline(ToolError)
    required = schema.pop("required", [])
    schema["properties"]["error"] = error
    return {**schema, "anyOf": [{"required": required}, {"required": ["error"]}]}


def _published(tool: Tool) -> JsonObject:
    return {
        "name": tool.name,
        "title": tool.title,
        "description": tool.description,
        "inputSchema": inline(tool.arguments),
        "outputSchema": _with_failure(inline(tool.result, keep_null=issubclass(tool.result, Answer))),
        "annotations": {
            "readOnlyHint": tool.read_only,
            "destructiveHint": tool.destructive,
            "idempotentHint": tool.idempotent,
            "openWorldHint": tool.open_world,
        },
    }


def render(set_name: str) -> str:
    """The text of a set's file."""
    return json.dumps([_published(tool) for tool in tools_of(set_name)], indent=1) + "\n"


if __name__ == "__main__":
    for name in SETS:
        (PUBLISHED / f"{name}.json").write_text(render(name))
