"""The handshake of the app-server dialect, and what tells clients who answers."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from pydantic import WithJsonSchema

from codex_mcp.protocol.base import WireModel

AnEventMsg: TypeAlias = Annotated[dict[str, Any], WithJsonSchema({"named": "EventMsg"})]
"""An event as it is sent, unread: `codex_mcp.protocol.events.EventMsg` describes it."""


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
    msg: AnEventMsg
    conversation_id: str


class SessionConfigured(WireModel):
    """A conversation was resumed; sent before the answer to the request."""

    session_id: str
    model: str
    reasoning_effort: str | None
    history_log_id: int
    history_entry_count: int
    initial_messages: list[AnEventMsg] | None
    rollout_path: str
