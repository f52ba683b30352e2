"""Commands and file changes as a person reads them in a line or a page."""

from __future__ import annotations

import os
import shlex

from codex_mcp.protocol.tools import ChangeKind
from codex_mcp.wire.messages import JsonObject

_SHELLS = ("bash", "sh", "zsh", "dash", "ash", "ksh", "fish")
_SYSTEM = ("/bin", "/usr/bin", "/usr/local/bin", "/opt/homebrew/bin", "/run/current-system/sw/bin")


def shorten(text: str, limit: int) -> str:
    """`text`, or its beginning and its end with a note of what was left out between them."""
    if len(text) <= limit:
        return text
    left_out = len(text) - limit
    head = limit * 2 // 3
    return f"{text[:head]} … {left_out} characters left out … {text[len(text) - (limit - head) :]}"


def visible(text: str) -> str:
    """`text` with everything that a terminal or a window would act on or hide (control characters, changes of the
    direction of writing, characters without width) spelled out."""
    return "".join(
        char if char.isprintable() or char in "\n\t" else char.encode("unicode_escape").decode() for char in text
    )


def command_line(command: list[str]) -> str:
    """A command as people write it: of a script for a shell of the system or the user's own, the script."""
    if len(command) == 3 and command[1] in ("-lc", "-c") and _is_known_shell(command[0]):
        return command[2]
    return shlex.join(command)


def _is_known_shell(program: str) -> bool:
    """Whether nobody but the system's administrator or the user can have put it there."""
    folder, name = os.path.split(program)
    return (folder in _SYSTEM and name in _SHELLS) or program == os.environ.get("SHELL")


def change_kind(change: JsonObject) -> ChangeKind:
    """Of a v1 file change."""
    return "add" if "add" in change else "delete" if "delete" in change else "update"


def change_text(change: JsonObject) -> str:
    """The diff of an update, the content of a file that comes or goes."""
    body = next(iter(change.values()))
    return str(body.get("unified_diff") or body.get("content") or "")


def outline(changes: JsonObject, limit: int) -> tuple[list[str], list[str]]:
    """Lines: every file with its size of change; and the diffs, as far as `limit` characters go."""
    files = []
    for path, change in changes.items():
        kind, text = change_kind(change), change_text(change)
        moved = change.get("update", {}).get("move_path")
        size = _size(kind, text)
        files.append(f"{kind} {path}" + (f" -> {moved}" if moved else "") + (f" ({size})" if size else ""))
    diffs, left = [], limit
    for path, change in changes.items():
        text = change_text(change).rstrip("\n")
        if not text:
            continue
        if left <= 0:
            diffs += ["", "(further diffs left out)"]
            break
        diffs += ["", f"--- {path}", shorten(text, left)]
        left -= len(text)
    return files, diffs


def _size(kind: str, text: str) -> str:
    if kind != "update":
        count = len(text.splitlines())
        return f"{'+' if kind == 'add' else '-'}{count}"
    added = sum(line.startswith("+") for line in text.splitlines())
    removed = sum(line.startswith("-") for line in text.splitlines())
    return f"+{added} -{removed}"
