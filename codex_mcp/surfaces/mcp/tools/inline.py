"""JSON Schemas of arguments and results, as short as they can be: every word of them costs the caller context."""

from __future__ import annotations

from typing import Any

import msgspec

from codex_mcp.wire.messages import JsonObject


def inline(model: type[msgspec.Struct], *, keep_null: bool = False) -> JsonObject:
    """The schema with references put in place. `keep_null`: fields that may be null are, instead of left out."""
    schema = msgspec.json.schema(model)
    short: JsonObject = _short(schema, schema["$defs"], keep_null)
    return short


def _short(node: Any, definitions: JsonObject, keep_null: bool, *, names: bool = False) -> Any:
    """`names`: the keys are a model's field names, not words of JSON Schema."""
    if isinstance(node, list):
        return [_short(entry, definitions, keep_null) for entry in node]
    if not isinstance(node, dict):
        return node
    if names:
        return {key: _short(value, definitions, keep_null) for key, value in node.items()}
    if "$ref" in node:
        target = definitions[node["$ref"].removeprefix("#/$defs/")]
        return _short({**target, **{k: v for k, v in node.items() if k != "$ref"}}, definitions, keep_null)
    if "anyOf" in node and not keep_null:  # an optional field: absence says what null would
        kinds = [kind for kind in node["anyOf"] if kind != {"type": "null"}]
        if len(kinds) == 1:
            node = {**kinds[0], **{k: v for k, v in node.items() if k != "anyOf"}}
            return _short(node, definitions, keep_null)
    if "enum" in node:  # all of ours are words; clients look for the type
        node = {"type": "string", **node}
    left_out = {"title", "default", "$defs"} | ({"description"} if "properties" in node else set())
    return {
        key: _short(value, definitions, keep_null, names=key == "properties")
        for key, value in node.items()
        if key not in left_out
    }
