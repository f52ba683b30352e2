"""The process's own stdin and stdout as the protocol's alone.

`claim_stdio` takes the descriptors away: afterwards fd 0 is empty and fd 1 is stderr, so a stray `print` of
any library, or a child that inherits them, can neither corrupt the wire nor eat from it.
"""

from __future__ import annotations

import os
import sys


def claim_stdio() -> tuple[int, int]:
    """Return private copies of stdin and stdout (not inherited by children). Call once, first."""
    wire_in, wire_out = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    try:
        os.dup2(2, 1)
    except OSError:  # started without a stderr
        os.dup2(null, 1)
        os.dup2(null, 2)
    os.close(null)
    if sys.platform == "win32":  # untested: bytes as they are, no newline translation
        import msvcrt

        msvcrt.setmode(wire_in, os.O_BINARY)
        msvcrt.setmode(wire_out, os.O_BINARY)
    return wire_in, wire_out


def write_all(fd: int, data: bytes) -> None:
    """Write everything, blocking. Raises OSError when the reader is gone."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
