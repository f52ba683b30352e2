"""Who is told what an engine says, in tests that run one in their own process."""

from __future__ import annotations

from typing import Any

from codex_mcp.wire.peer import IncomingCall


class Listener:
    """An `EngineListener` that keeps only why engines were lost."""

    def __init__(self) -> None:
        self.lost: list[str] = []

    def on_engine_notification(self, method: str, params: Any) -> None: ...

    def on_engine_request(self, call: IncomingCall) -> None: ...

    def on_engine_lost(self, reason: str) -> None:
        self.lost.append(reason)
