"""Logs: one line per record on stderr, `key=value` fields at the end, nothing that looks like a secret.

Modules log with `logging.getLogger(__name__)`; fields go in `extra={"fields": {...}}` (see `about`).
"""

from __future__ import annotations

import logging
import re
import sys
from typing import Any

LEVELS = ("debug", "info", "warning", "error")

# API keys, bearer tokens and JWTs, in whatever they are embedded; values of keys that name a secret.
_SECRETS = re.compile(
    r"(?P<token>\bsk-[\w-]{8,}|\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*)"
    r"|(?P<name>(?i:authorization|bearer|api[_-]?key|token|secret|password)[\"']?\s*[:= ]\s*[\"']?(?:bearer\s+)?)"
    r"(?P<value>[^\s\"',}]{6,})",
    re.IGNORECASE,
)


def redact(text: str) -> str:
    """`text` with everything that looks like a secret replaced by `***`."""
    return _SECRETS.sub(lambda found: (found["name"] or "") + "***", text)


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
