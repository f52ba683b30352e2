"""What clients ask beside conversations: a command in the sandbox, a file search."""

from __future__ import annotations

import asyncio
import os
import shutil
from uuid import uuid4

import anyio

from codex_mcp.engine import api
from codex_mcp.engine.link import EngineRefusal
from codex_mcp.engine.supervisor import Engine
from codex_mcp.errors import CallerError, EngineError
from codex_mcp.wire.messages import JsonObject

DEFAULT_TIMEOUT_MS = 10_000
_LONGEST_MS = 2**53  # more is no number that every JSON reader takes
_TIMED_OUT = 124  # the engine's exit code of a command that it ended for its time limit
_SEARCH_LIMIT = 10.0  # seconds
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
    if limit > _LONGEST_MS:
        raise CallerError(f"`timeoutMs` is at most {_LONGEST_MS}")
    link = await engine.link()
    started = anyio.current_time()
    process_id = uuid4().hex
    try:
        result = await api.execute(
            link,
            {
                "processId": process_id,
                "command": command,
                "cwd": directory,
                "timeoutMs": limit,
                "disableOutputCap": True,
                **({"sandboxPolicy": sandbox_policy} if sandbox_policy is not None else {}),
            },
            limit=limit / 1000 + _ANSWER_MARGIN,
        )
    except anyio.get_cancelled_exc_class():
        api.end_command(link, process_id)
        raise
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
    """Files whose path fits: `{files}`, best first. The insides of .git are left out.

    A search that has not ended after some seconds (of `/`, of `/proc`) ends with what it has found by then. A later
    search with the same `token` ends it, too.
    """
    if not query or not roots:
        return {"files": []}
    link = await engine.link()
    named = {engine.home.absolute(root): root for root in roots}  # the answer names them as the question did
    token = token or uuid4().hex
    cut = asyncio.get_running_loop().call_later(_SEARCH_LIMIT, api.end_search, link, token)
    try:
        found = (await api.search_files(link, query, list(named), token))["files"]
    except anyio.get_cancelled_exc_class():
        api.end_search(link, token)
        raise
    finally:
        cut.cancel()
    files = [file for file in found if ".git" not in file["path"].split("/") and file.get("match_type") != "directory"]
    keys = ("root", "path", "file_name", "score", "indices")
    shown = [{key: file.get(key) for key in keys} for file in files]
    return {"files": [{**file, "root": named.get(file["root"], file["root"])} for file in shown]}
