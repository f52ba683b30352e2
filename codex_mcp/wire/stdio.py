"""The process's own stdin and stdout as the protocol's alone.

`claim_stdio` takes the descriptors away: afterwards fd 0 is empty and fd 1 is stderr, so a stray `print` of
any library, or a child that inherits them, can neither corrupt the wire nor eat from it.
"""

from __future__ import annotations

import os
import select
import stat
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_SAFE_WRITE = 512 if sys.platform == "win32" else select.PIPE_BUF  # bytes that a writable pipe takes in one piece


def claim_stdio() -> tuple[int, int]:
    """Return private copies of stdin and stdout (not inherited by children). Call once, first."""
    wire_in, wire_out = _copy(0), _copy(1)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    try:
        os.dup2(2, 1)
    except OSError:  # started without a stderr
        os.dup2(null, 1)
        os.dup2(null, 2)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - as long as the process lives
    if null > 2:  # it has one of their numbers if the process was started without one
        os.close(null)
    if sys.platform == "win32":  # untested: bytes as they are, no newline translation
        import msvcrt

        msvcrt.setmode(wire_in, os.O_BINARY)
        msvcrt.setmode(wire_out, os.O_BINARY)
    return wire_in, wire_out


def _copy(fd: int) -> int:
    try:
        return os.dup(fd)
    except OSError:  # started without it: nothing comes, and nobody listens
        return os.dup(os.open(os.devnull, os.O_RDWR))


def room_in(fd: int) -> Callable[[], bool] | None:
    """Tells whether `fd` takes a few hundred bytes without blocking; None if only a try would tell (a file)."""
    mode = os.fstat(fd).st_mode
    if sys.platform == "win32" or not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        return None
    poller = select.poll()
    poller.register(fd, select.POLLOUT)
    return lambda: poller.poll(0) == [(fd, select.POLLOUT)]


def write_what_fits(fd: int, data: bytes, has_room: Callable[[], bool]) -> bytes:
    """Write without blocking; what is left. `has_room`: see `room_in`."""
    done = 0
    try:
        while done < len(data) and has_room():
            done += os.write(fd, data[done : done + _SAFE_WRITE])
    except OSError:  # whoever writes the rest will find out
        pass
    return data[done:]


def write_all(fd: int, data: bytes) -> None:
    """Write everything, blocking. Raises OSError when the reader is gone."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
