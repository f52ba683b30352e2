"""Tool calls of the model, as requests to decide on and as lines for people and records."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from codex_mcp.policy.commands import script_of
from codex_mcp.policy.decide import Request
from codex_mcp.policy.paths import resolve

_SECTION = re.compile(
    r"^\*\*\* (Add|Update|Delete) File: (.+?)\s*\n(.*?)(?=^\*\*\* (?:Add|Update|Delete) File: |^\*\*\* End Patch|\Z)",
    re.MULTILINE | re.DOTALL,
)
_MOVED = re.compile(r"^\*\*\* Move to: (.+?)\s*\n", re.MULTILINE)
_TOUCHED = re.compile(r"^\*\*\* (?:Add File|Update File|Delete File|Move to): (.+?)\s*$", re.MULTILINE)


def act(tool: str, arguments: Any, cwd: str, servers: Iterable[str] = ()) -> Request:
    """What a call of a tool does. `servers`: names of MCP servers that are known, to tell them from their tools."""
    given = arguments if isinstance(arguments, dict) else {}
    if tool == "apply_patch":
        return Request(tool=tool, touched=touched_files(str(given.get("command", "")), cwd))
    command = given.get("command")
    if tool == "Bash" or isinstance(command, list):
        script = script_of(command) if isinstance(command, str | list) else ""
        return Request(tool=tool, command=script, touched=touched_files(script, cwd))
    if tool.startswith("mcp__"):
        return Request(tool=tool, server=server_of(tool, servers))
    if isinstance(given.get("server"), str):  # read_mcp_resource and its like
        return Request(tool=tool, server=given["server"])
    paths = tuple(resolve(given["path"], cwd) for _ in "x" if isinstance(given.get("path"), str))
    return Request(tool=tool, touched=paths)


def kind_of(tool: str) -> str:
    """The `kind` of records."""
    kinds = {"Bash": "command", "apply_patch": "patch"}
    return "mcp_tool" if tool.startswith("mcp__") else kinds.get(tool, "model_tool")


def touched_files(patch: str, cwd: str) -> tuple[str, ...]:
    """The files that a patch touches, also one that stands in a script."""
    return tuple(dict.fromkeys(resolve(path, cwd) for path in _TOUCHED.findall(patch)))


def patch_changes(patch: str, cwd: str) -> dict[str, Any]:
    """The changes of a patch by path, as questions show them: `add` and `delete` with content, `update` with a diff."""
    changes: dict[str, Any] = {}
    for kind, path, body in _SECTION.findall(patch):
        place = resolve(path, cwd)
        if kind == "Update":
            moved = _MOVED.search(body)
            diff = _MOVED.sub("", body)
            move_path = resolve(moved[1], cwd) if moved else None
            changes[place] = {"update": {"unified_diff": diff, "move_path": move_path}}
        else:
            content = "".join(f"{line[1:]}\n" for line in body.splitlines() if line.startswith("+"))
            changes[place] = {kind.lower(): {"content": content}}
    return changes


def server_of(tool: str, servers: Iterable[str]) -> str:
    """The MCP server of `mcp__SERVER__TOOL`: of the known ones the longest, else what stands before the next `__`."""
    rest = tool.removeprefix("mcp__")
    known = [name for name in servers if rest.startswith(f"{name}__")]
    return max(known, key=len) if known else rest.partition("__")[0]


def in_words(tool: str, arguments: Any, request: Request) -> str:
    """What the call does, on one line or a few."""
    if request.command is not None:
        return request.command
    if tool == "apply_patch":
        return ", ".join(request.touched) or "a patch"
    return f"{tool} {json.dumps(arguments, ensure_ascii=False)}"
