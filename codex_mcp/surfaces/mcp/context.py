"""What MCP methods and tools get: of the connection (`McpContext`), and of one call of a tool (`CallContext`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio

from codex_mcp.bridge.conversations import Conversations
from codex_mcp.bridge.mcp_servers import startup
from codex_mcp.bridge.sessions import SessionRecord
from codex_mcp.engine.supervisor import Engine
from codex_mcp.surfaces.connection import Connection
from codex_mcp.surfaces.mcp.client_log import ClientLog
from codex_mcp.surfaces.mcp.options import McpOptions
from codex_mcp.surfaces.mcp.progress import Progress
from codex_mcp.surfaces.mcp.subscriptions import Subscriptions
from codex_mcp.surfaces.mcp.turns import ToolTurn, ToolTurns
from codex_mcp.wire.messages import JsonObject, RequestId


class McpContext:
    """The MCP side of a connection."""

    def __init__(self, connection: Connection, options: McpOptions) -> None:
        self.connection = connection
        self.options = options
        self.turns = ToolTurns(
            connection, options.approval_timeout, others=options.inbox, allow_config=options.allow_config
        )
        self.subscriptions = Subscriptions(connection.client)
        self.log = ClientLog(connection.client)
        agent = connection.agent
        self.record = SessionRecord(connection.id, connection.identity, agent.label)
        agent.sessions.append(self.record)
        connection.delivery.hear(self.turns)
        connection.delivery.hear(self.subscriptions)
        self.offers_servers = "servers" in options.tool_sets
        """MCP servers of the engine are tools and resources."""
        self._unwatch = connection.agent.watch((startup.METHOD,), self._on_server)

    @property
    def shows_thread_id(self) -> bool:
        """Whether results name the thread in their text: MCP had no structured results before 2025-06-18."""
        return self.options.show_thread_id or self.connection.handshake.protocol_version < "2025-06-18"

    def _on_server(self, _method: str, params: JsonObject) -> None:
        """A server of a conversation starts, or fails to. Threads that only look at servers tell nothing new."""
        if self.connection.conversations.of_thread(str(params.get("threadId"))) is not None:
            self.subscriptions.server_changed(str(params.get("name")))

    def close(self) -> None:
        """The connection is over."""
        self._unwatch()
        self.log.close()
        self.connection.agent.sessions.remove(self.record)


@dataclass
class CallContext:
    """One call of a tool. `notes` are added to the result."""

    mcp: McpContext
    id: RequestId | None
    """None if it runs in the background: nobody waits for it."""
    progress_token: Any
    notes: list[str] = field(default_factory=list)
    on_turn: Callable[[ToolTurn], None] | None = None
    """Told of the turn that the tool runs; of a tool in the background it is what is waited for."""

    @property
    def connection(self) -> Connection:
        return self.mcp.connection

    @property
    def conversations(self) -> Conversations:
        return self.mcp.connection.conversations

    @property
    def engine(self) -> Engine:
        return self.mcp.connection.engine

    @contextmanager
    def signs_of_life(self) -> Iterator[Progress]:
        """Send progress notifications for as long as the block runs, and none after it."""
        client = self.connection.client
        progress = Progress(client, self.progress_token, self.id)
        scope = anyio.CancelScope()

        async def run() -> None:
            with scope:
                await progress.run()

        client.spawn(run)
        try:
            yield progress
        finally:
            progress.close()
            scope.cancel()
