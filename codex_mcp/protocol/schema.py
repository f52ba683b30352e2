"""The interface as JSON Schema (draft 2020-12), made from the registry.

Unions are `oneOf`; only "or null" is `anyOf`. What is described is the form that is sent and documented: params also
take the variants that `docs/compatibility.md` lists (flat items, other tags and spellings).
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import itertools
import json
import textwrap
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import core_schema

from codex_mcp.protocol import INTERFACE_VERSION, choices
from codex_mcp.protocol.approvals import Decision, FileChange, ParsedCommand
from codex_mcp.protocol.base import WireModel
from codex_mcp.protocol.events import EventMsg, TurnItem, UserInput
from codex_mcp.protocol.input_items import InputItem
from codex_mcp.protocol.registry import METHODS, NOTIFICATIONS, SERVER_REQUESTS
from codex_mcp.protocol.sandbox import SandboxPolicy
from codex_mcp.wire.messages import JsonObject

DRAFT = "https://json-schema.org/draft/2020-12/schema"
_REFERENCE = "#/$defs/{model}"

# Types that are no models and have a name of their own nevertheless, with what they are.
_NAMED: dict[str, tuple[Any, str]] = {
    "ApprovalPolicy": (choices.ApprovalPolicy, "When Codex asks before it acts."),
    "SandboxMode": (choices.SandboxMode, "What commands may touch, in a word."),
    "ReasoningEffort": (choices.ReasoningEffort, "How much the model reasons."),
    "ReasoningSummary": (choices.ReasoningSummary, "How much of the reasoning is told."),
    "Verbosity": (choices.Verbosity, "How much the model says."),
    "Decision": (Decision, "The answer to an approval; `allow` and `deny` mean `approved` and `denied`."),
    "EventMsg": (EventMsg, "An event of a conversation."),
    "FileChange": (FileChange, "What a patch does to a file: exactly one key, which names the kind."),
    "InputItem": (InputItem, "A part of what the user sends."),
    "ParsedCommand": (ParsedCommand, "What a part of a command does."),
    "SandboxPolicy": (SandboxPolicy, "What commands may touch, in detail."),
    "TurnItem": (TurnItem, "An item of a turn: exactly one key, which names the kind."),
    "UserInput": (UserInput, "A part of what the user sent."),
}
_OF_CLIENTS = {"InputItem", "SandboxPolicy"}  # what clients send, and may leave defaults out of


class _Generator(GenerateJsonSchema):
    """Keeps unions exclusive, and leaves out what only repeats the name of a field."""

    def union_schema(self, schema: core_schema.UnionSchema) -> JsonSchemaValue:
        made = super().union_schema(schema)
        if "anyOf" in made and {"type": "null"} not in made["anyOf"]:
            made["oneOf"] = made.pop("anyOf")
        return made

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> JsonSchemaValue:
        made = super().tagged_union_schema(schema)
        made.pop("discriminator", None)  # OpenAPI's, not JSON Schema's
        return made

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def _models() -> list[tuple[type[WireModel], bool]]:
    """Every model of the registry, once, with whether the server sends it."""
    models: dict[type[WireModel], bool] = {}
    for method in METHODS.values():
        models.setdefault(method.params, False)
        models.setdefault(method.result, True)
    for method in SERVER_REQUESTS.values():
        models.setdefault(method.params, True)
        models.setdefault(method.result, False)
    for notification in NOTIFICATIONS.values():
        models.setdefault(notification.params, True)
    return list(models.items())


def definitions() -> dict[str, JsonSchemaValue]:
    """Every type of the interface by name."""
    inputs: list[tuple[str, JsonSchemaMode, Any]] = [
        (model.__name__, "serialization" if sent else "validation", TypeAdapter(model)) for model, sent in _models()
    ]
    modes: dict[str, JsonSchemaMode] = {
        name: "validation" if name in _OF_CLIENTS else "serialization" for name in _NAMED
    }
    inputs += [(name, modes[name], TypeAdapter(kind)) for name, (kind, _) in _NAMED.items()]
    made, shared = TypeAdapter.json_schemas(inputs, by_alias=True, ref_template=_REFERENCE, schema_generator=_Generator)
    types = dict(shared.get("$defs", {}))
    named = {name: made[name, mode] for name, mode in modes.items()}
    for schema in types.values():
        _refer_to_named(schema, named)
    for model in _subclasses(WireModel):
        if model.__name__ in types:
            _describe_fields(types[model.__name__], model)
    for schema in types.values():
        _require_tags(schema)
    for name, (_, description) in _NAMED.items():
        types[name] = {"description": description, **named[name]}
    return dict(sorted(types.items()))


def _refer_to_named(schema: Any, named: dict[str, JsonSchemaValue]) -> None:
    """Put a reference where the schema of a named type is written out."""
    if isinstance(schema, list):
        for inner in schema:
            _refer_to_named(inner, named)
    if isinstance(schema, dict):
        shape = {key: value for key, value in schema.items() if key not in ("default", "description")}
        name = shape.get("named") or next((name for name, of in named.items() if of == shape), None)
        if name is not None:
            for key in shape:
                del schema[key]
            schema["$ref"] = _REFERENCE.format(model=name)
            return
        for inner in schema.values():
            _refer_to_named(inner, named)


def _require_tags(schema: JsonSchemaValue) -> None:
    """What tells the members of a union apart has to be there, although models can be made without naming it."""
    for name, field in schema.get("properties", {}).items():
        if "const" in field and field.pop("default", None) is not None and name not in schema.get("required", []):
            schema["required"] = [name, *schema.get("required", [])]


def _subclasses(model: type[WireModel]) -> list[type[WireModel]]:
    return [model, *(inner for direct in model.__subclasses__() for inner in _subclasses(direct))]


def _describe_fields(schema: JsonSchemaValue, model: type[WireModel]) -> None:
    """Take the docstrings of fields into the schema. Pydantic would do it when the class is made, which is too slow
    for a server that starts."""
    body = ast.parse(textwrap.dedent(inspect.getsource(model))).body[0]
    assert isinstance(body, ast.ClassDef)
    for field, text in itertools.pairwise(body.body):
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            assert isinstance(field.target, ast.Name)
            info = model.model_fields[field.target.id]
            name = info.serialization_alias or info.alias or field.target.id
            if name in schema.get("properties", {}):
                schema["properties"][name].setdefault("description", inspect.cleandoc(str(text.value.value)))


def bundle() -> JsonObject:
    """All types in one document, with the methods, server requests and notifications that use them."""

    def reference(model: type[WireModel]) -> JsonObject:
        return {"$ref": _REFERENCE.format(model=model.__name__)}

    def calls(methods: dict[str, Any]) -> JsonObject:
        return {
            name: {
                "description": method.summary,
                "params": reference(method.params),
                "result": reference(method.result),
            }
            for name, method in methods.items()
        }

    return {
        "$schema": DRAFT,
        "$id": f"https://codex-mcp-server.invalid/interface/{INTERFACE_VERSION}",
        "title": "The Codex JSON-RPC interface",
        "version": INTERFACE_VERSION,
        "methods": calls(METHODS),
        "serverRequests": calls(SERVER_REQUESTS),
        "notifications": {
            name: {"description": notification.summary, "params": reference(notification.params)}
            for name, notification in NOTIFICATIONS.items()
        },
        "$defs": definitions(),
    }


def files() -> dict[str, JsonObject]:
    """The export by file name: the bundle, and every type in a file of its own that needs no other."""
    types = definitions()
    exported: dict[str, JsonObject] = {"codex-interface.json": bundle()}
    for name, schema in types.items():
        needed = _needed(schema, types)
        standalone: JsonObject = {"$schema": DRAFT, **schema}
        if needed:
            standalone["$defs"] = needed
        exported[f"{name}.json"] = standalone
    return exported


def _needed(schema: Any, types: dict[str, JsonSchemaValue]) -> dict[str, JsonSchemaValue]:
    """The types that a schema refers to, directly or through others."""
    found: dict[str, JsonSchemaValue] = {}
    waiting = [schema]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            name = str(value.get("$ref", "")).removeprefix("#/$defs/")
            if name in types and name not in found:
                found[name] = types[name]
                waiting.append(types[name])
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return dict(sorted(found.items()))


def fingerprint() -> str:
    """A hash of every shape: equal as long as nothing changed but words."""
    shapes = _without_words({key: value for key, value in bundle().items() if key not in ("$id", "version", "title")})
    return hashlib.sha256(json.dumps(shapes, sort_keys=True).encode()).hexdigest()


def _without_words(value: Any, *, names: bool = False) -> Any:
    """`value` without descriptions and titles; `names`: the keys are the user's words, not the schema's."""
    if isinstance(value, dict):
        return {
            key: _without_words(inner, names=key in ("properties", "$defs") and not names)
            for key, inner in value.items()
            if names or key not in ("description", "title")
        }
    if isinstance(value, list):
        return [_without_words(inner) for inner in value]
    return value
