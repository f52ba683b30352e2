"""The handshake of the app-server dialect, and what tells clients who answers."""

from __future__ import annotations

from codex_mcp.protocol.base import WireModel


class ClientInfo(WireModel):
    """Who connects."""

    name: str
    title: str | None = None
    version: str


class InitializeParams(WireModel):
    """The first request of a connection. With a `protocolVersion` beside it, it is MCP's initialize instead."""

    client_info: ClientInfo


class UserAgentResult(WireModel):
    """`codex_cli_rs/<release of the interface> (<system>; <architecture>) <terminal> (<client>; <version>)`."""

    user_agent: str


class EventNotification(WireModel):
    """An event of a conversation. `id` is the number of the turn's submission, `""` for the session itself."""

    id: str
    msg: dict[str, object]
    conversation_id: str
