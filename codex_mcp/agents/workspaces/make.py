"""Makes the workspace of a new agent.

shared    the directory itself: what the agent does is done
clone     a repository of its own that borrows the objects of the user's, with the uncommitted and untracked work
overlay   the user's repository as it lies there, with all changes kept apart; only in bwrap boxes, and only while
          nobody changes the repository beneath
empty     a new repository without a file
"""

from __future__ import annotations

import dataclasses
import pathlib
import shutil
from typing import Literal

from codex_mcp.agents.boxes.model import Overlay
from codex_mcp.agents.errors import WorkspaceError
from codex_mcp.agents.workspaces.host_git import git, repository_of

Kind = Literal["shared", "clone", "overlay", "empty"]
KINDS: tuple[Kind, ...] = ("shared", "clone", "overlay", "empty")
_REFS = "refs/codex-agents"


@dataclasses.dataclass(frozen=True)
class Workspace:
    """`path` is where the agent works; the same inside and outside of its box."""

    kind: Kind
    path: pathlib.Path
    origin: pathlib.Path | None = None
    """The user's repository or directory; of `empty` none."""
    base: str | None = None
    """The commit that the agent began with. Of an overlay it is made in the box, at its first start."""
    borrowed: tuple[pathlib.Path, ...] = ()
    """Directories of objects that a clone borrows: the box sees them, and git in it would miss them."""

    def overlay(self, root: pathlib.Path) -> Overlay | None:
        """Where the changes of an overlay land, in the agent's folder."""
        if self.kind != "overlay" or self.origin is None:
            return None
        return Overlay(self.origin, root / "overlay" / "upper", root / "overlay" / "work")

    def place_of(self, directory: pathlib.Path) -> pathlib.Path | None:
        """Where a directory of the origin is in the workspace; `None` if it is not in it."""
        if directory.is_relative_to(self.path):
            return directory
        if self.origin is not None and directory.is_relative_to(self.origin):
            return self.path / directory.relative_to(self.origin)
        return None


async def default_kind(directory: pathlib.Path) -> Kind:
    """`clone` where the directory is in a repository, else `empty`."""
    return "clone" if await repository_of(directory) is not None else "empty"


async def make_workspace(kind: Kind, root: pathlib.Path, directory: pathlib.Path, agent: str) -> Workspace:
    """In the agent's folder `root`, of the directory that the user is in. Raises WorkspaceError."""
    if kind == "shared":
        return Workspace(kind, directory, directory)
    path = root / "ws"
    if kind == "empty":
        path.mkdir(mode=0o700)
        await git(path, "init", "--quiet", "--template=", "--initial-branch=agent")
        base = await git(path, "commit-tree", await git(path, "mktree"), "-m", "Start")
        await git(path, "update-ref", "HEAD", base)
        return Workspace(kind, path, None, base)
    origin = await repository_of(directory)
    if origin is None:
        raise WorkspaceError(f"{directory} is in no git repository with a commit: use --workspace shared or empty")
    if kind == "overlay":
        for name in ("upper", "work"):
            (root / "overlay" / name).mkdir(parents=True, mode=0o700)
        return Workspace(kind, origin, origin)
    return await _clone(origin, path, agent)


async def forget(origin: pathlib.Path, agent: str) -> None:
    """Take away what a clone of the user's repository left in it. Raises WorkspaceError."""
    await git(origin, "update-ref", "-d", f"{_REFS}/{agent}")


async def _clone(origin: pathlib.Path, path: pathlib.Path, agent: str) -> Workspace:
    """Clone, with a commit of the whole work tree as it is now."""
    common = pathlib.Path(await git(origin, "rev-parse", "--path-format=absolute", "--git-common-dir"))
    head = await git(origin, "rev-parse", "HEAD")
    await git(origin, "update-ref", f"{_REFS}/{agent}", head)  # what the clone borrows stays while this refers to it
    arguments = ["clone", "--quiet", "--shared", "--no-checkout", "--no-tags", "--template=", "--origin", "user"]
    await git(origin, *arguments, "--", str(common), str(path))
    index = path / ".git" / "snapshot"
    if (own := pathlib.Path(await git(origin, "rev-parse", "--path-format=absolute", "--git-path", "index"))).exists():
        shutil.copy(own, index)
    environment = {
        "GIT_INDEX_FILE": str(index),
        "GIT_OBJECT_DIRECTORY": str(path / ".git" / "objects"),
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(common / "objects"),
    }
    await git(origin, "add", "--all", environment=environment)
    tree = await git(origin, "write-tree", environment=environment)
    base = await git(origin, "commit-tree", tree, "-p", head, "-m", "The user's work tree", environment=environment)
    index.unlink(missing_ok=True)
    await git(path, "checkout", "--quiet", "-B", "agent", base)
    borrowed = [common / "objects", *await _submodules(origin, path)]
    return Workspace("clone", path, origin, base, tuple(borrowed))


async def _submodules(origin: pathlib.Path, path: pathlib.Path) -> list[pathlib.Path]:
    """Those that the user has, from where they lie: nothing is downloaded. What they borrow."""
    if not (path / ".gitmodules").exists():
        return []
    borrowed = []
    listed = await git(path, "config", "--file", ".gitmodules", "--get-regexp", r"^submodule\..*\.path$")
    for line in listed.splitlines():
        key, _, where = line.partition(" ")
        name = key.removeprefix("submodule.").removesuffix(".path")
        if not (origin / where / ".git").exists() or ".." in pathlib.PurePath(where).parts:
            continue
        settings = ["-c", "protocol.file.allow=always", "-c", f"submodule.{name}.url={origin / where}"]
        await git(path, *settings, "submodule", "--quiet", "update", "--init", "--", where)
        borrowed.append(origin / where)
    return borrowed
