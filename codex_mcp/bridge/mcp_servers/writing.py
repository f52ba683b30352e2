"""Writes settings of MCP servers into the user's config.toml, by the engine, which keeps comments."""

from __future__ import annotations

import logging
from typing import Any

from codex_mcp.engine import api
from codex_mcp.engine.link import EngineLink, EngineRefusal
from codex_mcp.errors import CallerError
from codex_mcp.logs import about
from codex_mcp.redaction import redact

log = logging.getLogger(__name__)


async def write_setting(link: EngineLink, key: str, value: Any) -> None:
    """Set `key` (dotted, quoted where it has to be); None removes it. Loaded threads take it up at their next turn.

    Raises CallerError (code `config_error`) if the file cannot be written or the engine finds the value wrong.
    """
    try:
        await api.write_config(link, [{"keyPath": key, "value": value, "mergeStrategy": "replace"}], reload=True)
    except EngineRefusal as refusal:
        raise CallerError(
            f"config.toml was not changed: {redact(refusal.message).strip()}", code="config_error"
        ) from None
    log.info("configuration changed", extra=about(key=key))
