"""A server process and what went over its wire."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from codex_mcp.client import Approve, ClientConversation, CodexClient, start_client
from tests.support.home import Home


class Wire:
    """Every message of a connection, in order: `sent` by the client, `received` from the server."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, dict[str, Any]]] = []

    def trace(self, direction: str, line: bytes) -> None:
        self.messages.append((direction, json.loads(line)))

    @property
    def received(self) -> list[dict[str, Any]]:
        return [message for direction, message in self.messages if direction == "<"]

    @property
    def sent(self) -> list[dict[str, Any]]:
        return [message for direction, message in self.messages if direction == ">"]

    def position(self, **fields: Any) -> int:
        """Where the first received message with those fields is; `event="…"` finds an event by type."""
        event = fields.pop("event", None)
        for index, message in enumerate(self.received):
            params = message.get("params")
            kind = params.get("msg", {}).get("type") if isinstance(params, dict) and "msg" in params else None
            if (event is None or kind == event) and all(message.get(k) == v for k, v in fields.items()):
                return index
        raise AssertionError(f"no message with {event or ''} {fields} among {len(self.received)}")


@asynccontextmanager
async def serving(
    home: Home, *arguments: str, wire: Wire | None = None, approve: Approve = lambda _: "denied", mcp: bool = False
) -> AsyncIterator[CodexClient]:
    """A server of that home, and a client that is connected to it."""
    async with start_client(
        arguments,
        cwd=home.workspace,
        env=home.environment(),
        approve=approve,
        mcp=mcp,
        name="test",
        version="1.0",
        trace=None if wire is None else wire.trace,
    ) as client:
        yield client


async def turn(conversation: ClientConversation, message: str) -> list[Any]:
    """Send a message; the `msg` of every event up to the end of its turn."""
    return [event.msg async for event in conversation.turn(message)]


def types(events: list[Any]) -> list[str]:
    """Event types, runs of deltas counted once."""
    found: list[str] = []
    for event in events:
        if not (event.type.endswith("_delta") and event.type in found[-2:]):
            found.append(event.type)
    return found


def of(events: list[Any], kind: type[Any]) -> list[Any]:
    """The events of one model."""
    return [event for event in events if isinstance(event, kind)]
