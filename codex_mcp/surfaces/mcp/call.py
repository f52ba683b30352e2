"""One call of a tool: who asked, what it may use, and its signs of life."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio

from codex_mcp.bridge.conversations import Conversations
from codex_mcp.engine.supervisor import Engine
from codex_mcp.surfaces.mcp.progress import Progress
from codex_mcp.surfaces.mcp.surface import McpSurface
from codex_mcp.wire.messages import RequestId


@dataclass
class ToolCall:
    """`notes` are added to the result."""

    surface: McpSurface
    id: RequestId
    progress_token: Any
    notes: list[str] = field(default_factory=list)

    @property
    def conversations(self) -> Conversations:
        return self.surface.session.conversations

    @property
    def engine(self) -> Engine:
        return self.surface.session.engine

    @contextmanager
    def signs_of_life(self) -> Iterator[Progress]:
        """Send progress notifications for as long as the block runs, and none after it."""
        peer = self.surface.session.peer
        progress = Progress(peer, self.progress_token)
        scope = anyio.CancelScope()

        async def run() -> None:
            with scope:
                await progress.run()

        peer.tasks.start_soon(run)
        try:
            yield progress
        finally:
            progress.close()
            scope.cancel()
