"""Methods beside conversations: a diff, a command, a file search."""

from __future__ import annotations

from codex_mcp.bridge import git_diff, utilities
from codex_mcp.bridge.shapes import engine_sandbox_policy
from codex_mcp.protocol import registry as r
from codex_mcp.protocol import utilities as u
from codex_mcp.surfaces.v1.context import Context, Handler


async def git_diff_to_remote(_context: Context, params: u.GitDiffToRemoteParams) -> u.GitDiffToRemoteResult:
    return u.GitDiffToRemoteResult.model_validate(await git_diff.git_diff_to_remote(params.cwd))


async def exec_one_off_command(context: Context, params: u.ExecOneOffCommandParams) -> u.ExecOneOffCommandResult:
    policy = (
        None
        if params.sandbox_policy is None
        else engine_sandbox_policy(params.sandbox_policy.to_wire(), context.engine.home.absolute)
    )
    result = await utilities.exec_one_off(
        context.engine, params.command, timeout_ms=params.timeout_ms, cwd=params.cwd, sandbox_policy=policy
    )
    return u.ExecOneOffCommandResult.model_validate(result)


async def fuzzy_file_search(context: Context, params: u.FuzzyFileSearchParams) -> u.FuzzyFileSearchResult:
    found = await utilities.fuzzy_file_search(context.engine, params.query, params.roots, params.cancellation_token)
    return u.FuzzyFileSearchResult.model_validate(found)


HANDLERS: dict[str, Handler] = {
    r.GIT_DIFF_TO_REMOTE.name: git_diff_to_remote,
    r.EXEC_ONE_OFF_COMMAND.name: exec_one_off_command,
    r.FUZZY_FILE_SEARCH.name: fuzzy_file_search,
}
