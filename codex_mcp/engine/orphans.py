"""Commands that would outlive their engine, and how they are found when it is gone.

An engine ends its commands when it ends in order. One that is killed cannot, and what left its session was out of its
reach before. Such a process is known by any of three things:

* its environment: each engine has a mark in its own, which its commands inherit and may drop (`env -i`, `sudo`);
* its session, if that is the engine's;
* its descent: on Linux this process adopts what an engine's commands leave behind (`adopt_orphans`). Of an adopted
  process nobody can tell whose it was, so those end with the last engine that this process has.

Whatever this process starts for itself stays in its session, which is how an adopted process differs from it. Light:
`launch` imports this.
"""

from __future__ import annotations

import contextlib
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

MARK = "CODEX_MCP_ENGINE_RUN"
_ROUNDS = 10  # a process may fork while the others are looked for
_PR_SET_CHILD_SUBREAPER = 36  # of <linux/prctl.h>

_engines: set[int] = set()
"""Process ids of the engines of this process."""


def new_mark() -> str:
    """A mark that no other engine has."""
    return os.urandom(8).hex()


def adopt_orphans(engine: int) -> None:
    """Become the parent of what that engine's commands leave behind. Elsewhere than on Linux nothing."""
    if not sys.platform.startswith("linux"):
        return
    if not _engines:
        with contextlib.suppress(ImportError, OSError, AttributeError):  # a Python without ctypes, an old kernel
            import ctypes

            ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    _engines.add(engine)


def end_commands(engine: int, mark: str) -> None:
    """Kill what an engine that is gone left running. Elsewhere than on Linux nothing."""
    if not sys.platform.startswith("linux"):
        return
    import signal

    _engines.discard(engine)
    entry = f"{MARK}={mark}".encode()
    for _ in range(_ROUNDS):
        table = _processes()
        found = {p.pid for p in table if p.session == engine or _carries(p.pid, entry)}
        if not _engines:
            found |= _adopted(table)
        found = {p.pid for p in table if p.pid in found and p.alive}
        if not found:
            break
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):  # gone, or another user's (sudo)
                os.kill(pid, signal.SIGKILL)
    reap_adopted()


def reap_adopted() -> None:
    """Let adopted processes that have ended go. Call it when a child has ended (SIGCHLD)."""
    for child in _children():
        if not child.alive and _is_adopted(child):
            with contextlib.suppress(ChildProcessError):
                os.waitpid(child.pid, os.WNOHANG)


class _Process:
    """A line of the process table."""

    __slots__ = ("alive", "parent", "pid", "session")

    def __init__(self, pid: int, stat: bytes) -> None:
        state, parent, _group, session = stat.rpartition(b")")[2].split()[:4]
        self.pid = pid
        self.parent = int(parent)
        self.session = int(session)
        self.alive = state not in (b"Z", b"X")


def _processes(names: Iterable[str] | None = None) -> list[_Process]:
    """The whole process table, or what it has of those process ids."""
    found = []
    for name in os.listdir("/proc") if names is None else names:
        if name.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb", buffering=0) as file:
                found.append(_Process(int(name), file.read()))
    return found


def _children() -> list[_Process]:
    """Of this process."""
    names: list[str] = []
    try:
        for thread in os.listdir("/proc/self/task"):
            with open(f"/proc/self/task/{thread}/children") as file:
                names += file.read().split()
    except OSError:  # a kernel without that file, or a thread that has just ended
        return [process for process in _processes() if process.parent == os.getpid()]
    return _processes(names)


def _adopted(table: list[_Process]) -> set[int]:
    """Processes that were adopted, and everything below them."""
    found: set[int] = set()
    own = os.getpid()
    below = {p.pid for p in table if p.parent == own and _is_adopted(p)}
    while below:
        found |= below
        below = {p.pid for p in table if p.parent in below} - found
    return found


def _is_adopted(child: _Process) -> bool:
    return child.session != os.getsid(0) and child.pid not in _engines


def _carries(pid: int, entry: bytes) -> bool:
    try:
        return entry in environment_of(pid)
    except OSError:
        return False


def environment_of(pid: int) -> list[bytes]:
    """`NAME=value` of a process; nothing of a zombie. Raises OSError if it is gone, or somebody else's. Linux."""
    with open(f"/proc/{pid}/environ", "rb") as file:
        return file.read().split(b"\0")
