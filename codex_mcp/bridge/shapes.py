"""Single values of the engine's v2 protocol in v1 form, and the other way round. Pure functions."""

from __future__ import annotations

import base64
import json
import os
import shlex
from collections.abc import Callable, Iterable
from typing import Any

from codex_mcp.wire.messages import JsonObject

NO_RATE_LIMITS: JsonObject = {"primary": None, "secondary": None}

_ACTIONS = {"read": ("name", "path"), "listFiles": ("path",), "search": ("query", "path")}
_ACTION_NAMES = {"listFiles": "list_files"}
_PLAN_STATUS = {"inProgress": "in_progress"}
SANDBOX_TYPES = {
    "read-only": "readOnly",
    "workspace-write": "workspaceWrite",
    "danger-full-access": "dangerFullAccess",
}


def argv(command: str) -> list[str]:
    """The engine gives commands as one shell-quoted string."""
    try:
        return shlex.split(command)
    except ValueError:  # not quoted the way a shell would
        return [command]


def parsed_command(actions: Iterable[JsonObject] | None) -> list[JsonObject]:
    """`commandActions` -> `parsed_cmd`. Kinds that v1 does not have become `unknown`."""
    parsed = []
    for action in actions or ():
        kind = action.get("type", "unknown")
        fields = _ACTIONS.get(kind, ())
        entry: JsonObject = {"type": _ACTION_NAMES.get(kind, kind) if fields else "unknown"}
        entry["cmd"] = action.get("command", "")
        entry.update((field, action.get(field)) for field in fields)
        parsed.append(entry)
    return parsed


def permissions(wanted: JsonObject) -> list[str]:
    """What a permission profile adds to a sandbox, as a person reads it; what is not known here, as it is."""
    said = []
    for name, value in wanted.items():
        if name == "network" and isinstance(value, dict) and set(value) == {"enabled"}:
            said += ["use the network"] if value["enabled"] else []
        elif name == "fileSystem" and isinstance(value, dict) and isinstance(value.get("entries"), list):
            said += [_rule(entry) for entry in value["entries"]]
        elif value is not None:
            said.append(f"{name} {json.dumps(value, ensure_ascii=False)}")
    return said


def _rule(entry: JsonObject) -> str:
    place = entry.get("path")
    shown = place.get("path") if isinstance(place, dict) and place.get("type") == "path" else None
    return f"{entry.get('access')} {shown or json.dumps(place, ensure_ascii=False)}"


def file_changes(changes: Iterable[JsonObject]) -> JsonObject:
    """`changes` of a fileChange item -> v1's externally tagged changes by absolute path."""
    result = {}
    for change in changes:
        kind, diff = change["kind"], change.get("diff", "")
        if kind["type"] == "update":
            move_path = kind.get("move_path")
            if move_path is not None:  # the engine says so in words after the diff, too
                diff = diff.removesuffix(f"\n\nMoved to: {move_path}")
            result[change["path"]] = {"update": {"unified_diff": diff, "move_path": move_path}}
        else:
            result[change["path"]] = {kind["type"]: {"content": diff}}
    return result


def patch_summary(changes: JsonObject, cwd: str) -> str:
    """What v1 showed as the output of a patch that was applied: its files, relative to the working directory."""
    lines: dict[str, list[str]] = {"A": [], "M": [], "D": []}
    for path, change in changes.items():
        letter = "A" if "add" in change else "D" if "delete" in change else "M"
        shown = change.get("update", {}).get("move_path") or path
        if cwd and os.path.isabs(shown):
            inside = os.path.relpath(shown, cwd)
            shown = shown if inside.startswith("..") else inside
        lines[letter].append(f"{letter} {shown}\n")
    return "Success. Updated the following files:\n" + "".join(line for group in lines.values() for line in group)


def duration(milliseconds: int | None) -> JsonObject:
    """Milliseconds as v1's `{secs, nanos}`."""
    secs, rest = divmod(milliseconds or 0, 1000)
    return {"secs": secs, "nanos": rest * 1_000_000}


def chunk(text: str) -> str:
    """Output as the base64 of its bytes."""
    return base64.b64encode(text.encode()).decode()


def plan(steps: Iterable[JsonObject]) -> list[JsonObject]:
    """Steps of a plan_update event."""
    return [{"step": s["step"], "status": _PLAN_STATUS.get(s["status"], s["status"])} for s in steps]


def _usage(tokens: JsonObject) -> JsonObject:
    return {
        "input_tokens": tokens["inputTokens"],
        "cached_input_tokens": tokens["cachedInputTokens"],
        "output_tokens": tokens["outputTokens"],
        "reasoning_output_tokens": tokens["reasoningOutputTokens"],
        "total_tokens": tokens["totalTokens"],
    }


def token_usage_info(usage: JsonObject) -> JsonObject:
    """`tokenUsage` -> `info` of a token_count event."""
    return {
        "total_token_usage": _usage(usage["total"]),
        "last_token_usage": _usage(usage["last"]),
        "model_context_window": usage.get("modelContextWindow"),
    }


def rate_limits(snapshot: JsonObject, before: JsonObject) -> JsonObject:
    """`rateLimits` -> `rate_limits` of a token_count event. The engine leaves out what did not change: it stays as it
    was `before`. Limits of single models are not v1's."""

    def window(name: str) -> JsonObject | None:
        value = snapshot.get(name)
        if value is None:
            return before[name]  # type: ignore[no-any-return]
        return {
            "used_percent": value["usedPercent"],
            "window_minutes": value.get("windowDurationMins"),
            "resets_at": value.get("resetsAt"),
        }

    if snapshot.get("limitId") not in (None, "codex"):
        return before
    return {"primary": window("primary"), "secondary": window("secondary")}


def mcp_result(item: JsonObject) -> JsonObject:
    """How a call of an MCP tool ended: `{"Ok": …}` (also for a tool that reported an error) or `{"Err": "…"}`."""
    result = item.get("result")
    if result is None:
        return {"Err": (item.get("error") or {}).get("message") or f"tool call {item.get('status')}"}
    ok: JsonObject = {"content": result.get("content", []), "isError": item.get("status") == "failed"}
    if result.get("structuredContent") is not None:
        ok["structuredContent"] = result["structuredContent"]
    return {"Ok": ok}


def user_content(content: Iterable[JsonObject]) -> list[JsonObject]:
    """Input of a userMessage item, as v1's UserMessage item has it."""
    entries: list[JsonObject] = []
    for part in content:
        kind = part.get("type")
        if kind == "text":
            entries.append({"type": "text", "text": part["text"]})
        elif kind == "image" and "url" in part:
            entries.append({"type": "image", "image_url": part["url"]})
        elif kind == "localImage":
            entries.append({"type": "local_image", "path": part["path"]})
    return entries


def user_message(content: Iterable[JsonObject]) -> JsonObject:
    """Input of a userMessage item as a user_message event."""
    entries = user_content(content)
    return {
        "type": "user_message",
        "message": "".join(entry["text"] for entry in entries if entry["type"] == "text"),
        "images": [entry["image_url"] for entry in entries if entry["type"] == "image"],
    }


def engine_input(items: Iterable[Any]) -> list[JsonObject]:
    """v1 input items (models of `protocol.input_items`) as the engine's user input."""
    converted: list[JsonObject] = []
    for item in items:
        if item.type == "text":
            converted.append({"type": "text", "text": item.data.text})
        elif item.type == "image":
            converted.append({"type": "image", "url": item.data.image_url})
        else:
            converted.append({"type": "localImage", "path": item.data.path})
    return converted


def engine_sandbox_policy(policy: JsonObject, absolute: Callable[[str], str]) -> JsonObject:
    """A v1 sandbox policy (wire form) as the engine's. Roots are made `absolute`, as the engine demands."""
    converted: JsonObject = {"type": SANDBOX_TYPES[policy["mode"]]}
    if policy["mode"] == "workspace-write":
        converted["writableRoots"] = [absolute(root) for root in policy["writable_roots"]]
        converted["networkAccess"] = policy["network_access"]
        converted["excludeTmpdirEnvVar"] = policy["exclude_tmpdir_env_var"]
        converted["excludeSlashTmp"] = policy["exclude_slash_tmp"]
    return converted
