"""Signed heads of the trail's files, chained: what is cut from the end of a file is missed down to the last of them."""

from __future__ import annotations

import contextlib
import datetime
import logging
import os
import pathlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from codex_mcp.policy.audit import files, keys

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

log = logging.getLogger(__name__)

_SIGNED = ("v", "time", "prev", "file", "seq", "head", "reason", "key")


class Checkpoints:
    """Adds lines to `checkpoints.jsonl`, which all processes share."""

    def __init__(
        self, folder: pathlib.Path, key: Ed25519PrivateKey, anchor: Callable[[bytes], None] | None = None
    ) -> None:
        """`anchor` gets every line, to keep it elsewhere."""
        self._path = folder / files.CHECKPOINTS
        self._key = key
        self._name = keys.fingerprint(key.public_key())
        self._anchor = anchor

    def add(self, file: str, seq: int, head: str, reason: str) -> None:
        """Sign the head of a file. Raises OSError."""
        fd = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
        with contextlib.closing(os.fdopen(fd, "rb", closefd=True)):
            files.lock(fd)
            last, torn = files.tail(self._path)
            facts: dict[str, Any] = {
                "v": 1,
                "time": datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "prev": files.digest(last) if last else "",
                "file": file,
                "seq": seq,
                "head": head,
                "reason": reason,
                "key": self._name,
            }
            facts["signature"] = self._key.sign(signed_part(facts)).hex()
            line = msgspec.json.encode(facts)
            # somebody was killed in mid-line: theirs ends here, and says nothing
            data = (b"\n" if torn else b"") + line + b"\n"
            if os.write(fd, data) != len(data):
                raise OSError(28, "only a part of a checkpoint could be written")
            os.fsync(fd)
        if self._anchor is not None:
            self._anchor(line)


def signed_part(facts: dict[str, Any]) -> bytes:
    """What the signature of a checkpoint is over."""
    return msgspec.json.encode([facts.get(name) for name in _SIGNED])
