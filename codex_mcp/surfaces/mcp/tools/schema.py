"""The published form of the tools, for `tools/list`; `python -m codex_mcp.surfaces.mcp.tools.schema` writes it."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import msgspec

from codex_mcp.protocol.tools import ToolArguments, ToolResult
from codex_mcp.surfaces.mcp.catalog import SETS
from codex_mcp.surfaces.mcp.tools import tools_of
from codex_mcp.surfaces.mcp.tools.declare import Tool
from codex_mcp.wire.messages import JsonObject

PUBLISHED = pathlib.Path(__file__).parent.parent / "published"


def _published(tool: Tool) -> JsonObject:
    return {
        "name": tool.name,
        "title": tool.title,
        "description": tool.description,
        "inputSchema": _schema(tool.arguments),
        "outputSchema": _schema(tool.result),
        "annotations": {
            "readOnlyHint": tool.read_only,
            "destructiveHint": tool.destructive,
            "idempotentHint": tool.idempotent,
            "openWorldHint": tool.open_world,
        },
    }


def _schema(model: type[ToolArguments] | type[ToolResult]) -> JsonObject:
    """As short as it can be: every word of it costs the caller context. References are put in place."""
    schema = msgspec.json.schema(model)
    short: JsonObject = _short(schema, schema["$defs"])
    return short


def _short(node: Any, definitions: JsonObject, *, names: bool = False) -> Any:
    """`names`: the keys are a model's field names, not words of JSON Schema."""
    if isinstance(node, list):
        return [_short(entry, definitions) for entry in node]
    if not isinstance(node, dict):
        return node
    if names:
        return {key: _short(value, definitions) for key, value in node.items()}
    if "$ref" in node:
        target = definitions[node["$ref"].removeprefix("#/$defs/")]
        return _short({**target, **{k: v for k, v in node.items() if k != "$ref"}}, definitions)
    if "anyOf" in node:  # an optional field: absence says what null would
        kinds = [kind for kind in node["anyOf"] if kind != {"type": "null"}]
        if len(kinds) == 1:
            node = {**kinds[0], **{k: v for k, v in node.items() if k != "anyOf"}}
            return _short(node, definitions)
    if "enum" in node:  # all of ours are words; clients look for the type
        node = {"type": "string", **node}
    left_out = {"title", "default", "$defs"} | ({"description"} if "properties" in node else set())
    return {
        key: _short(value, definitions, names=key == "properties") for key, value in node.items() if key not in left_out
    }


def render(set_name: str) -> str:
    """The text of a set's file."""
    return json.dumps([_published(tool) for tool in tools_of(set_name)], indent=1) + "\n"


if __name__ == "__main__":
    for name in SETS:
        (PUBLISHED / f"{name}.json").write_text(render(name))
