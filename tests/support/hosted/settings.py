"""How the hosted stand-in behaves."""

from __future__ import annotations

from dataclasses import dataclass

SCOPES = ("sessions:read", "sessions:write")
MCP_PATH = "/mcp"


@dataclass
class Settings:
    """How the server behaves. All but the first group can be changed while it runs (`POST /control/set`)."""

    host: str = "127.0.0.1"
    port: int = 0
    """0: any free one."""
    auth: str = "oauth"
    """oauth, key (bearer), header (X-MCP-API-Key), any (all three), none."""
    key: str = "hosted-key-acme"
    """The workspace-scoped key; `hosted-key-other` is always one of the other workspace."""
    key_header: str = "X-MCP-API-Key"
    registration: bool = True
    """Dynamic client registration is offered."""
    client_id: str | None = None
    """A client that is registered beforehand (public, any loopback redirect)."""

    token_seconds: float = 3600.0
    """Life of an access token."""
    refresh: bool = True
    """Access tokens come with a refresh token."""
    rotate: bool = True
    """A refresh token can be used once."""
    consent: str = "auto"
    """What the authorization page does: auto (approves at once), page (asks), deny, silent (never answers)."""
    registration_status: int = 0
    """Answer registrations with that status."""
    token_status: int = 0
    """Answer token requests with that status and a body that is no JSON."""
    refuse_refresh: bool = False
    """Refreshes are refused with invalid_grant."""
    required_scope: str = ""
    """OAuth tokens without that scope get 403 insufficient_scope at /mcp."""
    status: int = 0
    """Answer everything at /mcp with that status, and `body`."""
    body: str = '{"error": "switched on"}'
    page: str = ""
    """Answer everything at /mcp with 200 and that text as text/html: not an MCP server."""
    start_delay: float = 0.0
    """Seconds before `initialize` is answered."""
    list_delay: float = 0.0
    """Seconds before `tools/list` is answered."""
    call_delay: float = 0.0
    """Seconds before every `tools/call` is answered."""
    tools: str = "all"
    """all, read (only those that read), none, error (`tools/list` fails)."""
    extra_tool: bool = False
    """A further tool, `late_tool`, is there; turning it on tells connected clients (`tools/list_changed`)."""
    drop: int = 0
    """Break the connection of the next so many calls of tools, after the beginning of the answer."""


FIXED = ("host", "port", "auth", "key", "key_header", "registration", "client_id")
"""What cannot be changed while it runs."""
