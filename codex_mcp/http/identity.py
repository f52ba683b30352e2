"""Who sends a request: the owner of a session, and the name that records and people see."""

from __future__ import annotations

from starlette.requests import HTTPConnection

LOCAL = ""
"""Whoever can reach a server that asks nobody who they are."""


def owner_of(connection: HTTPConnection) -> str:
    """The identity of a request, for comparison. Tokens of one name are one identity."""
    user = connection.scope.get("user")
    return LOCAL if user is None or not user.is_authenticated else str(user.identity)


def display_name(owner: str) -> str | None:
    """The identity as people know it; None if nobody was asked."""
    return owner or None
