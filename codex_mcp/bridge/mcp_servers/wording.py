"""What the engine says of an MCP server, made fit for people and logs.

Its texts quote answers of the server, which may hold anything, and name the engine's own types.
"""

from __future__ import annotations

import re

from codex_mcp import invocation
from codex_mcp.redaction import redact

MAX_TEXT = 300
"""Characters of a text that is shown."""

_MAX_READ = 20_000  # characters; a server's page can be any length, and every pattern below would read it all
_TYPES = re.compile(r"\[(?:codex_rmcp_client|rmcp)::[^\]\s]*\] ?")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]+")
_PREFIX = re.compile(r"^(?:MCP client for `[^`]*` failed to start: )?(?:MCP startup failed: )?")
_LOGIN = re.compile(r"`codex mcp login ([^`\s]+)`")


def plain(text: str) -> str:
    """One line of at most MAX_TEXT characters: without types of the engine, repetition, control characters, secrets."""
    text = _TYPES.sub("", text[:_MAX_READ])
    text = _CONTROLS.sub(" ", text).strip()
    text = _PREFIX.sub("", text)
    parts = text.split(", when send initialize request")
    if len(parts) > 1:
        text = parts[0]
    text = text.replace("handshaking with MCP server failed: Send message error Transport error: ", "")
    text = redact(text)
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def startup_failure(name: str, text: str | None) -> str:
    """What a client of the documented interface is told of a server that did not start."""
    head = f"MCP client for `{name}` failed to start"
    if not text:
        return head
    said = with_our_command(plain(text), invocation.command())
    return f"{head}: {said}" if text.startswith(head) else said


def with_our_command(text: str, command: str) -> str:
    """`text` with the engine's advice to run `codex mcp login NAME` in terms of `command`."""
    return _LOGIN.sub(lambda found: f"`{command} mcp login {found[1]}`", text)
