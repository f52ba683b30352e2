"""What clients ask beside conversations: a diff, a command, a file search."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from codex_mcp.protocol.base import SnakeModel, WireModel
from codex_mcp.protocol.sandbox import SandboxPolicy


class GitDiffToRemoteParams(WireModel):
    """The working tree of `cwd` against the nearest commit that a remote knows."""

    cwd: str


class GitDiffToRemoteResult(WireModel):
    """That commit, and the diff: commits ahead, changes, untracked files below `cwd`."""

    sha: str
    diff: str


class ExecOneOffCommandParams(WireModel):
    """A command outside of any conversation, in the sandbox. Its stdin is empty."""

    command: list[str]
    timeout_ms: Annotated[int, Field(ge=0)] | None = None
    """10,000 if not given."""
    cwd: str | None = None
    sandbox_policy: SandboxPolicy | None = None
    """The configured one if not given."""


class ExecOneOffCommandResult(WireModel):
    """How it ended and all that it printed; bytes that are no UTF-8 become U+FFFD."""

    exit_code: int
    stdout: str
    stderr: str


class FuzzyFileSearchParams(WireModel):
    """Files below `roots` whose path contains the letters of `query` in order."""

    query: str
    roots: list[str]
    cancellation_token: str | None = None
    """A newer search with the same token ends an older one."""


class FuzzyFileMatch(SnakeModel):
    """A file: `indices` are the positions of the letters in `path`, which is relative to `root`."""

    root: str
    path: str
    file_name: str
    score: int
    indices: list[int] | None


class FuzzyFileSearchResult(WireModel):
    """Best first."""

    files: list[FuzzyFileMatch]
