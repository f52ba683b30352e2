"""A client that is connected to an agent: what the handlers of every surface get."""

from __future__ import annotations

import uuid

from codex_mcp.bridge.agent import Agent
from codex_mcp.bridge.conversations import Conversations
from codex_mcp.engine.supervisor import Engine
from codex_mcp.surfaces.client import Client
from codex_mcp.surfaces.delivery import Delivery
from codex_mcp.surfaces.handshake import Dialect, Handshake


class Connection:
    """Made once the client is there; its handshake may still be to come."""

    def __init__(
        self, handshake: Handshake, client: Client, agent: Agent, *, events: bool = True, identity: str | None = None
    ) -> None:
        """`events`: an MCP client gets `codex/event` without asking for it. `identity`: who the client was
        authenticated as; without one it is what it says of itself."""
        self.id = uuid.uuid4().hex
        self.handshake = handshake
        self.client = client
        self.agent = agent
        self.delivery = Delivery(handshake, client, events=events)
        self._identity = identity

    @property
    def identity(self) -> str:
        """Who the client is, for people and for records."""
        return self._identity or self.handshake.client_name or "unknown"

    @property
    def conversations(self) -> Conversations:
        return self.agent.conversations

    @property
    def engine(self) -> Engine:
        return self.agent.engine

    @property
    def dialect(self) -> Dialect:
        """The client's dialect; that of the app-server until it has said."""
        return self.handshake.dialect or Dialect.APP_SERVER
