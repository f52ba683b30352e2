"""What the templates show: questions, threads and diffs as plain values, with nothing in them that cannot be seen."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from codex_mcp.bridge.approvals import Approval, Kind
from codex_mcp.surfaces.mcp.wording import change_kind, change_text, command_line, shorten
from codex_mcp.wire.messages import JsonObject

_MAX_TEXT = 100_000


def visible(text: str) -> str:
    """`text` with characters that show nothing, or turn others around, spelled out: what is approved is what is
    seen."""
    return "".join(
        f"‹U+{ord(character):04X}›"
        if character not in "\n\t" and unicodedata.category(character) in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")
        else character
        for character in text.replace("\r\n", "\n")
    )


@dataclass(frozen=True)
class Line:
    """Of a diff. `kind`: `added`, `removed`, `place` or empty."""

    kind: str
    text: str


@dataclass(frozen=True)
class FileDiff:
    """What becomes of a file. `kind`: `add`, `delete` or `update`."""

    path: str
    kind: str
    lines: list[Line]


@dataclass(frozen=True)
class Question:
    """An open approval."""

    id: str
    thread: str
    what: str
    command: str
    cwd: str
    reason: str
    files: list[FileDiff]
    also: str
    """A root that the answer would open as well."""
    of_sub_agent: bool


def question(approval: Approval) -> Question:
    """As the page shows it."""
    details = approval.details
    patch = approval.kind is Kind.PATCH
    return Question(
        id=approval.id,
        thread=approval.conversation_id,
        what={Kind.COMMAND: "Run a command", Kind.PATCH: "Change files", Kind.TOOL: "Use a tool"}[approval.kind],
        command="" if patch else visible(shorten(command_line(details["command"]), _MAX_TEXT)),
        cwd=visible(details.get("cwd") or ""),
        reason=visible(details.get("reason") or ""),
        files=[
            file_diff(path, change_kind(change), [change_text(change)]) for path, change in details["changes"].items()
        ]
        if patch
        else [],
        also=visible(details.get("grant_root") or ""),
        of_sub_agent=approval.of_sub_agent,
    )


def file_diff(path: str, kind: str, diffs: list[str]) -> FileDiff:
    """A diff in unified form, or the content of a file that comes or goes."""
    text = visible(shorten("\n".join(diff.rstrip("\n") for diff in diffs), _MAX_TEXT))
    whole = {"add": "added", "delete": "removed"}.get(kind)
    return FileDiff(visible(path), kind, [Line(_line_kind(line, whole), line) for line in text.split("\n")])


def _line_kind(line: str, whole: str | None) -> str:
    if whole is not None and not line.startswith("@@"):
        return whole
    if line.startswith(("+++", "---", "@@")):
        return "place"
    return {"+": "added", "-": "removed"}.get(line[:1], "")


def thread_files(files: list[JsonObject]) -> list[FileDiff]:
    """What `bridge.threads.files` tells of a thread."""
    return [file_diff(file["path"], file["kind"], file["diffs"]) for file in files]
