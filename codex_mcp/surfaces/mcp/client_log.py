"""The server's log as `notifications/message`, from the level on that the client asks for with `logging/setLevel`.

Nothing is sent before it asks: not every client expects the messages.
"""

from __future__ import annotations

import logging
import threading

from codex_mcp.redaction import redact
from codex_mcp.surfaces.client import Client
from codex_mcp.wire.errors import INVALID_PARAMS, RpcError

_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "notice": logging.INFO + 5,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
    "alert": logging.CRITICAL + 5,
    "emergency": logging.CRITICAL + 10,
}
_ROOT = "codex_mcp"


class ClientLog(logging.Handler):
    """Attached to the package's logger while the client wants messages."""

    def __init__(self, client: Client) -> None:
        super().__init__()
        self._client = client
        self._thread = threading.get_ident()  # the event loop's: the peer takes messages from no other

    def set_level(self, level: str) -> None:
        """Send records from `level` on. Raises RpcError for a level that MCP does not know."""
        if level not in _LEVELS:
            raise RpcError(INVALID_PARAMS, f"unknown log level {level!r}; levels are {', '.join(_LEVELS)}")
        self.setLevel(_LEVELS[level])
        logger = logging.getLogger(_ROOT)
        if self not in logger.handlers:
            logger.addHandler(self)
        # the logger lets through what one of its handlers wants: stderr keeps its own level
        logger.setLevel(min(handler.level for handler in logger.handlers))

    def emit(self, record: logging.LogRecord) -> None:
        if threading.get_ident() != self._thread:
            return
        fields = {key: redact(str(value)) for key, value in getattr(record, "fields", {}).items()}
        self._client.notify(
            "notifications/message",
            {
                "level": record.levelname.lower(),
                "logger": record.name,
                "data": {"message": redact(record.getMessage()), **fields},
            },
        )

    def close(self) -> None:
        logging.getLogger(_ROOT).removeHandler(self)
        super().close()
