"""Who sends a request, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser, authorization_context
from starlette.requests import HTTPConnection

USE = "codex:use"
"""Call tools and methods."""
ANSWER = "codex:answer"
"""See the page, and answer the questions of agents."""
METRICS = "codex:metrics"
"""Read the figures."""
SCOPES = (USE, ANSWER, METRICS)


@dataclass(frozen=True)
class Identity:
    """An owner of sessions."""

    key: str
    """Equal for two requests of the same identity; empty on a server that asks nobody who they are."""
    name: str | None
    """As people and records know it; None: as the client says of itself."""
    tools: tuple[str, ...] = ()
    """The only tools that it may call; empty: all, and the documented interface."""


LOCAL = Identity("", None)


def identity_of(connection: HTTPConnection) -> Identity:
    """The identity of a request. Tokens of one name are one identity."""
    user = connection.scope.get("user")
    if not isinstance(user, AuthenticatedUser):
        return LOCAL
    context = authorization_context(user)
    claims = user.access_token.claims or {}
    parts = (context["issuer"], context["client_id"], context["subject"])
    return Identity(
        "\n".join(part or "" for part in parts),
        context["subject"] or context["client_id"],
        tuple(claims.get("tools", ())),
    )
