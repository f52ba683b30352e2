"""What a surface may do with its client. The peer on stdio is one implementation; a session over HTTP is another."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from codex_mcp.wire.messages import RequestId
from codex_mcp.wire.peer import PendingCall


class Client(Protocol):
    """Whoever is at the other end. Nothing here blocks or fails; `about` names the client's request that a message
    belongs to, for connections that have a stream for each."""

    def notify(self, method: str, params: Any = None, *, about: RequestId | None = None) -> None:
        """Tell it something."""

    def begin(
        self,
        method: str,
        params: Any,
        on_result: Callable[[Any], None] | None = None,
        *,
        about: RequestId | None = None,
    ) -> PendingCall:
        """Ask it something; the answer is `await pending.result()`, which raises RpcError or PeerClosed."""

    def spawn(self, work: Callable[..., Coroutine[Any, Any, Any]], *arguments: Any) -> None:
        """Run something for as long as the connection lasts."""
