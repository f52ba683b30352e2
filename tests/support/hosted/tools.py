"""The tools that the stand-in offers, as it declares them."""

from __future__ import annotations

from typing import Any

import mcp.types as types

_SESSION = {"type": "string", "description": "Link or id of a session."}
_META = {
    "type": "object",
    "properties": {
        key: {"type": "string"}
        for key in ("session_id", "title", "type", "workspace", "status", "created_at", "updated_at", "link")
    },
    "required": ["session_id", "title", "type", "workspace", "status"],
}

# Combinators at the root, in properties and in items: clients have to hand them on unchanged.
COMBINED_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "target": {
            "description": "What to look for.",
            "oneOf": [
                {
                    "title": "by link",
                    "type": "object",
                    "properties": {"link": {"type": "string", "format": "uri"}},
                    "required": ["link"],
                    "additionalProperties": False,
                },
                {
                    "title": "by words",
                    "type": "object",
                    "properties": {"words": {"type": "array", "items": {"type": "string"}, "minItems": 1}},
                    "required": ["words"],
                    "additionalProperties": False,
                },
            ],
        },
        "filter": {
            "allOf": [
                {"$ref": "#/$defs/dated"},
                {"type": "object", "properties": {"status": {"enum": ["active", "completed"]}}},
            ]
        },
        "limit": {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 50}, {"type": "null"}], "default": 10},
    },
    "required": ["target"],
    "allOf": [{"if": {"required": ["filter"]}, "then": {"required": ["limit"]}}],
    "$defs": {"dated": {"type": "object", "properties": {"since": {"type": "string", "format": "date"}}}},
    "additionalProperties": False,
}


def _schema(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _read_only(title: str) -> types.ToolAnnotations:
    return types.ToolAnnotations(title=title, read_only_hint=True, open_world_hint=False)


TOOLS: list[types.Tool] = [
    types.Tool(
        name="resolve_session",
        description="Identify the session that a link belongs to.",
        input_schema=_schema(["link"], link=_SESSION),
        output_schema=_META,
        annotations=_read_only("Resolve a session link"),
    ),
    types.Tool(
        name="get_messages",
        description="Chat messages of a session, oldest first.",
        input_schema=_schema(
            ["session"],
            session=_SESSION,
            limit={"type": "integer", "minimum": 1, "default": 50},
            cursor={"type": "string", "description": "`next_cursor` of the page before."},
        ),
        annotations=_read_only("Read the chat"),
    ),
    types.Tool(
        name="list_files",
        description="Files of a session.",
        input_schema=_schema(["session"], session=_SESSION),
        annotations=_read_only("List files"),
    ),
    types.Tool(
        name="get_file",
        description="Content of a file of a session.",
        input_schema=_schema(["session", "path"], session=_SESSION, path={"type": "string"}),
        annotations=_read_only("Read a file"),
    ),
    types.Tool(
        name="get_diff",
        description="A file of a dev session before and after it, and the unified diff.",
        input_schema=_schema(["session", "path"], session=_SESSION, path={"type": "string"}),
        annotations=_read_only("Read a diff"),
    ),
    types.Tool(
        name="search_sessions",
        description="Find sessions. The schema has oneOf, allOf, anyOf, $ref and if/then.",
        input_schema=COMBINED_SCHEMA,
        annotations=_read_only("Search"),
    ),
    types.Tool(
        name="screenshot",
        description="A picture of a session, with facts about it: text, image and structured content.",
        input_schema=_schema(["session"], session=_SESSION),
        output_schema={
            "type": "object",
            "properties": {"width": {"type": "integer"}, "height": {"type": "integer"}},
            "required": ["width", "height"],
        },
        annotations=_read_only("Take a picture"),
    ),
    types.Tool(
        name="rename_session",
        description="Give a session another title. Changes data, destroys nothing. No annotations but these.",
        input_schema=_schema(["session", "title"], session=_SESSION, title={"type": "string"}),
        annotations=types.ToolAnnotations(title="Rename", read_only_hint=False, destructive_hint=False),
    ),
    types.Tool(
        name="delete_session",
        description="Delete a session for good (here: says so and deletes nothing).",
        input_schema=_schema(["session"], session=_SESSION),
        annotations=types.ToolAnnotations(title="Delete", read_only_hint=False, destructive_hint=True),
    ),
    types.Tool(
        name="publish",
        description="Publish a session: asks the user for the audience by an elicitation (form). Has no annotations.",
        input_schema=_schema(["session"], session=_SESSION),
    ),
    types.Tool(
        name="connect_account",
        description="Asks the user to open a page, by an elicitation (URL).",
        input_schema=_schema([]),
        annotations=_read_only("Connect an account"),
    ),
    types.Tool(
        name="slow",
        description="Works for so many seconds, telling its progress.",
        input_schema=_schema(["seconds"], seconds={"type": "number"}),
        annotations=_read_only("Be slow"),
    ),
    types.Tool(
        name="fail",
        description="Fails: as a result (`isError`) or, with protocol, as an error of the protocol.",
        input_schema=_schema([], reason={"type": "string"}, protocol={"type": "boolean"}),
        annotations=_read_only("Fail"),
    ),
    types.Tool(
        name="who_am_i",
        description="How this caller has authenticated: by what, for which workspace, with which headers.",
        input_schema=_schema([]),
        annotations=_read_only("Who am I"),
    ),
]
LATE_TOOL = types.Tool(
    name="late_tool",
    description="Was not there at the beginning.",
    input_schema=_schema([]),
    annotations=_read_only("Late"),
)
WRITES = {"rename_session", "delete_session", "publish"}
