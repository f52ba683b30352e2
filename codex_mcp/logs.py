"""Logs: one line per record on stderr, `key=value` fields at the end, nothing that looks like a secret.

Modules log with `logging.getLogger(__name__)`; fields go in `extra={"fields": {...}}` (see `about`).
"""

from __future__ import annotations

import contextlib
import logging
import sys

from codex_mcp.redaction import redact

TYPE_CHECKING = False
if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterator
    from typing import Any

_FILE_SIZE = 2**20  # bytes
LEVELS = ("debug", "info", "warning", "error")


def about(conversation: str | None = None, **fields: Any) -> dict[str, Any]:
    """The `extra` of a log call: the conversation it is about and further fields."""
    if conversation is not None:
        fields["conversation"] = conversation
    return {"fields": fields}


class _LineFormatter(logging.Formatter):
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03d"

    def format(self, record: logging.LogRecord) -> str:
        line = f"{self.formatTime(record)} {record.levelname.lower()} {record.name} {record.getMessage()}"
        for key, value in getattr(record, "fields", {}).items():
            line += f" {key}={value}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return redact(line)


def configure(level: str) -> None:
    """Send the records of this package to stderr, from `level` (one of LEVELS) on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_LineFormatter())
    handler.setLevel(level.upper())  # a client may ask for more than stderr gets
    logger = logging.getLogger("codex_mcp")
    logger.handlers[:] = [handler]
    logger.setLevel(level.upper())
    logger.propagate = False


@contextlib.contextmanager
def also_to(path: pathlib.Path) -> Iterator[None]:
    """Keep the records of this package, from `info` on, in a file, too; of 2 MB the last is kept."""
    from logging.handlers import RotatingFileHandler

    handler = RotatingFileHandler(path, maxBytes=_FILE_SIZE, backupCount=1, encoding="utf-8", delay=True)
    handler.setFormatter(_LineFormatter())
    handler.setLevel(logging.INFO)
    logger = logging.getLogger("codex_mcp")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(min(before, logging.INFO))
    try:
        yield
    finally:
        logger.setLevel(before)
        logger.removeHandler(handler)
        handler.close()
