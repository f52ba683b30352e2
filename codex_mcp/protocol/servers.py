"""The MCP servers that Codex uses: states, sign-in, configuration; plugins, marketplaces and hooks.

Names and shapes are those of the engine's own protocol, so that its documentation holds; `state` and `advice`, and the
methods that change servers, are this server's. Where a `threadId` is taken, a `conversationId` is.
"""

from __future__ import annotations

from typing import Any, Literal

from codex_mcp.protocol.base import WireModel

JsonObject = dict[str, Any]


class OfThread(WireModel):
    """A conversation, by either name."""

    thread_id: str | None = None
    conversation_id: str | None = None

    @property
    def thread(self) -> str | None:
        """The one that is given."""
        return self.thread_id or self.conversation_id


class McpServerStatusListParams(OfThread):
    """As a conversation has them; without one, as they are configured: then they are started for it."""

    server_name: str | None = None
    timeout_secs: float | None = None


class McpServerStatus(WireModel):
    """What the engine says of a server, and what that means."""

    name: str
    state: str
    advice: str | None
    detail: str | None
    runtime_status: str | None
    auth_status: str | None
    plugin_id: str | None
    http_origin: str | None
    server_info: JsonObject | None
    tools: JsonObject
    tools_error: str | None


class McpServerStatusListResult(WireModel):
    """All of them: there is one page."""

    data: list[McpServerStatus]
    next_cursor: None = None


class McpServerName(WireModel):
    """A configured server."""

    name: str


class McpServerOauthLoginParams(WireModel):
    """Sign in by OAuth; 300 seconds for the user if not given."""

    name: str
    scopes: list[str] | None = None
    timeout_secs: float | None = None


class McpServerOauthLoginResult(WireModel):
    """Send the user to `authorizationUrl`; `mcpServer/oauthLogin/completed` tells the end. Engine 0.144 has no id."""

    authorization_url: str
    login_id: str | None


class McpServerOauthCancelParams(WireModel):
    """A sign-in that is under way."""

    login_id: str


class McpServerSignedOut(WireModel):
    """Whether a sign-in was stored."""

    signed_out: bool


class McpResourceReadParams(OfThread):
    """A resource of a server."""

    server: str
    uri: str


class McpResourceReadResult(WireModel):
    """As the server gives it."""

    contents: list[JsonObject]


class McpToolCallParams(OfThread):
    """A tool of a server of a conversation."""

    server: str
    tool: str
    arguments: JsonObject | None = None


class McpToolCallResult(WireModel):
    """As the server gives it."""

    content: list[JsonObject]
    structured_content: Any = None
    is_error: bool | None = None


class McpServerAddParams(WireModel):
    """A server by `url`, or a `command`. Keys stay in variables."""

    name: str
    url: str | None = None
    command: str | None = None
    args: list[str] | None = None
    env: dict[str, str] | None = None
    bearer_token_env_var: str | None = None
    http_headers: dict[str, str] | None = None
    env_http_headers: dict[str, str] | None = None
    client_id: str | None = None
    scopes: list[str] | None = None
    required: bool | None = None
    replace: bool | None = None


class McpServerSetEnabledParams(WireModel):
    """Switch a server on or off."""

    name: str
    enabled: bool


class PluginListResult(WireModel):
    """The engine's own."""

    marketplaces: list[JsonObject]
    marketplace_load_errors: list[JsonObject]


class PluginReadParams(WireModel):
    """A plugin of a marketplace."""

    plugin_name: str
    marketplace_path: str | None = None


class PluginReadResult(WireModel):
    """The engine's own: summary, skills, hooks, names of MCP servers, apps."""

    plugin: JsonObject


class MarketplaceListResult(WireModel):
    """With source and fingerprint."""

    marketplaces: list[JsonObject]
    errors: list[JsonObject]


class MarketplaceUpgradeParams(WireModel):
    """One Git marketplace, or all."""

    marketplace_name: str | None = None


class MarketplaceUpgradeResult(WireModel):
    """The engine's evidence as it came, and what is different now."""

    selected_marketplaces: list[str]
    upgraded_roots: list[str]
    errors: list[JsonObject]
    replaced: list[JsonObject]


class HooksListParams(WireModel):
    """Directories; the server's own if not given."""

    cwds: list[str] | None = None


class HooksListResult(WireModel):
    """The engine's own, an entry for each directory."""

    data: list[JsonObject]


class McpServerStartupUpdated(WireModel):
    """A server of a conversation, or of one of its sub-agents, starts, is ready, or is not."""

    thread_id: str
    parent_thread_id: str | None
    name: str
    status: Literal["starting", "ready", "failed", "cancelled"]
    error: str | None
    failure_reason: str | None
    state: str
    advice: str | None


class McpServerOauthLoginCompleted(WireModel):
    """A sign-in has ended."""

    name: str
    login_id: str | None
    success: bool
    error: str | None
