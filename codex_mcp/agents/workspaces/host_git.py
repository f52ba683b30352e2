"""Git in the user's repository, with nothing of its own started: no hooks, no file system monitor, no prompts."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Mapping

import anyio

from codex_mcp.agents.errors import WorkspaceError

_SETTINGS = ("core.hooksPath=/dev/null", "core.fsmonitor=false", "gc.auto=0", "maintenance.auto=false")
_QUIET = [word for setting in _SETTINGS for word in ("-c", setting)]
_AUTHOR = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "codex-mcp-server"), ("EMAIL", "agent@localhost"))
}


async def git(
    repository: pathlib.Path, *arguments: str, stdin: bytes = b"", environment: Mapping[str, str] | None = None
) -> str:
    """What the command says, without the last line break. Raises WorkspaceError with git's complaint."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    kept |= {**_AUTHOR, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", **(environment or {})}
    try:
        done = await anyio.run_process(
            ["git", *_QUIET, "-C", str(repository), *arguments], input=stdin, check=False, env=kept
        )
    except FileNotFoundError as error:
        raise WorkspaceError(f"git cannot be run in {repository}: {error.strerror}") from None
    if done.returncode:
        complaint = done.stderr.decode(errors="replace").strip().replace("\n", " | ")
        raise WorkspaceError(f"git {arguments[0]}: {complaint[-500:] or f'exit status {done.returncode}'}")
    return done.stdout.decode(errors="replace").rstrip("\n")


async def repository_of(directory: pathlib.Path) -> pathlib.Path | None:
    """The top of the work tree that a directory is in; `None` if it is in none, or the tree has no commit yet."""
    try:
        top = await git(directory, "rev-parse", "--show-toplevel")
        await git(directory, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    except WorkspaceError:
        return None
    return pathlib.Path(top)
