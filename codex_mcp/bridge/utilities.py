"""What clients ask beside conversations: a command in the sandbox, a file search, a diff to the remote."""

from __future__ import annotations

import os
import shutil

import anyio

from codex_mcp.engine import api
from codex_mcp.engine.link import EngineRefusal
from codex_mcp.engine.supervisor import Engine
from codex_mcp.errors import CallerError, EngineError
from codex_mcp.wire.messages import JsonObject

DEFAULT_TIMEOUT_MS = 10_000
_TIMED_OUT = 124  # the engine's exit code of a command that it ended for its time limit
_ANSWER_MARGIN = 10.0  # seconds that the engine has to answer beyond the command's own limit


async def exec_one_off(
    engine: Engine, command: list[str], *, timeout_ms: int | None, cwd: str | None, sandbox_policy: JsonObject | None
) -> JsonObject:
    """Run a command in the sandbox: `{exitCode, stdout, stderr}`, complete. The engine's own policy if none is given.

    Raises CallerError for an empty command, EngineError (`exec failed: …`) if it cannot be started, takes too long or
    is ended by a signal.
    """
    if not command:
        raise CallerError("command must not be empty")
    directory = engine.home.absolute(cwd or ".")
    if not os.path.isdir(directory) or _find_program(command[0], directory) is None:
        raise _exec_failed("No such file or directory (os error 2)")
    limit = DEFAULT_TIMEOUT_MS if timeout_ms is None else timeout_ms
    link = await engine.link()
    started = anyio.current_time()
    try:
        result = await api.execute(
            link,
            {
                "command": command,
                "cwd": directory,
                "timeoutMs": limit,
                "disableOutputCap": True,
                **({"sandboxPolicy": sandbox_policy} if sandbox_policy is not None else {}),
            },
            limit=limit / 1000 + _ANSWER_MARGIN,
        )
    except EngineRefusal as refusal:
        raise _exec_failed(refusal.message.removeprefix("failed to spawn command: ")) from None
    if result["exitCode"] == _TIMED_OUT and (anyio.current_time() - started) * 1000 >= limit:
        raise _exec_failed("sandbox error: command timed out")
    return {"exitCode": result["exitCode"], "stdout": result["stdout"], "stderr": result["stderr"]}


def _find_program(program: str, directory: str) -> str | None:
    """Where the program is. Under a sandbox the engine reports a missing one as a panic of its helper."""
    if os.path.dirname(program):
        path = os.path.join(directory, program)
        return path if os.access(path, os.X_OK) else None
    return shutil.which(program)


def _exec_failed(reason: str) -> EngineError:
    return EngineError(f"exec failed: {reason}", code="exec_failed")


async def fuzzy_file_search(engine: Engine, query: str, roots: list[str], token: str | None) -> JsonObject:
    """Files whose path fits: `{files}`, best first. The insides of .git are left out."""
    if not query or not roots:
        return {"files": []}
    link = await engine.link()
    named = {engine.home.absolute(root): root for root in roots}  # the answer names them as the question did
    found = (await api.search_files(link, query, list(named), token))["files"]
    files = [file for file in found if ".git" not in file["path"].split("/") and file.get("match_type") != "directory"]
    keys = ("root", "path", "file_name", "score", "indices")
    shown = [{key: file.get(key) for key in keys} for file in files]
    return {"files": [{**file, "root": named.get(file["root"], file["root"])} for file in shown]}


async def git_diff_to_remote(cwd: str) -> JsonObject:
    """`{sha, diff}` of a working tree against the nearest commit that a remote knows. Raises CallerError."""
    return await anyio.to_thread.run_sync(_git_diff_to_remote, cwd)


def _git_diff_to_remote(cwd: str) -> JsonObject:
    import git  # takes as long to import as a small diff takes

    runner = git.Git(cwd)

    def run(*arguments: str, check: bool = True) -> str:
        # nothing that the repository configures is run, nothing in it is written
        command = ["git", "--no-optional-locks", "-c", "core.fsmonitor=false", *arguments]
        output = runner.execute(command, stdout_as_string=False, strip_newline_in_stdout=False, with_exceptions=check)
        return bytes(output).decode(errors="replace")

    def diff(*arguments: str, check: bool = True) -> str:
        return run("diff", "--no-textconv", "--no-ext-diff", "--no-color", *arguments, check=check)

    try:
        refs = set(run("for-each-ref", "--format=%(objectname)", "refs/remotes").split())
        bases = {run("merge-base", "HEAD", ref, check=False).strip() for ref in refs} - {""}
        if not bases:
            raise ValueError("no remote knows the history")
        sha = min(bases, key=lambda base: int(run("rev-list", "--count", f"{base}..HEAD")))
        untracked = filter(None, run("ls-files", "--others", "--exclude-standard", "-z").split("\0"))
        # exits with 1 because the files differ
        added = [diff("--no-index", "--", os.devnull, path, check=False) for path in untracked]
        parts = [diff(sha), *added]
    except (git.GitError, OSError, ValueError):
        raise CallerError(f'failed to compute git diff to remote for cwd: "{cwd}"', code="git_failed") from None
    return {"sha": sha, "diff": "".join(parts)}
