"""Commands that would outlive their engine: each engine has a mark in its environment, which they inherit.

An engine ends its commands when it ends in order. One that is killed cannot, and a command that left its session was
out of its reach before. Light: `launch` imports this.
"""

from __future__ import annotations

import contextlib
import os
import sys

MARK = "CODEX_MCP_ENGINE_RUN"
_ROUNDS = 10  # a process may fork while the others are looked for


def new_mark() -> str:
    """A mark that no other engine has."""
    return os.urandom(8).hex()


def end_marked(mark: str) -> None:
    """Kill every process that carries the mark. Only Linux tells the environment of a process; elsewhere nothing."""
    if not sys.platform.startswith("linux"):
        return
    import signal

    entry = f"{MARK}={mark}".encode()
    for _ in range(_ROUNDS):
        found = [pid for pid in os.listdir("/proc") if pid.isdigit() and _carries(pid, entry)]
        if not found:
            return
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)


def _carries(pid: str, entry: bytes) -> bool:
    try:
        return entry in environment_of(pid)
    except OSError:
        return False


def environment_of(pid: int | str) -> list[bytes]:
    """`NAME=value` of a process; nothing of a zombie. Raises OSError if it is gone, or somebody else's. Linux."""
    with open(f"/proc/{pid}/environ", "rb") as file:
        return file.read().split(b"\0")
