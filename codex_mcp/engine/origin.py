"""On whose behalf the engine is asked: every call of the engine knows it, for policy, audit and tracing."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass

from codex_mcp.wire.messages import RequestId


@dataclass(frozen=True)
class Origin:
    """A request of a client, or (`SERVER`) this server itself."""

    client: str
    """Who asked: name and version that the client gave, or the identity that it was authenticated as."""
    connection: str
    """The connection, by an id of ours."""
    method: str
    """What it asked for; of `tools/call` the tool, as `tools/call NAME`."""
    request: RequestId | None
    """The id of its request."""


SERVER = Origin("server", "", "", None)

ORIGIN: ContextVar[Origin] = ContextVar("origin", default=SERVER)
"""Set while a client's request is served, and in the tasks that are started for it."""
