"""What can go wrong between a client and its server."""

from __future__ import annotations

from collections.abc import Sequence

from codex_mcp.wire.errors import PeerClosed


class ServerEnded(PeerClosed):
    """The server ended the connection: it exited, was killed, or closed its output.

    `status` is its exit status as `subprocess` has it (negative: the signal), None if it is not known; `stderr` the
    last lines that it wrote; `advice` what to do next. The text of the exception has the essence of it.
    """

    def __init__(self, reason: str, advice: str, *, status: int | None = None, stderr: Sequence[str] = ()) -> None:
        super().__init__(f"{reason}. {advice}")
        self.reason = reason
        self.advice = advice
        self.status = status
        self.stderr = list(stderr)


class ServerNotStarted(ServerEnded):
    """The server could not be started, exited before it answered the handshake, or did not answer it as it should."""


class TurnFailed(Exception):
    """A turn ended without an answer. `reason` is `error`, or that of its `turn_aborted` event: `interrupted`, …"""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason
