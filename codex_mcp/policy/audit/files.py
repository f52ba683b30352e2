"""The files of a trail, as they lie on the disk: their names, heads and locks."""

from __future__ import annotations

import hashlib
import os
import pathlib
import secrets
import sys
import time
from collections.abc import Iterator
from typing import Any

import msgspec

CHECKPOINTS = "checkpoints.jsonl"

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_BLOCK = 65536


def new_name() -> str:
    """`DATE-ULID.jsonl`: names sort by time."""
    value = (time.time_ns() // 1_000_000 << 80) | secrets.randbits(80)
    ulid = "".join(_ALPHABET[value >> shift & 31] for shift in range(125, -1, -5))
    return f"{time.strftime('%Y-%m-%d', time.gmtime())}-{ulid}.jsonl"


def trails(folder: pathlib.Path) -> list[pathlib.Path]:
    """The files of records, oldest first."""
    return sorted(path for path in folder.glob("*.jsonl") if path.name != CHECKPOINTS)


def digest(line: bytes) -> str:
    """What the next record has as `prev`."""
    return hashlib.sha256(line).hexdigest()


def lines(path: pathlib.Path) -> Iterator[tuple[bytes, bool]]:
    """Every line without its newline, and whether it had one. Raises OSError."""
    with path.open("rb") as file:
        for line in file:
            yield line.removesuffix(b"\n"), line.endswith(b"\n")


def tail(path: pathlib.Path) -> tuple[bytes, bytes]:
    """The last whole line, and what stands behind it: a line that was not finished. Raises OSError."""
    with path.open("rb") as file:
        size = start = file.seek(0, os.SEEK_END)
        data = b""
        while start > 0 and data.count(b"\n") < 2:
            start = max(0, start - _BLOCK)
            file.seek(start)
            data = file.read(size - start)
    whole, _, torn = data.rpartition(b"\n")
    return whole.rpartition(b"\n")[2], torn


def parsed(line: bytes) -> dict[str, Any] | None:
    """The record that a line is; None if it is none."""
    try:
        found = msgspec.json.decode(line)
    except msgspec.DecodeError:
        return None
    return found if isinstance(found, dict) and isinstance(found.get("seq"), int) else None


def lock(fd: int) -> None:
    """Hold the file as its writer, or wait for who does; the lock ends with the descriptor."""
    if sys.platform != "win32":  # untested there: files are not locked, their names are unique in any case
        import fcntl

        fcntl.flock(fd, fcntl.LOCK_EX)


def is_written(path: pathlib.Path) -> bool:
    """Whether a process holds the file as its writer."""
    if sys.platform == "win32":
        return False
    import fcntl

    with path.open("rb") as file:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False
