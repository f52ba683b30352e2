"""Rollouts: the files in which Codex keeps conversations, read as v1 shows them.

Releases write them differently: old ones as v1 events, newer ones as completed items. Both give the same messages.
Paths come from clients, so every path is checked to lie in the directories that hold rollouts.
"""

from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

from codex_mcp.bridge import shapes
from codex_mcp.bridge.options import TurnOptions, engine_policy
from codex_mcp.engine.home import CodexHome
from codex_mcp.errors import CallerError
from codex_mcp.wire.messages import JsonObject

ARCHIVED = "archived_sessions"
_DIRECTORIES = ("sessions", ARCHIVED)
_SANDBOX_FLAGS = ("network_access", "exclude_tmpdir_env_var", "exclude_slash_tmp")
_REQUEST_MARK = "## My request for Codex:"  # IDE extensions put context before it


class RolloutUnreadable(CallerError):
    """The file is not there, or is no rollout. The text is the reason alone."""

    code = "not_found"


def locate(home: CodexHome, path: str, directories: tuple[str, ...] = _DIRECTORIES) -> pathlib.Path:
    """The file a client names (relative: to CODEX_HOME), links resolved.

    Raises RolloutUnreadable if it does not exist, or lies outside of the directories that hold rollouts.
    """
    try:
        found = (home.path / path).resolve(strict=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise RolloutUnreadable(_os_reason(error)) from None
    for directory in directories:
        if found.is_relative_to((home.path / directory).resolve()):
            if not found.is_file():  # a pipe would be read for ever
                raise RolloutUnreadable("it is no regular file")
            return found
    raise RolloutUnreadable(f"it is not in the {' or '.join(directories)} directory of {home.path}")


def _os_reason(error: Exception) -> str:
    """As the old server put it: `No such file or directory (os error 2)`."""
    if isinstance(error, OSError) and error.errno is not None:
        return f"{os.strerror(error.errno)} (os error {error.errno})"
    return str(error)


def _payloads(path: pathlib.Path, mark: bytes = b"") -> Iterator[tuple[str, JsonObject]]:
    """Type and payload of every line that holds `mark`; lines that are no JSON (a write that was cut short) are
    skipped."""
    try:
        with path.open("rb") as file:
            for line in file:
                if mark not in line:
                    continue
                try:
                    entry = json.loads(line)
                    yield entry["type"], entry["payload"]
                except (ValueError, KeyError, TypeError):
                    continue
    except OSError as error:
        raise RolloutUnreadable(_os_reason(error)) from None


def summary(path: pathlib.Path) -> JsonObject:
    """`{conversationId, path, preview, timestamp, modelProvider}` of a rollout file. Reads up to the first message."""
    meta: JsonObject | None = None
    for kind, payload in _payloads(path):
        if kind == "session_meta" and meta is None:
            meta = payload
        elif meta is not None:
            for event in _as_events(kind, payload):
                if event["type"] == "user_message":
                    return _summary(path, meta, event["message"])
    if meta is None:
        raise RolloutUnreadable("it does not begin as a rollout does")
    return _summary(path, meta, "")


def _summary(path: pathlib.Path, meta: JsonObject, message: str) -> JsonObject:
    return {
        "conversationId": meta.get("id", ""),
        "path": str(path),
        "preview": preview(message),
        "timestamp": meta.get("timestamp"),
        "modelProvider": meta.get("model_provider") or "openai",
    }


def preview(message: str) -> str:
    """What a list shows of a message: the user's own words, if an IDE put context before them."""
    return message.rpartition(_REQUEST_MARK)[2].strip() if _REQUEST_MARK in message else message


def initial_messages(path: pathlib.Path) -> list[JsonObject]:
    """The events of a conversation that v1 keeps, in order: messages, reasoning, token counts, aborts."""
    events: list[JsonObject] = []
    from_item = False
    for kind, payload in _payloads(path):
        if kind != "event_msg":
            continue
        if payload.get("type") == "thread_rolled_back":
            _roll_back(events, payload.get("num_turns", 0))
            continue
        is_item = payload.get("type") == "item_completed"
        for event in _as_events(kind, payload):
            # a release that wrote both forms wrote them one after the other
            if is_item == from_item or events[-1:] != [event]:
                events.append(event)
            from_item = is_item
    return events


def _roll_back(events: list[JsonObject], turns: int) -> None:
    """Take the last turns away: they are no longer part of the conversation."""
    starts = [index for index, event in enumerate(events) if event["type"] == "user_message"]
    if turns > 0:
        del events[starts[-turns] if turns <= len(starts) else 0 :]


def _as_events(kind: str, payload: JsonObject) -> list[JsonObject]:
    if kind != "event_msg":
        return []
    if payload.get("type") == "item_completed":
        (name, item), *_ = _item_of(payload["item"])
        translate = _ITEMS.get(name)
        return translate(item) if translate is not None else []
    kept = _EVENTS.get(payload.get("type", ""))
    return [kept(payload)] if kept is not None else []


def _item_of(item: JsonObject) -> list[tuple[str, JsonObject]]:
    """Name and body: newer releases tag items by `type`, older ones by their only key."""
    if "type" in item:
        return [(item["type"], item)]
    return list(item.items())


def _text(parts: Any) -> str:
    """The text of a message's content parts, in any of the forms that releases wrote."""
    if isinstance(parts, str):
        return parts
    texts = []
    for part in parts or ():
        inner = part.get("Text", part) if isinstance(part, dict) else {}
        texts.append(inner.get("text") or "")
    return "".join(texts)


def _images(parts: Any) -> list[str]:
    return [part["image_url"] for part in parts or () if isinstance(part, dict) and part.get("type") == "image"]


def _reasoning(item: JsonObject) -> list[JsonObject]:
    return [{"type": "agent_reasoning", "text": text} for text in item.get("summary_text") or ()]


def _token_count(payload: JsonObject) -> JsonObject:
    info = payload.get("info")
    if info is not None:
        usage = ("input_tokens", "cached_input_tokens", "output_tokens", "reasoning_output_tokens", "total_tokens")
        info = {
            **{k: {name: info[k].get(name, 0) for name in usage} for k in ("total_token_usage", "last_token_usage")},
            "model_context_window": info.get("model_context_window"),
        }
    limits = payload.get("rate_limits")
    kept = {name: (limits or {}).get(name) for name in shapes.NO_RATE_LIMITS}
    return {"type": "token_count", "info": info, "rate_limits": kept}


# Events that v1 keeps, as it shows them. Keys that later releases added are left out.
_EVENTS: dict[str, Callable[[JsonObject], JsonObject]] = {
    "user_message": lambda p: {
        "type": "user_message",
        "message": p.get("message", ""),
        "images": p.get("images") or [],
    },
    "agent_message": lambda p: {"type": "agent_message", "message": p.get("message", "")},
    "agent_reasoning": lambda p: {"type": "agent_reasoning", "text": p.get("text", "")},
    "agent_reasoning_raw_content": lambda p: {"type": "agent_reasoning_raw_content", "text": p.get("text", "")},
    "token_count": _token_count,
    "turn_aborted": lambda p: {"type": "turn_aborted", "reason": p.get("reason") or "interrupted"},
    "context_compacted": lambda _: {"type": "agent_message", "message": "Compact task completed"},
}

# Completed items that newer releases keep instead.
_ITEMS: dict[str, Callable[[JsonObject], list[JsonObject]]] = {
    "UserMessage": lambda item: [
        {"type": "user_message", "message": _text(item.get("content")), "images": _images(item.get("content"))}
    ],
    "AgentMessage": lambda item: [{"type": "agent_message", "message": _text(item.get("content"))}],
    "Reasoning": _reasoning,
    "ContextCompaction": lambda _: [{"type": "agent_message", "message": "Compact task completed"}],
}


def last_settings(path: pathlib.Path) -> TurnOptions:
    """The settings of the last turn, as far as the file tells: a resumed thread has them again.

    The engine restores some of them by itself, and never the sandbox. Raises RolloutUnreadable.
    """
    context: JsonObject = {}
    for kind, payload in _payloads(path, b'"turn_context"'):
        if kind == "turn_context":
            context = payload
    cwd = context.get("cwd")
    return TurnOptions(
        cwd=cwd,
        approval_policy=engine_policy(context.get("approval_policy")),
        sandbox_policy=_sandbox_of(context, cwd),
        model=context.get("model"),
        effort=context.get("effort"),
    )


def _sandbox_of(context: JsonObject, cwd: str | None) -> JsonObject | None:
    """The engine's form of a turn's sandbox: written as a v1 policy, or (0.169) as the rules it came to."""
    policy, profile = context.get("sandbox_policy"), context.get("permission_profile")
    if isinstance(policy, dict):
        mode = policy.get("type") or policy.get("mode")
        if mode not in shapes.SANDBOX_TYPES:
            return None
        roots = policy.get("writable_roots") or []
        flags = {name: bool(policy.get(name)) for name in _SANDBOX_FLAGS}
        return shapes.engine_sandbox_policy({"mode": mode, "writable_roots": roots, **flags}, absolute=str)  # they are
    if not isinstance(profile, dict):
        return None
    if profile.get("type") == "disabled":
        return {"type": "dangerFullAccess"}
    files = profile.get("file_system") or {}
    if files.get("type") != "restricted":
        return None
    writable = [entry["path"] for entry in files.get("entries", ()) if entry.get("access") == "write"]
    special = {(path.get("value") or {}).get("kind") for path in writable if path.get("type") == "special"}
    if "root" in special:
        return {"type": "dangerFullAccess"}
    network = profile.get("network") == "enabled"
    if not writable:
        return {"type": "readOnly", "networkAccess": network}
    roots = dict.fromkeys(path["path"] for path in writable if path.get("type") == "path" and path["path"] != cwd)
    return {
        "type": "workspaceWrite",
        "writableRoots": list(roots),
        "networkAccess": network,
        "excludeTmpdirEnvVar": "tmpdir" not in special,
        "excludeSlashTmp": "slash_tmp" not in special,
    }
