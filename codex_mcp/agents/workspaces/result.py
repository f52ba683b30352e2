"""The work of an agent as a patch or a commit: made in its box, taken over in the user's repository."""

from __future__ import annotations

import os
import pathlib
import tempfile

from codex_mcp.agents.boxes.box import Box
from codex_mcp.agents.errors import WorkspaceError
from codex_mcp.agents.workspaces.host_git import git
from codex_mcp.agents.workspaces.make import Workspace

# Hooks and monitors of the agent would run in the box, and might keep its own work from it.
_QUIET = " ".join(
    f"GIT_CONFIG_KEY_{n}={key} GIT_CONFIG_VALUE_{n}={value}"
    for n, (key, value) in enumerate({"core.hooksPath": "/dev/null", "core.fsmonitor": "false", "gc.auto": "0"}.items())
)
# In the box: $1 is the commit that the agent began with. An index of its own, so that the agent's is left alone.
_AUTHOR = "; ".join(f"export GIT_{who}_NAME=agent GIT_{who}_EMAIL=agent@localhost" for who in ("AUTHOR", "COMMITTER"))
_INDEX = 'own="$(git rev-parse --git-path index)"; export GIT_INDEX_FILE="$(mktemp -u)"; cp "$own" "$GIT_INDEX_FILE"'
_NEW_INDEX = 'export GIT_INDEX_FILE="$(mktemp -u)"; git read-tree "$1"'
_PLAIN = "git diff --cached --no-ext-diff --no-textconv --no-color"
_DIFF = f'{_NEW_INDEX} && git add --all && {_PLAIN} --binary "$1"'
_STAT = f'{_NEW_INDEX} && git add --all && {_PLAIN} --stat=100 "$1"'
_COMMIT = 'git add --all && c="$(git commit-tree "$(git write-tree)" -p HEAD -m "$2")"'
_SNAPSHOT = f'{_AUTHOR}; {_INDEX}; {_COMMIT} && echo "$c"'
_BUNDLE = (
    f'{_AUTHOR}; {_NEW_INDEX} && {_COMMIT} && git update-ref refs/result "$c" && '
    'git bundle create --quiet - refs/result "^$3"'
)


async def snapshot(box: Box) -> str:
    """The commit that an overlay begins with."""
    return (await _in_box(box, _SNAPSHOT, "", "The user's work tree")).decode().strip()


async def diff(box: Box, workspace: Workspace, *, stat: bool = False) -> bytes:
    """What the agent has changed since it began: commits, untracked files, binary files, modes; or a summary."""
    return await _in_box(box, _STAT if stat else _DIFF, _base(workspace))


async def check(patch: bytes, target: pathlib.Path) -> str | None:
    """Why a patch does not apply to the user's tree; `None` if it does."""
    try:
        await _apply(patch, target, "--check")
    except WorkspaceError as error:
        return error.message
    return None


async def apply(patch: bytes, target: pathlib.Path) -> None:
    """Apply a patch to the user's work tree, all of it or nothing; nothing is staged. Raises WorkspaceError."""
    if not patch:
        return
    if reason := await check(patch, target):
        raise WorkspaceError(f"the work does not apply to {target}, which is unchanged: {reason}")
    await _apply(patch, target)


async def fetch(box: Box, workspace: Workspace, agent: str) -> str:
    """Bring the agent's commits, and one of what it has not committed, into the user's repository; the name they get.

    Its files are not touched. Raises WorkspaceError.
    """
    if workspace.kind != "clone" or workspace.origin is None:
        raise WorkspaceError("only the work of a clone can be fetched; take the patch (diff, apply)")
    known = await git(workspace.origin, "rev-parse", f"refs/codex-agents/{agent}")
    bundle = await _in_box(box, _BUNDLE, _base(workspace), f"Work of {agent}", known)
    name = f"refs/agents/{agent}"
    handle, path = tempfile.mkstemp(suffix=".bundle")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(bundle)
        checked = ["-c", "fetch.fsckObjects=true"]
        await git(workspace.origin, *checked, "fetch", "--quiet", "--no-tags", path, f"+refs/result:{name}")
    finally:
        os.unlink(path)
    return name


async def _apply(patch: bytes, target: pathlib.Path, *further: str) -> None:
    await git(target, "apply", "--binary", "--whitespace=nowarn", *further, "-", stdin=patch)


async def _in_box(box: Box, script: str, *arguments: str) -> bytes:
    return await box.run(
        [
            "bash",
            "-c",
            f'export GIT_CONFIG_COUNT=3 {_QUIET}; cd "$0" && {{ {script}; }}',
            str(box.spec.workspace),
            *arguments,
        ]
    )


def _base(workspace: Workspace) -> str:
    if workspace.base is None:
        raise WorkspaceError("the agent works in the directory itself: there is nothing to compare its work with")
    return workspace.base
