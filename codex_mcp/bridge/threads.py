"""Threads that the user's Codex has kept, as MCP clients see them: lists, transcripts, files touched."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime

from codex_mcp.bridge import rollouts, shapes
from codex_mcp.bridge.history import SOURCES
from codex_mcp.bridge.options import TurnOptions
from codex_mcp.engine import api
from codex_mcp.engine.link import EngineRefusal
from codex_mcp.engine.supervisor import Engine
from codex_mcp.errors import CallerError
from codex_mcp.wire.messages import JsonObject

_LINK = re.compile(r"codex://threads/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:/\w+)?", re.IGNORECASE)
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class ThreadNotFound(CallerError):
    """The user's Codex has no thread of that id."""

    code = "not_found"

    def __init__(self, id: str) -> None:
        super().__init__(f"Session not found for thread_id: {id}")


def check_id(id: str) -> str:
    """The id, if it is a UUID or a link to a thread (`codex://threads/{id}`, or a part of it). Raises CallerError."""
    link = _LINK.fullmatch(id)
    if link is not None:
        return link[1].lower()
    if _UUID.fullmatch(id) is None:
        raise CallerError(f"Failed to parse thread_id: {id!r} is not a UUID", code="invalid_arguments")
    return id.lower()


async def list_threads(
    engine: Engine, *, limit: int, cursor: str | None = None, search: str | None = None, archived: bool = False
) -> tuple[list[JsonObject], str | None]:
    """Newest first, with the cursor of the next page; of every provider and origin.

    Raises EngineUnavailable, EngineLost, EngineRefusal (a cursor that is none).
    """
    link = await engine.link()
    page = await api.list_threads(
        link, limit=limit, cursor=cursor, modelProviders=[], sourceKinds=SOURCES, archived=archived, searchTerm=search
    )
    return [thread_info(thread) for thread in page["data"]], page.get("nextCursor")


async def read_thread(engine: Engine, id: str, *, turns: bool) -> JsonObject:
    """The engine's thread, with its turns if wanted. Raises ThreadNotFound, EngineUnavailable, EngineLost."""
    link = await engine.link()
    try:
        return await api.read_thread(link, check_id(id), turns=turns)
    except EngineRefusal:
        if not turns:
            raise ThreadNotFound(id) from None
        return {**await read_thread(engine, id, turns=False), "turns": []}  # nothing was said in it yet


async def settings_of(engine: Engine, id: str) -> TurnOptions:
    """The settings that a thread had in its last turn. Raises ThreadNotFound."""
    path = (await read_thread(engine, id, turns=False)).get("path")
    if not path or not os.path.exists(path):
        raise ThreadNotFound(id)
    return rollouts.last_settings(engine.home, rollouts.locate(engine.home, path))


def thread_info(thread: JsonObject) -> JsonObject:
    """The engine's thread as `protocol.tools.ThreadInfo` has it."""
    return {
        "threadId": thread["id"],
        "preview": rollouts.preview(thread.get("preview") or ""),
        "name": thread.get("name"),
        "cwd": thread.get("cwd"),
        "model": thread.get("model"),
        "modelProvider": thread.get("modelProvider"),
        "createdAt": _time(thread["createdAt"]),
        "updatedAt": _time(thread["updatedAt"]),
        "running": (thread.get("status") or {}).get("type") == "active",
        "gitBranch": (thread.get("gitInfo") or {}).get("branch"),
    }


def messages(thread: JsonObject) -> list[JsonObject]:
    """What was said, oldest first: `{role, text}`."""
    said = []
    for item in _items(thread):
        if item["type"] == "userMessage":
            text = shapes.user_message(item["content"])["message"]
            said.append({"role": "user", "text": text})
        elif item["type"] == "agentMessage":
            said.append({"role": "assistant", "text": item["text"]})
    return said


def files(thread: JsonObject) -> list[JsonObject]:
    """The files that patches changed, in the order of their first change: `{path, kind, diffs}`."""
    touched: dict[str, JsonObject] = {}
    for item in _items(thread):
        if item["type"] != "fileChange" or item.get("status") != "completed":
            continue
        for path, change in shapes.file_changes(item["changes"]).items():
            kind, body = next(iter(change.items()))
            entry = touched.setdefault(path, {"path": path, "kind": kind, "diffs": []})
            if not (entry["kind"] == "add" and kind == "update"):
                entry["kind"] = kind
            entry["diffs"].append(body.get("unified_diff") or body.get("content") or "")
    return list(touched.values())


def _items(thread: JsonObject) -> list[JsonObject]:
    return [item for turn in thread.get("turns", ()) for item in turn["items"]]


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
