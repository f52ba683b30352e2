"""A command, a search, a diff; on the real engine and git."""

from __future__ import annotations

import os
import pathlib
import subprocess
import time
from typing import Any

import anyio
import pytest

from codex_mcp.bridge import utilities
from codex_mcp.client import CodexClient
from codex_mcp.engine.home import CodexHome
from codex_mcp.engine.supervisor import Engine
from codex_mcp.offline import OfflineModel
from codex_mcp.wire.errors import RpcError
from tests.support.home import Home
from tests.support.listener import Listener
from tests.support.processes import commands, until_gone
from tests.support.raw import INITIALIZE, RawServer
from tests.support.server import serving, turn, types

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


@pytest.mark.requirement("utilities:exec:errors")
async def test_a_time_limit_that_is_no_number_of_the_engine_is_refused(home: Home) -> None:
    async with serving(home) as client:
        error = await refused(client, "execOneOffCommand", command=["true"], timeoutMs=2**70)
        assert (error.code, error.message) == (-32600, "`timeoutMs` is at most 9007199254740992")
        assert (await run(client, "true", timeoutMs=2**40))["exitCode"] == 0
        error = await refused(client, "listModels", cursor="9" * 5_000)
        assert error.code == -32600


@pytest.mark.requirement("wire:long-answer")
async def test_an_answer_of_the_engine_that_is_too_long_is_said_at_once(home: Home) -> None:
    async with serving(home) as client:
        error = await refused(client, "execOneOffCommand", command=["head", "-c", "12000000", "/dev/zero"])
        assert error.data == {"code": "answer_too_long"}
        assert "longer than 67108864 bytes" in error.message


@pytest.mark.requirement("engine:slots")
async def test_a_message_goes_before_slow_commands(home: Home, model: OfflineModel) -> None:
    model.add([{"say": "done"}])
    async with serving(home) as client, anyio.create_task_group() as tasks:
        conversation = await client.new_conversation()
        for _ in range(80):
            tasks.start_soon(run, client, "sleep", "30")
        while len(commands(home, "sleep 30")) < 40:
            await anyio.sleep(0.05)
        assert types(await turn(conversation, "go"))[-1] == "task_complete"
        tasks.cancel_scope.cancel()


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


@pytest.mark.requirement("utilities:search:endless")
async def test_a_search_that_takes_too_long_ends_with_what_it_has_found(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(utilities, "_SEARCH_LIMIT", 0.5)
    engine = Engine(CodexHome(home.environment(), str(home.workspace)), None, (), Listener())
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(engine.run)
        with anyio.fail_after(15):
            found = await utilities.fuzzy_file_search(engine, "status", ["/proc"], None)
        assert found["files"]
        tasks.cancel_scope.cancel()


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
    git(home.root, "init", "-q", "--bare", "-b", "main", str(bare))
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


@pytest.fixture
def trap(home: Home) -> pathlib.Path:
    """A program that nobody may run: `sprung(trap)` tells whether somebody did."""
    trap = home.root / "trap"
    trap.write_text(f"#!/bin/sh\necho $0 $* >> {home.root}/sprung\ncat\n")
    trap.chmod(0o755)
    return trap


def sprung(trap: pathlib.Path) -> bool:
    return (trap.parent / "sprung").exists()


@pytest.mark.requirement("utilities:git-diff:safe")
async def test_what_a_repository_configures_is_not_run(
    home: Home, repository: pathlib.Path, trap: pathlib.Path
) -> None:
    for setting in (
        "core.fsmonitor",
        "diff.external",
        "diff.x.textconv",
        "diff.x.command",
        "filter.a=b.clean",
        "filter.y.clean",
        "filter.y.smudge",
        "filter.z.process",
    ):
        git(repository, "config", setting, str(trap))
    git(repository, "config", "filter.z.required", "true")
    (repository / ".gitattributes").write_text("*.txt diff=x\na.txt filter=y\nb.txt filter=z\nc.txt filter=a=b\n")
    for name in "abc":
        (repository / f"{name}.txt").write_text("changed\n")
    hook = repository / ".git/hooks/post-index-change"
    hook.write_text(f"#!/bin/sh\n{trap}\n")
    hook.chmod(0o755)
    async with serving(home) as client:
        result = await client.request("gitDiffToRemote", {"cwd": str(repository)})
    assert result["diff"].count("+changed") == 3
    assert not sprung(trap)


@pytest.mark.requirement("utilities:git-diff:safe")
async def test_filters_of_the_users_own_configuration_stay(home: Home, repository: pathlib.Path) -> None:
    (home.root / ".gitconfig").write_text('[filter "upper"]\n\tclean = tr a-z A-Z\n')
    git(repository, "config", "filter.upper.clean", "false")
    (repository / ".gitattributes").write_text("a.txt filter=upper\n")
    (repository / "a.txt").write_text("changed\n")
    async with serving(home) as client:
        result = await client.request("gitDiffToRemote", {"cwd": str(repository)})
    assert "+CHANGED" in result["diff"]


@pytest.mark.requirement("utilities:git-diff:safe")
async def test_the_remote_of_a_partial_clone_is_not_asked(
    home: Home, repository: pathlib.Path, trap: pathlib.Path
) -> None:
    bare, clone = home.root / "remote.git", home.workspace / "clone"
    (repository / "a.txt").write_text("two\n")
    git(repository, "commit", "-q", "-a", "-m", "second")
    git(repository, "push", "-q")
    git(bare, "config", "uploadpack.allowFilter", "true")
    git(home.workspace, "clone", "-q", "--filter=blob:none", f"file://{bare}", str(clone))
    git(clone, "update-ref", "refs/remotes/origin/main", "HEAD~1")  # what it has to compare with, it does not have
    git(clone, "config", "remote.origin.uploadpack", str(trap))
    async with serving(home) as client:
        for url in (f"file://{bare}", f"ext::{trap} %S", f"ssh://host{bare}"):
            git(clone, "config", "remote.origin.url", url)
            git(clone, "config", "core.sshCommand", str(trap))
            error = await refused(client, "gitDiffToRemote", cwd=str(clone))
            assert error.message == f'failed to compute git diff to remote for cwd: "{clone}"'
    assert not sprung(trap)


@pytest.mark.requirement("utilities:git-diff:safe")
async def test_nothing_is_run_in_submodules(home: Home, repository: pathlib.Path, trap: pathlib.Path) -> None:
    inner = repository / "inner"
    git(
        repository, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(home.root / "remote.git"), "inner"
    )
    git(repository, "commit", "-q", "-m", "submodule")
    git(repository, "push", "-q")
    git(repository, "config", "diff.submodule", "diff")
    (inner / ".gitattributes").write_text("*.txt filter=y diff=y\n")
    for setting in ("filter.y.clean", "filter.y.process", "core.fsmonitor", "diff.y.textconv", "diff.external"):
        git(inner, "config", setting, str(trap))
    (inner / "a.txt").write_text("changed\n")
    git(
        inner,
        "-c",
        "filter.y.clean=",
        "-c",
        "filter.y.process=",
        "-c",
        "core.fsmonitor=",
        "commit",
        "-q",
        "-a",
        "-m",
        "x",
    )
    (inner / "a.txt").write_text("changed again\n")
    (home.root / "sprung").unlink(missing_ok=True)
    async with serving(home) as client:
        result = await client.request("gitDiffToRemote", {"cwd": str(repository)})
    assert "+Subproject commit" in result["diff"]
    assert not sprung(trap)


@pytest.mark.requirement("utilities:git-diff:slow")
def test_a_git_that_takes_its_time_does_not_keep_the_server_from_ending(home: Home, repository: pathlib.Path) -> None:
    for number in range(4_000):
        (repository / f"new{number}").touch()
    with RawServer(home) as server:
        server.send(INITIALIZE, {"id": 2, "method": "gitDiffToRemote", "params": {"cwd": str(repository)}})
        while not commands(home, "no-index"):
            time.sleep(0.001)
        assert server.end() == 0
        until_gone(home)
