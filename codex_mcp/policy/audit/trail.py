"""Writes the trail: one file per process, each record bound to the one before it, checkpoints signed.

A record is one write. What could not be written whole stays as it is, and the next record opens a new file that names
it: nothing is ever repaired.
"""

from __future__ import annotations

import contextlib
import datetime
import logging
import os
import pathlib
import time
from collections.abc import Callable, Iterator

from codex_mcp import __version__
from codex_mcp.errors import CodexMcpError
from codex_mcp.policy.audit import files, keys
from codex_mcp.policy.audit.checkpoints import Checkpoints
from codex_mcp.policy.audit.record import VERSION, Fields, Record, ServerFacts, encode

log = logging.getLogger(__name__)

_MAX_BYTES = 64 * 1024 * 1024
_RECORDS_PER_CHECKPOINT = 1000
_SECONDS_PER_CHECKPOINT = 60.0


class AuditFailed(CodexMcpError):
    """A record could not be written."""

    code = "audit_failed"


class Trail:
    """The records of this process. Not for several threads."""

    def __init__(
        self,
        folder: pathlib.Path,
        policy: str,
        anchor: Callable[[bytes], None] | None = None,
        *,
        max_bytes: int = _MAX_BYTES,
    ) -> None:
        """`policy` is the digest of the policy in force, `anchor` gets every checkpoint line. Nothing is opened yet."""
        self.folder = folder
        self._policy = policy
        self._anchor = anchor
        self._max_bytes = max_bytes
        self._server = ServerFacts(__version__, os.getpid())
        self._fd: int | None = None
        self._path = folder
        self._seq = 0
        self._head = ""
        self._size = 0
        self._since_checkpoint = 0
        self._checkpoint_at = 0.0
        self._checkpoints: Checkpoints | None = None

    @property
    def path(self) -> pathlib.Path:
        """The file that is written now."""
        return self._path

    def open(self) -> None:
        """Make the file and its first record. Raises AuditFailed."""
        if self._fd is None:
            with _told(self.folder):
                self._open()

    def append(self, fields: Fields, *, sync: bool = False) -> None:
        """Write a record; with `sync` it is on the disk on return. Raises AuditFailed."""
        with _told(self.folder):
            if self._fd is None:
                self._open()
            elif self._size >= self._max_bytes:
                self._close("rotated")
                self._open()
            self._write(fields)
            if sync:
                self._sync()
            self._since_checkpoint += 1
        self.tick()

    def tick(self) -> None:
        """Write a checkpoint if one is due. Call it now and then."""
        if self._fd is None or not self._since_checkpoint:
            return
        late = time.monotonic() - self._checkpoint_at >= _SECONDS_PER_CHECKPOINT
        if late or self._since_checkpoint >= _RECORDS_PER_CHECKPOINT:
            with _told(self.folder):
                self._checkpoint("late" if late else "count")

    def close(self) -> None:
        """The process ends: a last record and checkpoint. Raises AuditFailed."""
        if self._fd is not None:
            with _told(self.folder):
                self._close("closed")

    def _open(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.chmod(self.folder, 0o700)
        if self._checkpoints is None:
            self._checkpoints = Checkpoints(self.folder, keys.signing_key(self.folder), self._anchor)
        opened, recovered = self._others()
        path = self.folder / files.new_name()
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        files.lock(fd)
        self._fd, self._path, self._seq, self._head, self._size = fd, path, 0, "", 0
        self._write(Fields(event="log.opened", detail={"heads": opened}))
        for torn in recovered:
            self._write(Fields(event="log.recovered", detail=torn))
        self._sync()
        self._checkpoint("opened")

    def _others(self) -> tuple[dict[str, dict[str, object]], list[dict[str, object]]]:
        """Heads of the files that no later file has named as they are now, and what was left unfinished in them."""
        named: dict[str, set[object]] = {}
        closed: set[object] = set()
        existing = files.trails(self.folder)
        for path in existing:
            with contextlib.suppress(OSError):
                for line, _ in files.lines(path):
                    record = files.parsed(line)
                    if record is None or not str(record.get("event")).startswith("log."):
                        break
                    detail = record.get("detail") or {}
                    for name, head in (detail.get("heads") or {}).items():
                        named.setdefault(name, set()).add(head.get("head"))
                    closed.add(detail.get("file"))
        heads: dict[str, dict[str, object]] = {}
        recovered: list[dict[str, object]] = []
        for path in existing:
            with contextlib.suppress(OSError):
                written = files.is_written(path)
                last, torn = files.tail(path)
                record = files.parsed(last)
                head = files.digest(last)
                if record is not None and head not in named.get(path.name, ()):
                    heads[path.name] = {"seq": record["seq"], "head": head}
                if torn and not written and path.name not in closed:
                    recovered.append({"file": path.name, "bytes": len(torn), "sha256": files.digest(torn)})
        return heads, recovered

    def _write(self, fields: Fields) -> None:
        assert self._fd is not None
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        line = encode(Record(VERSION, self._seq + 1, now, self._head, self._policy, self._server, fields))
        try:
            written = os.write(self._fd, line + b"\n")
            if written != len(line) + 1:
                raise OSError(28, "only a part of a record could be written")
        except OSError:
            self._abandon()
            raise
        self._seq, self._head, self._size = self._seq + 1, files.digest(line), self._size + len(line) + 1

    def _sync(self) -> None:
        assert self._fd is not None
        try:
            os.fsync(self._fd)
        except OSError:
            self._abandon()
            raise

    def _abandon(self) -> None:
        """The file may have an unfinished line: the next record opens another."""
        fd, self._fd = self._fd, None
        if fd is not None:
            with contextlib.suppress(OSError):
                os.close(fd)

    def _checkpoint(self, reason: str) -> None:
        assert self._checkpoints is not None
        self._checkpoints.add(self._path.name, self._seq, self._head, reason)
        self._since_checkpoint, self._checkpoint_at = 0, time.monotonic()

    def _close(self, reason: str) -> None:
        self._write(Fields(event=f"log.{reason}"))
        self._sync()
        self._checkpoint(reason)
        self._abandon()


@contextlib.contextmanager
def _told(folder: pathlib.Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        log.error("the audit trail could not be written: %s", error)
        raise AuditFailed(f"the audit trail in {folder} could not be written: {error}") from None
