"""Threads and models as MCP resources.

codex://threads                       the newest threads
codex://threads/{threadId}            what is known of one
codex://threads/{threadId}/transcript what was said, as Markdown
codex://threads/{threadId}/changes    the files that its patches changed, with their diffs
codex://models                        the models that the engine knows
codex://servers…                      MCP servers: see `server_resources`
"""

from __future__ import annotations

import json
import re
from typing import Any

from codex_mcp.bridge import threads
from codex_mcp.bridge.models import all_models
from codex_mcp.engine.link import EngineRefusal
from codex_mcp.engine.supervisor import Engine
from codex_mcp.errors import CallerError
from codex_mcp.wire.errors import INVALID_PARAMS, RpcError
from codex_mcp.wire.messages import JsonObject

RESOURCE_NOT_FOUND = -32002

_THREADS = "codex://threads"
_MODELS = "codex://models"
_THREAD = re.compile(r"codex://threads/([0-9a-fA-F-]{36})(?:/(transcript|changes))?")
_JSON = "application/json"
_MARKDOWN = "text/markdown"
_PAGE = 50

_FIXED: list[JsonObject] = [
    {
        "uri": _THREADS,
        "name": "threads",
        "title": "Codex threads",
        "description": "The newest threads that the user's Codex has kept.",
        "mimeType": _JSON,
    },
    {
        "uri": _MODELS,
        "name": "models",
        "title": "Codex models",
        "description": "The models that Codex can use, with their reasoning efforts.",
        "mimeType": _JSON,
    },
]

TEMPLATES: list[JsonObject] = [
    {
        "uriTemplate": _THREADS + "/{threadId}",
        "name": "thread",
        "title": "Codex thread",
        "description": "What is known of a thread: directory, model, times, whether it runs.",
        "mimeType": _JSON,
    },
    {
        "uriTemplate": _THREADS + "/{threadId}/transcript",
        "name": "transcript",
        "title": "Transcript of a Codex thread",
        "description": "What was said in a thread, oldest first.",
        "mimeType": _MARKDOWN,
    },
    {
        "uriTemplate": _THREADS + "/{threadId}/changes",
        "name": "changes",
        "title": "Changes of a Codex thread",
        "description": "The files that a thread's patches changed, with their diffs, oldest first.",
        "mimeType": _JSON,
    },
]


async def list_resources(engine: Engine, cursor: str | None) -> JsonObject:
    """A page: what is always there, then the threads, newest first. Raises RpcError for a cursor that is none."""
    try:
        found, next_cursor = await threads.list_threads(engine, limit=_PAGE, cursor=cursor)
    except EngineRefusal as refusal:
        raise RpcError(INVALID_PARAMS, f"`cursor`: {refusal.message}") from None
    listed = [_resource(info) for info in found]
    page: JsonObject = {"resources": listed if cursor is not None else [*_FIXED, *listed]}
    if next_cursor is not None:
        page["nextCursor"] = next_cursor
    return page


def _resource(info: JsonObject) -> JsonObject:
    return {
        "uri": f"{_THREADS}/{info['threadId']}",
        "name": info["threadId"],
        "title": info["name"] or info["preview"] or "Untitled",
        "description": f"Codex thread in {info['cwd']}, last used {info['updatedAt']}",
        "mimeType": _JSON,
        "annotations": {"lastModified": info["updatedAt"]},
    }


async def read_resource(engine: Engine, uri: str) -> JsonObject:
    """The contents. Raises RpcError (-32002) if there is no such resource."""
    thread = check_uri(uri)
    try:
        mime_type, text = await _read_thread(engine, *thread) if thread else await _read_fixed(engine, uri)
    except CallerError as error:
        raise not_found(uri, error.message) from None
    return {"contents": [{"uri": uri, "mimeType": mime_type, "text": text}]}


async def _read_fixed(engine: Engine, uri: str) -> tuple[str, str]:
    if uri == _MODELS:
        return _JSON, _as_json(await all_models(engine))
    found, next_cursor = await threads.list_threads(engine, limit=_PAGE)
    return _JSON, _as_json({"threads": found, "nextCursor": next_cursor})


async def _read_thread(engine: Engine, id: str, part: str | None) -> tuple[str, str]:
    thread = await threads.read_thread(engine, id, turns=part is not None)
    if part is None:
        return _JSON, _as_json(threads.thread_info(thread))
    if part == "changes":
        return _JSON, _as_json(threads.files(thread))
    said = [f"## {message['role'].capitalize()}\n\n{message['text']}\n" for message in threads.messages(thread)]
    return _MARKDOWN, "\n".join(said)


def check_uri(uri: str) -> tuple[str, str | None] | None:
    """Thread id and part of a thread's URI, None for the others. Raises RpcError (-32002) if it is no URI of ours."""
    if uri in (_THREADS, _MODELS):
        return None
    match = _THREAD.fullmatch(uri)
    if match is None:
        raise not_found(uri, f"{uri} is no resource of this server")
    return match[1].lower(), match[2]


def uris_of(thread_id: str) -> tuple[str, ...]:
    """The resources that change when the thread does."""
    thread = f"{_THREADS}/{thread_id}"
    return (_THREADS, thread, f"{thread}/transcript", f"{thread}/changes")


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def not_found(uri: str, message: str) -> RpcError:
    """The error for a URI that there is not."""
    return RpcError(RESOURCE_NOT_FOUND, message, {"uri": uri, "code": "not_found"})
