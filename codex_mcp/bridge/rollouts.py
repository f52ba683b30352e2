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

from codex_mcp.bridge import confinement, shapes
from codex_mcp.bridge.options import TurnOptions, engine_policy
from codex_mcp.engine.home import CodexHome
from codex_mcp.errors import CallerError
from codex_mcp.policy import GUARD
from codex_mcp.wire.messages import JsonObject

ARCHIVED = "archived_sessions"
_DIRECTORIES = ("sessions", ARCHIVED)
_SANDBOX_FLAGS = ("network_access", "exclude_tmpdir_env_var", "exclude_slash_tmp")
_TAIL = 1 << 20  # bytes at the end of a file: a turn writes less after a call, before the call is over
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
    """Type and payload of every line that holds `mark`; lines of another form (a write that was cut short, one of a
    later release) are skipped."""
    try:
        with path.open("rb") as file:
            for line in file:
                if mark not in line:
                    continue
                try:
                    entry = json.loads(line)
                except (ValueError, RecursionError):
                    continue
                if isinstance(entry, dict) and isinstance(entry.get("payload"), dict):
                    yield str(entry.get("type")), entry["payload"]
    except OSError as error:
        raise RolloutUnreadable(_os_reason(error)) from None


def items_of_call(path: str, call_id: str) -> list[JsonObject]:
    """The model's items about a call of the turn that runs, oldest first: the call, and its output once there is one.
    The engine writes them before it asks or goes on. Nothing, if the file cannot be read."""
    mark, items = json.dumps(call_id, ensure_ascii=False).encode(), []
    try:
        with open(path, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL))
            lines = file.read(_TAIL).splitlines()
    except OSError:
        return []
    for line in lines:
        if mark not in line:
            continue
        try:
            entry = json.loads(line)
            if entry["type"] == "response_item" and entry["payload"].get("call_id") == call_id:
                items.append(entry["payload"])
        except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
            continue
    return items


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
        "conversationId": _str(meta.get("id")) or "",
        "path": str(path),
        "preview": preview(message),
        "timestamp": _str(meta.get("timestamp")),
        "modelProvider": _str(meta.get("model_provider")) or "openai",
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
            turns = payload.get("num_turns")
            _roll_back(events, turns if isinstance(turns, int) else 0)
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
    """What a line says; nothing, if it is in a form that is not known here."""
    if kind != "event_msg":
        return []
    try:
        if payload.get("type") == "item_completed":
            (name, item), *_ = _item_of(payload["item"])
            translate = _ITEMS.get(name)
            return translate(item) if translate is not None else []
        kept = _EVENTS.get(payload.get("type", ""))
        return [kept(payload)] if kept is not None else []
    except (AttributeError, KeyError, TypeError, ValueError):
        return []


def _item_of(item: JsonObject) -> list[tuple[str, JsonObject]]:
    """Name and body: newer releases tag items by `type`, older ones by their only key."""
    if "type" in item:
        return [(item["type"], item)]
    return list(item.items())


def _said(payload: JsonObject, name: str) -> str:
    """A text; TypeError if it is none."""
    value = payload.get(name, "")
    if not isinstance(value, str):
        raise TypeError(name)
    return value


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
    if isinstance(parts, str):
        return []
    return [_said(part, "image_url") for part in parts or () if isinstance(part, dict) and part.get("type") == "image"]


def _reasoning(item: JsonObject) -> list[JsonObject]:
    texts = item.get("summary_text") or ()
    return [{"type": "agent_reasoning", "text": text} for text in texts if isinstance(text, str)]


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
        "message": _said(p, "message"),
        "images": [image for image in p.get("images") or () if isinstance(image, str)],
    },
    "agent_message": lambda p: {"type": "agent_message", "message": _said(p, "message")},
    "agent_reasoning": lambda p: {"type": "agent_reasoning", "text": _said(p, "text")},
    "agent_reasoning_raw_content": lambda p: {"type": "agent_reasoning_raw_content", "text": _said(p, "text")},
    "token_count": _token_count,
    "turn_aborted": lambda p: {"type": "turn_aborted", "reason": _str(p.get("reason")) or "interrupted"},
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


def last_settings(home: CodexHome, path: pathlib.Path) -> TurnOptions:
    """The settings of the last turn, as far as the file tells: a resumed thread has them again.

    The engine restores some of them by itself, and never the sandbox. Raises RolloutUnreadable.
    """
    context: JsonObject = {}
    for kind, payload in _payloads(path, b'"turn_context"'):
        if kind == "turn_context":
            context = payload
    cwd = _str(context.get("cwd"))
    settings = TurnOptions(
        cwd=cwd,
        approval_policy=engine_policy(_str(context.get("approval_policy"))),
        model=_str(context.get("model")),
        effort=_str(context.get("effort")),
    )
    try:
        return settings.updated(_sandbox_of(context, cwd, home))
    except (KeyError, TypeError, AttributeError):  # not as any release known here wrote it
        return settings.updated(_READ_ONLY)


def _str(value: Any) -> str | None:
    return value if isinstance(value, str) else None


_READ_ONLY = TurnOptions(sandbox_policy={"type": "readOnly"})


def _sandbox_of(context: JsonObject, cwd: str | None, home: CodexHome) -> TurnOptions:
    """What a turn might touch: written as a v1 policy, or (newer releases) as the rules it came to, and the user's
    profile that they come from. What cannot be said of it leaves it narrower, never wider."""
    policy, rules = context.get("sandbox_policy"), context.get("permission_profile")
    profile = (context.get("active_permission_profile") or {}).get("id")
    if profile is not None and profile != GUARD:
        return TurnOptions(permissions=str(profile))
    if isinstance(rules, dict):
        return _of_rules(rules, cwd, home)
    if not isinstance(policy, dict):
        return TurnOptions()
    mode = policy.get("type") or policy.get("mode")
    if mode not in shapes.SANDBOX_TYPES:
        return _READ_ONLY
    roots = policy.get("writable_roots") or []
    flags = {name: bool(policy.get(name)) for name in _SANDBOX_FLAGS}
    sandbox = shapes.engine_sandbox_policy({"mode": mode, "writable_roots": roots, **flags}, home.absolute)
    return TurnOptions(sandbox_policy=sandbox)


def _of_rules(rules: JsonObject, cwd: str | None, home: CodexHome) -> TurnOptions:
    if rules.get("type") == "disabled":
        return TurnOptions(sandbox_policy={"type": "dangerFullAccess"})
    files = rules.get("file_system") or {}
    if files.get("type") != "restricted":
        return _READ_ONLY
    entries = [(entry["access"], *_place(entry["path"])) for entry in files.get("entries", ())]
    credentials = confinement.credentials(home)
    denied = {place for access, kind, place in entries if access in ("deny", "none") and kind == "path"}
    writable = [(kind, place) for access, kind, place in entries if access == "write"]
    network = rules.get("network") == "enabled"
    settings = TurnOptions(denied_paths=tuple(sorted(denied.difference(credentials))) or None)
    if ("special", "root") in writable and not denied:
        return TurnOptions(sandbox_policy={"type": "dangerFullAccess"})
    if ("path", cwd) not in writable:
        return settings.updated(TurnOptions(sandbox_policy={"type": "readOnly", "networkAccess": network}))
    sandbox: JsonObject = {
        "type": "workspaceWrite",
        "writableRoots": list(dict.fromkeys(place for kind, place in writable if kind == "path" and place != cwd)),
        "networkAccess": network,
        "excludeTmpdirEnvVar": ("special", "tmpdir") not in writable,
        "excludeSlashTmp": ("special", "slash_tmp") not in writable,
    }
    return settings.updated(TurnOptions(sandbox_policy=sandbox))


def _place(path: JsonObject) -> tuple[str, str]:
    """Kind and name of what a rule is about."""
    if path["type"] == "special":
        return "special", str(path["value"]["kind"])
    return str(path["type"]), str(path.get("path") or path.get("pattern"))
