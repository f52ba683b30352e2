"""The interface as TypeScript declarations, made from its JSON Schema."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping
from typing import Any

from codex_mcp.protocol import INTERFACE_VERSION
from codex_mcp.protocol.schema import bundle
from codex_mcp.wire.messages import JsonObject

_TAIL = """
export type Method = keyof Methods;
export type Params<M extends Method> = Methods[M]["params"];
export type Result<M extends Method> = Methods[M]["result"];

/** An event by its type: `EventOf<"agent_message">`. */
export type EventOf<T extends EventMsg["type"]> = Extract<EventMsg, { type: T }>;

/** The method of an event in the app-server dialect; in MCP it is `codex/event`. */
export type EventMethod = `codex/event/${EventMsg["type"]}`;

/** The `error` member of an answer. `data.code` is stable, `message` is for people. */
export interface ErrorObject {
  code: number;
  message: string;
  data?: { code: string; [key: string]: unknown };
}
"""


def render() -> str:
    """The declarations, a module of its own."""
    interface = bundle()
    parts = [
        f"// The Codex JSON-RPC interface, version {INTERFACE_VERSION}.\n"
        "// Written by `codex-mcp-server schema --typescript`; do not change it by hand.\n"
    ]
    parts += [_declaration(name, schema) for name, schema in interface["$defs"].items()]
    parts.append(_map("Methods", "What a client may ask.", interface["methods"]))
    parts.append(_map("ServerRequests", "What the server asks the client.", interface["serverRequests"]))
    parts.append(_map("Notifications", "What the server tells.", interface["notifications"]))
    return "\n".join(parts) + _TAIL


def _declaration(name: str, schema: JsonObject) -> str:
    head = "".join(_comment(schema, ""))
    if schema.get("type") != "object":
        return f"{head}export type {name} = {_type(schema)};\n"
    if not schema.get("properties"):
        return f"{head}export type {name} = Record<string, never>;\n"
    return f"{head}export interface {name} {{\n{''.join(_fields(schema))}}}\n"


def _map(name: str, description: str, calls: Mapping[str, JsonObject]) -> str:
    lines = [f"/** {description} */\nexport interface {name} {{\n"]
    for method, call in calls.items():
        lines += _comment(call, "  ")
        members = " ".join(f"{key}: {_type(call[key])};" for key in ("params", "result") if key in call)
        lines.append(f"  {json.dumps(method)}: {{ {members} }};\n")
    return "".join([*lines, "}\n"])


def _fields(schema: JsonObject) -> Iterator[str]:
    for name, field in schema["properties"].items():
        yield from _comment(field, "  ")
        mark = "" if name in schema.get("required", ()) else "?"
        yield f"  {name}{mark}: {_type(field)};\n"


def _comment(schema: JsonObject, indent: str) -> Iterator[str]:
    if schema.get("description"):
        yield f"{indent}/** {' '.join(inspect.cleandoc(schema['description']).split())} */\n"


def _type(schema: Any) -> str:
    """A schema as a type expression. Raises KeyError for what no schema of the interface has."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return " | ".join(json.dumps(value) for value in schema["enum"])
    for key in ("oneOf", "anyOf"):
        if key in schema:
            return " | ".join(_type(inner) for inner in schema[key])
    kind = schema.get("type", "any")
    if kind == "array":
        return f"Array<{_type(schema.get('items', {}))}>"
    if kind == "object":
        of = schema.get("additionalProperties")
        return f"Record<string, {_type(of) if isinstance(of, dict) else 'unknown'}>"
    simple = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean"}
    return {**simple, "null": "null", "any": "unknown"}[kind]
