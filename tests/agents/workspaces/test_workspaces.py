"""What an agent gets of a repository, what it can do to it, and how its work comes back. Real git in real boxes."""

from __future__ import annotations

import contextlib
import os
import pathlib
import subprocess
import tempfile
from collections.abc import AsyncIterator

import pytest

from codex_mcp.agents.boxes.box import Box
from codex_mcp.agents.errors import WorkspaceError
from codex_mcp.agents.workspaces import result
from codex_mcp.agents.workspaces.make import Kind, Workspace, default_kind, forget, make_workspace
from tests.agents.conftest import new_spec, opened, options_of


def git(repository: pathlib.Path, *arguments: str) -> str:
    identity = ["-c", "user.name=User", "-c", "user.email=user@localhost"]
    return subprocess.run(
        ["git", *identity, "-C", str(repository), *arguments], check=True, capture_output=True, text=True
    ).stdout


@pytest.fixture
def repository(playground: pathlib.Path) -> pathlib.Path:
    """With a commit, a change, an untracked file, and an ignored one."""
    path = pathlib.Path(tempfile.mkdtemp(dir=playground)) / "repo"
    path.mkdir()
    git(path, "init", "-q", "-b", "main")
    (path / "code.py").write_text("one\ntwo\nthree\n")
    (path / "gone.txt").write_text("to be deleted\n" * 20)
    (path / "moved.txt").write_text("".join(f"line {n}\n" for n in range(50)))
    (path / "tool.sh").write_text("#!/bin/sh\n")
    (path / "picture.bin").write_bytes(bytes(range(256)) * 20)
    (path / ".gitignore").write_text("ignored/\n")
    git(path, "add", "-A")
    git(path, "commit", "-q", "-m", "First")
    (path / "code.py").write_text("one\ntwo, changed\nthree\n")
    (path / "untracked.txt").write_text("not added\n")
    (path / "ignored").mkdir()
    (path / "ignored" / "big").write_text("x")
    return path


@contextlib.asynccontextmanager
async def working(
    backend: str, kind: Kind, directory: pathlib.Path, playground: pathlib.Path
) -> AsyncIterator[tuple[Box, Workspace]]:
    spec = new_spec(playground)
    spec.workspace.rmdir()
    made = await make_workspace(kind, spec.root, directory, spec.agent)
    spec = new_spec(
        playground,
        agent=spec.agent,
        root=spec.root,
        workspace=made.path,
        reads=made.borrowed,
        overlay=made.overlay(spec.root),
        options=options_of(backend),
    )
    async with opened(backend, spec) as box:
        if kind == "overlay":
            made = Workspace(made.kind, made.path, made.origin, await result.snapshot(box))
        yield box, made


async def run(box: Box, script: str) -> str:
    return (await box.run(["bash", "-ec", f"cd {box.spec.workspace}\n{script}"])).decode()


@pytest.mark.requirement("agents:workspace:clone")
async def test_a_clone_has_the_uncommitted_and_the_untracked_work(
    backend: str, repository: pathlib.Path, playground: pathlib.Path
) -> None:
    before = git(repository, "status", "--porcelain"), (repository / ".git" / "index").read_bytes()
    async with working(backend, "clone", repository, playground) as (box, workspace):
        said = await run(box, "cat code.py untracked.txt; ls; git status --porcelain; git log --oneline | wc -l")
        assert "two, changed" in said
        assert "not added" in said
        assert "ignored" not in said
        assert said.split()[-1] == "2"
        assert await result.diff(box, workspace) == b""
    assert (git(repository, "status", "--porcelain"), (repository / ".git" / "index").read_bytes()) == before


CHANGES = """
echo four >> code.py
rm gone.txt
git mv moved.txt renamed.txt
chmod +x tool.sh
head -c 300 /dev/zero >> picture.bin
echo new > new.txt
ln -s code.py link
git -c user.name=a -c user.email=a@b commit -qam "In the box"
echo after >> new.txt
mkdir deep; echo deep > deep/file
"""


def tree(path: pathlib.Path) -> dict[str, tuple[int, bytes]]:
    files = [file for file in path.rglob("*") if ".git" not in file.parts and not file.is_dir()]
    return {
        str(file.relative_to(path)): (
            file.lstat().st_mode & 0o170111,
            os.readlink(file).encode() if file.is_symlink() else file.read_bytes(),
        )
        for file in files
        if "ignored" not in file.parts
    }


@pytest.mark.requirement("agents:workspace:patch")
async def test_the_work_comes_back_as_a_patch_with_everything(
    backend: str, repository: pathlib.Path, playground: pathlib.Path
) -> None:
    async with working(backend, "clone", repository, playground) as (box, workspace):
        await run(box, CHANGES)
        patch = await result.diff(box, workspace)
        assert b"code.py" in await result.diff(box, workspace, stat=True)
        done = tree(workspace.path)
    staged = git(repository, "diff", "--cached")
    await result.apply(patch, repository)
    assert tree(repository) == done
    assert git(repository, "diff", "--cached") == staged


@pytest.mark.requirement("agents:workspace:patch")
@pytest.mark.parametrize("backend", ["bwrap"], indirect=True)
@pytest.mark.slow
async def test_a_patch_that_does_not_fit_changes_nothing(
    backend: str, repository: pathlib.Path, playground: pathlib.Path
) -> None:
    async with working(backend, "clone", repository, playground) as (box, workspace):
        await run(box, CHANGES)
        patch = await result.diff(box, workspace)
    (repository / "code.py").write_text("meanwhile\n")
    before = tree(repository)
    with pytest.raises(WorkspaceError, match=r"which is unchanged: .*code\.py"):
        await result.apply(patch, repository)
    assert tree(repository) == before


@pytest.mark.requirement("agents:workspace:fetch")
@pytest.mark.parametrize("backend", ["bwrap"], indirect=True)
@pytest.mark.slow
async def test_commits_can_be_fetched(backend: str, repository: pathlib.Path, playground: pathlib.Path) -> None:
    async with working(backend, "clone", repository, playground) as (box, workspace):
        await run(box, CHANGES)
        name = await result.fetch(box, workspace, box.spec.agent)
    assert git(repository, "show", f"{name}:deep/file") == "deep\n"
    assert "In the box" in git(repository, "log", "--format=%s", name)
    assert git(repository, "status", "--porcelain").split("\n")[0] == " M code.py"


@pytest.mark.requirement("agents:workspace:planted")
@pytest.mark.parametrize("backend", ["bwrap"], indirect=True)
async def test_what_the_agent_plants_in_its_repository_never_runs_outside(
    backend: str, repository: pathlib.Path, playground: pathlib.Path
) -> None:
    proof = playground / "planted-ran"
    plant = f"""
    for hook in post-checkout pre-commit post-applypatch pre-push reference-transaction post-index-change; do
      printf '#!/bin/sh\\ntouch {proof} ~/in-the-box\\n' > .git/hooks/$hook; chmod +x .git/hooks/$hook
    done
    git config core.fsmonitor 'touch {proof}; false'; git config core.hooksPath "$PWD/.git/hooks"
    git config diff.external 'touch {proof}'; git config core.sshCommand 'touch {proof}'
    git config filter.x.clean 'touch {proof}; cat'; git config filter.x.smudge 'touch {proof}; cat'
    git config core.pager 'touch {proof}'
    git config uploadpack.packObjectsHook 'touch {proof}'; git config core.alternateRefsCommand 'touch {proof}'
    echo '* filter=x diff=x' > .gitattributes; git config diff.x.textconv 'touch {proof}'
    echo work > work.txt
    """
    async with working(backend, "clone", repository, playground) as (box, workspace):
        await run(box, f"mkdir -p .git/hooks\n{plant}")
        patch = await result.diff(box, workspace)
        await result.fetch(box, workspace, box.spec.agent)
        await result.apply(patch, repository)
        hooks = list((repository / ".git" / "hooks").glob("post-checkout"))
        assert not [line for line in git(repository, "config", "--list").splitlines() if "touch" in line]
        await forget(repository, box.spec.agent)
    git(repository, "status")
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "Taken over")
    assert (repository / "work.txt").read_text() == "work\n"
    assert not hooks
    assert not proof.exists()


@pytest.mark.requirement("agents:workspace:planted")
@pytest.mark.parametrize("path", [".git/hooks/pre-commit", "../outside", "/tmp/codex-mcp-outside", "link/file"])
async def test_a_patch_cannot_write_outside_of_the_work_tree(repository: pathlib.Path, path: str) -> None:
    patch = ""
    if path.startswith("link"):
        (repository / "link").symlink_to(repository.parent)
    patch += (
        f"diff --git a/{path} b/{path}\nnew file mode 100755\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+planted\n"
    )
    with pytest.raises(WorkspaceError):
        await result.apply(patch.encode(), repository)
    assert not list(repository.parent.glob("outside")) + list(repository.parent.glob("file"))


@pytest.mark.requirement("agents:workspace:origin")
async def test_the_users_repository_cannot_be_written_to_from_a_clone(
    backend: str, repository: pathlib.Path, playground: pathlib.Path
) -> None:
    async with working(backend, "clone", repository, playground) as (box, _):
        objects = repository / ".git" / "objects"
        said = await run(
            box,
            f"(touch {objects}/x || touch {repository}/x || touch {repository}/.git/x) 2>/dev/null && echo wrote\n"
            f"[ -e {repository}/code.py ] && echo sees\necho done",
        )
    assert said.split() == ["done"]


@pytest.mark.requirement("agents:workspace:origin")
@pytest.mark.parametrize("backend", ["bwrap"], indirect=True)
@pytest.mark.slow
async def test_what_a_clone_borrows_survives_a_prune_of_the_users_repository(
    backend: str, repository: pathlib.Path, playground: pathlib.Path
) -> None:
    async with working(backend, "clone", repository, playground) as (box, _):
        git(repository, "checkout", "-q", "--orphan", "other")
        git(repository, "commit", "-q", "--allow-empty", "-m", "Other")
        git(repository, "branch", "-D", "main")
        git(repository, "reflog", "expire", "--expire=now", "--all")
        git(repository, "gc", "-q", "--prune=now")
        assert "missing" not in await run(box, "git fsck --connectivity-only 2>&1")
        await forget(repository, box.spec.agent)
    assert "codex-agents" not in git(repository, "for-each-ref")


@pytest.mark.requirement("agents:workspace:overlay")
@pytest.mark.parametrize("backend", ["bwrap"], indirect=True)
@pytest.mark.slow
async def test_an_overlay_has_ignored_files_too_and_keeps_all_changes_apart(
    backend: str, repository: pathlib.Path, playground: pathlib.Path
) -> None:
    before = tree(repository)
    async with working(backend, "overlay", repository, playground) as (box, workspace):
        said = await run(
            box, "cat ignored/big; echo changed > code.py; git config core.hooksPath /tmp; echo new > new.txt"
        )
        assert said == "x"
        assert tree(repository) == before
        assert "hooksPath" not in git(repository, "config", "--list")
        patch = await result.diff(box, workspace)
    await result.apply(patch, repository)
    assert (repository / "code.py").read_text() == "changed\n"
    assert (repository / "new.txt").read_text() == "new\n"


@pytest.mark.requirement("agents:workspace:default")
@pytest.mark.parametrize("backend", ["bwrap"], indirect=True)
@pytest.mark.slow
async def test_without_a_repository_the_workspace_is_empty(backend: str, playground: pathlib.Path) -> None:
    outside = pathlib.Path(tempfile.mkdtemp(dir=playground))
    assert await default_kind(outside) == "empty"
    async with working(backend, "empty", outside, playground) as (box, workspace):
        await run(box, "echo made > made.txt")
        assert b"+made" in await result.diff(box, workspace)
    with pytest.raises(WorkspaceError, match="--workspace shared or empty"):
        await make_workspace("clone", outside, outside, "tested")


@pytest.mark.requirement("agents:workspace:default")
@pytest.mark.parametrize("backend", ["bwrap"], indirect=True)
@pytest.mark.slow
async def test_a_shared_workspace_is_the_directory_itself(
    backend: str, repository: pathlib.Path, playground: pathlib.Path
) -> None:
    assert await default_kind(repository / "ignored") == "clone"
    async with working(backend, "shared", repository, playground) as (box, workspace):
        await run(box, "echo direct > direct.txt")
        with pytest.raises(WorkspaceError, match="nothing to compare"):
            await result.diff(box, workspace)
    assert (repository / "direct.txt").read_text() == "direct\n"


@pytest.mark.requirement("agents:workspace:clone")
@pytest.mark.parametrize("backend", ["bwrap"], indirect=True)
@pytest.mark.slow
async def test_submodules_come_along_without_a_network(
    backend: str, repository: pathlib.Path, playground: pathlib.Path
) -> None:
    library = pathlib.Path(tempfile.mkdtemp(dir=playground))
    git(library, "init", "-q")
    (library / "lib.py").write_text("library\n")
    git(library, "add", "-A")
    git(library, "commit", "-q", "-m", "Library")
    git(repository, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(library), "vendored")
    git(repository, "commit", "-q", "-m", "Vendor")
    async with working(backend, "clone", repository, playground) as (box, _):
        assert await run(box, "cat vendored/lib.py; git -C vendored log --format=%s") == "library\nLibrary\n"
