"""Approvals: the requests that the server makes of the client."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from codex_mcp.protocol.base import SnakeModel, WireModel

Decision = Literal["approved", "approved_for_session", "denied", "abort", "allow", "deny"]
"""`allow` and `deny` are the published document's words for `approved` and `denied`."""


class ReadCommand(SnakeModel):
    """Part of a command that reads a file."""

    type: Literal["read"] = "read"
    cmd: str
    name: str
    path: str


class ListFilesCommand(SnakeModel):
    """Part of a command that lists files."""

    type: Literal["list_files"] = "list_files"
    cmd: str
    path: str | None


class SearchCommand(SnakeModel):
    """Part of a command that searches."""

    type: Literal["search"] = "search"
    cmd: str
    query: str | None
    path: str | None


class UnknownCommand(SnakeModel):
    """Any other part of a command."""

    type: Literal["unknown"] = "unknown"
    cmd: str


ParsedCommand = Annotated[ReadCommand | ListFilesCommand | SearchCommand | UnknownCommand, Field(discriminator="type")]


class AddedFile(SnakeModel):
    """A file that the patch creates."""

    content: str


class DeletedFile(SnakeModel):
    """A file that the patch removes, with what it held."""

    content: str


class UpdatedFile(SnakeModel):
    """A file that the patch changes, and moves if `move_path` is set."""

    unified_diff: str
    move_path: str | None


class Add(SnakeModel):
    """`{"add": …}`."""

    add: AddedFile


class Delete(SnakeModel):
    """`{"delete": …}`."""

    delete: DeletedFile


class Update(SnakeModel):
    """`{"update": …}`."""

    update: UpdatedFile


FileChange = Add | Delete | Update
"""Externally tagged: exactly one key, which names the kind."""


class ExecCommandApprovalParams(WireModel):
    """May this command run? Preceded by the event `exec_approval_request` of the same call."""

    conversation_id: str
    call_id: str
    command: list[str]
    cwd: str
    reason: str | None
    risk: Any = None
    """Always null: the engine rates no risks."""
    parsed_cmd: list[ParsedCommand]


class ApplyPatchApprovalParams(WireModel):
    """May this patch be applied? Preceded by the event `apply_patch_approval_request` of the same call."""

    conversation_id: str
    call_id: str
    file_changes: dict[str, FileChange]
    """By absolute path."""
    reason: str | None
    grant_root: str | None
    """A directory for which write access is asked for the rest of the session."""


class ApprovalResult(WireModel):
    """The client's answer. Anything that is not one of these, an error included, is a denial."""

    decision: Decision
