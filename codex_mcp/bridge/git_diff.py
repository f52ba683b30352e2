"""The diff of a working tree against what its remote knows, without running anything that the repository names.

Git runs programs for a repository in many ways: filters, drivers, monitors, hooks, the transport of a remote that is
to deliver missing objects. All of them are switched off here; what the user's own configuration names (git-lfs) stays.
"""

from __future__ import annotations

import os

import anyio

from codex_mcp.errors import CallerError
from codex_mcp.wire.messages import JsonObject

_AT_ONCE = 4  # git processes

# nothing of it is run, nothing in it is written, nobody is asked for anything
_ENVIRONMENT = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",  # git 2.44 and newer: missing objects of a partial clone are not fetched
    "GIT_ALLOW_PROTOCOL": "none",  # older ones try, and find no transport that they may use
}
_SETTINGS = {"core.fsmonitor": "false", "core.hooksPath": os.devnull}
_DIFF = ("diff", "--no-textconv", "--no-ext-diff", "--no-color", "--submodule=short", "--ignore-submodules=dirty")
_FILTER_PARTS = {"clean": "", "smudge": "", "process": "", "required": "false"}


async def git_diff_to_remote(cwd: str) -> JsonObject:
    """`{sha, diff}` of a working tree against the nearest commit that a remote knows. Raises CallerError.

    A caller that is cancelled ends git with it, however long it takes.
    """
    try:
        git = _Git(cwd)
        await git.distrust_filters()
        sha = await _nearest_base(git)
        untracked = (await git.run("ls-files", "--others", "--exclude-standard", "-z")).split(b"\0")
        parts = [await git.run(*_DIFF, sha), *await _added(git, [path for path in untracked if path])]
    except (_GitFailed, OSError, ValueError, ExceptionGroup):
        raise CallerError(f'failed to compute git diff to remote for cwd: "{cwd}"', code="git_failed") from None
    return {"sha": sha, "diff": b"".join(parts).decode(errors="replace")}


class _GitFailed(Exception):
    """Git ended with an error, which is in its text."""


class _Git:
    """Git in a directory that nobody vouches for."""

    def __init__(self, cwd: str) -> None:
        self._cwd = cwd
        self._settings = dict(_SETTINGS)

    async def run(self, *arguments: str | bytes, statuses: tuple[int, ...] = (0,)) -> bytes:
        """What it writes. Raises _GitFailed for another status, OSError if there is no git or no such directory."""
        environment = {**os.environ, **_ENVIRONMENT, "GIT_CONFIG_COUNT": str(len(self._settings))}
        for number, (key, value) in enumerate(self._settings.items()):
            environment |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        done = await anyio.run_process(
            [b"git", *(os.fsencode(argument) for argument in arguments)], cwd=self._cwd, env=environment, check=False
        )
        if done.returncode not in statuses:
            raise _GitFailed(done.stderr.decode(errors="replace"))
        return done.stdout

    async def distrust_filters(self) -> None:
        """Give filters that the repository configures the values that the user's configuration has, or none."""
        listed = await self.run("config", "--show-scope", "--list", "-z")
        fields = listed.decode(errors="surrogateescape").split("\0")
        trusted: dict[str, str] = {}
        named: set[str] = set()
        for scope, entry in zip(fields[::2], fields[1::2], strict=False):
            key, _, value = entry.partition("\n")
            section, _, rest = key.partition(".")
            part = rest.rpartition(".")[2]
            if section != "filter" or part not in _FILTER_PARTS:
                continue
            if scope in ("local", "worktree"):
                named.add(key)
            else:
                trusted[key] = value
        self._settings |= {key: trusted.get(key, _FILTER_PARTS[key.rpartition(".")[2]]) for key in named}


async def _nearest_base(git: _Git) -> str:
    """The newest commit of HEAD's history that a remote has. Raises ValueError if there is none."""
    refs = set((await git.run("for-each-ref", "--format=%(objectname)", "refs/remotes")).split())
    bases = {(await git.run("merge-base", "HEAD", ref, statuses=(0, 1, 128))).strip().decode() for ref in refs} - {""}
    if not bases:
        raise ValueError("no remote knows the history")
    ahead = {base: int(await git.run("rev-list", "--count", f"{base}..HEAD")) for base in bases}
    return min(bases, key=lambda base: (ahead[base], base))


async def _added(git: _Git, paths: list[bytes]) -> list[bytes]:
    """The diffs of new files, in their order."""
    diffs = [b""] * len(paths)
    slots = anyio.CapacityLimiter(_AT_ONCE)

    async def add(number: int) -> None:
        async with slots:
            # exits with 1 because the files differ
            diffs[number] = await git.run(*_DIFF, "--no-index", "--", os.devnull, paths[number], statuses=(0, 1))

    async with anyio.create_task_group() as tasks:
        for number in range(len(paths)):
            tasks.start_soon(add, number)
    return diffs
