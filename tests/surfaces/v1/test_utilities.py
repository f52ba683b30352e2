"""A command, a search, a diff; on the real engine and git."""

from __future__ import annotations

import os
import pathlib
import subprocess
from typing import Any

import pytest

from codex_mcp.client import CodexClient
from codex_mcp.wire.errors import RpcError
from tests.support.home import Home
from tests.support.server import serving

FULL = {"mode": "danger-full-access"}


async def run(client: CodexClient, *command: str, **params: Any) -> Any:
    return await client.request("execOneOffCommand", {"command": list(command), **params})


async def refused(client: CodexClient, method: str, **params: Any) -> RpcError:
    with pytest.raises(RpcError) as error:
        await client.request(method, params)
    return error.value


@pytest.mark.requirement("utilities:exec")
async def test_a_command_gives_exit_code_and_both_streams_complete(home: Home) -> None:
    async with serving(home) as client:
        assert await run(client, "echo", "hi") == {"exitCode": 0, "stdout": "hi\n", "stderr": ""}
        done = await run(client, "sh", "-c", "echo out; echo err >&2; exit 3", sandboxPolicy=FULL)
        assert done == {"exitCode": 3, "stdout": "out\n", "stderr": "err\n"}
        assert (await run(client, "pwd"))["stdout"].strip() == str(home.workspace)
        assert (await run(client, "pwd", cwd="/usr"))["stdout"].strip() == "/usr"
        assert await run(client, "cat") == {"exitCode": 0, "stdout": "", "stderr": ""}
        assert (await run(client, "printf", "\\377\\376abc"))["stdout"] == "\ufffd\ufffdabc"
        long = "".join(f"{i}\n" for i in range(1, 300_001))
        assert (await run(client, "seq", "300000"))["stdout"] == long


@pytest.mark.requirement("utilities:exec:sandbox")
async def test_a_command_is_held_by_the_sandbox(home: Home) -> None:
    async with serving(home) as client:
        read_only, write = {"mode": "read-only"}, {"mode": "workspace-write"}
        assert (await run(client, "touch", "a", sandboxPolicy=read_only))["exitCode"] != 0
        assert (await run(client, "touch", "b", sandboxPolicy=write))["exitCode"] == 0
        outside = f"{home.root}/outside"
        assert (await run(client, "touch", outside, sandboxPolicy=write))["exitCode"] != 0
        assert (await run(client, "touch", outside, sandboxPolicy=FULL))["exitCode"] == 0
    assert [path.name for path in home.workspace.iterdir()] == ["b"]


@pytest.mark.requirement("utilities:exec:errors")
async def test_a_command_that_fails_to_run_is_an_error(home: Home) -> None:
    async with serving(home) as client:
        assert (await refused(client, "execOneOffCommand", command=[])).message == "command must not be empty"
        for params in (
            {"command": ["no-such-program"]},
            {"command": ["./no-such-program"]},
            {"command": ["pwd"], "cwd": "/no/such"},
        ):
            error = await refused(client, "execOneOffCommand", **params)
            assert (error.code, error.message) == (-32603, "exec failed: No such file or directory (os error 2)")
        error = await refused(client, "execOneOffCommand", command=["sleep", "30"], timeoutMs=300)
        assert (error.code, error.message) == (-32603, "exec failed: sandbox error: command timed out")
        assert (await run(client, "sh", "-c", "exit 124"))["exitCode"] == 124
        assert (await run(client, "sh", "-c", "kill -9 $$"))["exitCode"] != 0


@pytest.mark.requirement("utilities:search")
async def test_files_are_found_by_their_letters_best_first(home: Home) -> None:
    for name in ("abc", "abcde", "abexy", "zzz.txt", "sub/abce", ".git/abe"):
        path = home.workspace / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    root = str(home.workspace)

    async with serving(home) as client:

        async def search(query: str, *roots: str) -> list[Any]:
            params = {"query": query, "roots": list(roots), "cancellationToken": "token"}
            return list((await client.request("fuzzyFileSearch", params))["files"])

        found = await search("abe", root)
        assert {file["path"] for file in found} == {"abcde", "abexy", "sub/abce"}
        scores = [file["score"] for file in found]
        assert scores == sorted(scores, reverse=True)
        assert set(found[0]) == {"root", "path", "file_name", "score", "indices"}
        for query, roots in (("", [root]), ("abc", []), ("abc", ["/no/such"]), ("nomatch", [root])):
            assert await search(query, *roots) == []
        for named in (".", f"{root}/", "sub/.."):  # the answer names a root as the question did
            assert {file["root"] for file in await search("abe", named)} == {named}


def git(cwd: pathlib.Path, *arguments: str) -> str:
    person = {f"GIT_{who}_{what}": "t@t" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {**os.environ, **person, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    done = subprocess.run(["git", *arguments], cwd=cwd, env=environment, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repository(home: Home) -> pathlib.Path:
    """A repository whose first commit is known to its remote."""
    bare, repository = home.root / "remote.git", home.workspace / "repository"
    repository.mkdir()
    git(home.root, "init", "-q", "--bare", str(bare))
    git(repository, "init", "-q", "-b", "main")
    (repository / "a.txt").write_text("one\n")
    (repository / ".gitignore").write_text("ignored.txt\n")
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "first")
    git(repository, "remote", "add", "origin", str(bare))
    git(repository, "push", "-q", "-u", "origin", "main")
    return repository


@pytest.mark.requirement("utilities:git-diff")
async def test_the_diff_to_the_remote_has_commits_changes_and_new_files(home: Home, repository: pathlib.Path) -> None:
    sha = git(repository, "rev-parse", "HEAD")
    async with serving(home) as client:
        params = {"cwd": str(repository)}
        assert await client.request("gitDiffToRemote", params) == {"sha": sha, "diff": ""}
        (repository / "b.txt").write_text("committed\n")
        git(repository, "add", ".")
        git(repository, "commit", "-q", "-m", "second")
        (repository / "a.txt").write_text("one\ntwo\n")
        (repository / "new.txt").write_bytes(b"caf\xe9\n")
        (repository / "ignored.txt").write_text("ignored\n")
        result = await client.request("gitDiffToRemote", params)
    assert result["sha"] == sha
    for part in ("+committed", "+two", "b/new.txt", "+caf\ufffd"):
        assert part in result["diff"]
    assert "ignored\n" not in result["diff"].replace("ignored.txt", "")


@pytest.mark.requirement("utilities:git-diff:errors")
async def test_without_a_remote_or_a_repository_there_is_no_diff(home: Home, repository: pathlib.Path) -> None:
    git(repository, "remote", "remove", "origin")
    async with serving(home) as client:
        for cwd in (str(repository), str(home.path), "/no/such"):
            error = await refused(client, "gitDiffToRemote", cwd=cwd)
            assert (error.code, error.message) == (-32600, f'failed to compute git diff to remote for cwd: "{cwd}"')


@pytest.mark.requirement("utilities:git-diff:safe")
async def test_what_a_repository_configures_is_not_run(home: Home, repository: pathlib.Path) -> None:
    trap = home.root / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {home.root}/sprung\n")
    trap.chmod(0o755)
    for setting in ("core.fsmonitor", "diff.external", "diff.x.textconv"):
        git(repository, "config", setting, str(trap))
    (repository / ".gitattributes").write_text("*.txt diff=x\n")
    (repository / "a.txt").write_text("changed\n")
    async with serving(home) as client:
        await client.request("gitDiffToRemote", {"cwd": str(repository)})
    assert not (home.root / "sprung").exists()
