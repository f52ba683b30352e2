"""Where the events and questions of a connection's conversations go (an `Outlet`).

Every conversation has an audience: the listeners of the documented interface. A tool that runs a turn takes its
questions, and hears its events, for as long as it runs (`take`). Others may hear of everything (`hear`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from codex_mcp.bridge.approvals import Approval
from codex_mcp.bridge.conversation import Conversation
from codex_mcp.bridge.events import Event
from codex_mcp.errors import CallerError
from codex_mcp.surfaces.client import Client
from codex_mcp.surfaces.handshake import Dialect, Handshake
from codex_mcp.surfaces.v1.listeners import Audience, Item
from codex_mcp.surfaces.v1.questions import Questions
from codex_mcp.wire.messages import JsonObject, RequestId


class Taker(Protocol):
    """The turn of a tool: it has its conversation's events and questions while it runs."""

    call_id: RequestId | None
    """The request of the client that waits for it, if one does."""

    @property
    def meta(self) -> JsonObject:
        """`_meta` of the events that are sent meanwhile."""

    def on_events(self, events: list[Event]) -> None: ...

    def ask(self, approval: Approval) -> None: ...

    def withdraw(self, approval: Approval) -> None: ...

    def on_denied(self, approval: Approval, because: str) -> None:
        """An approval was not given, and why."""


class Hearer(Protocol):
    """Hears of every conversation of the connection."""

    def on_events(self, conversation: Conversation, events: list[Event]) -> None: ...

    def on_closed(self, conversation_id: str) -> None:
        """It was put away."""


class Delivery:
    """One per connection."""

    def __init__(self, handshake: Handshake, client: Client, *, events: bool) -> None:
        """`events`: an MCP client gets `codex/event` without asking for it."""
        self._handshake = handshake
        self._client = client
        self._events = events
        self._questions = Questions(client)
        self._audiences: dict[str, Audience] = {}
        self._listeners: dict[str, Audience] = {}
        self._takers: dict[str, Taker] = {}
        self._hearers: list[Hearer] = []

    # -- who gets what

    def open(self, conversation: Conversation, *, of_tool: bool = False) -> None:
        """From now on the conversation's events have a place to go. `of_tool`: a tool begins or resumes it."""

        def deliver(item: Item) -> None:
            if isinstance(item, Event):
                self._send_event(conversation, item)
            else:
                self._questions.ask(item)

        wanted = self._events or self._handshake.wants_events
        implicit = self._handshake.dialect is Dialect.MCP and wanted
        self._audiences[conversation.id] = Audience(deliver, implicit, keep=not of_tool)

    def is_open(self, conversation: Conversation) -> bool:
        """Whether its events have a place to go here."""
        return conversation.id in self._audiences

    def add_listener(self, conversation: Conversation, *, raw_items: bool) -> str:
        """A listener of the documented interface; returns its subscription id. What waited for it goes out with
        `flush`, once the client knows the id."""
        audience = self._audiences[conversation.id]
        subscription = audience.add(raw_items=raw_items)
        self._listeners[subscription] = audience
        return subscription

    def flush(self, conversation: Conversation) -> None:
        """Send what waited for a listener."""
        self._audiences[conversation.id].flush()

    def remove_listener(self, subscription: str) -> None:
        """Raises CallerError if there is no such listener."""
        audience = self._listeners.pop(subscription, None)
        if audience is None or not audience.remove(subscription):
            raise CallerError(f"subscription not found: {subscription}", code="not_found")

    @contextmanager
    def take(self, conversation_id: str, taker: Taker) -> Iterator[None]:
        """`taker` has the conversation's questions and events while the block runs."""
        self._takers[conversation_id] = taker
        try:
            yield
        finally:
            if self._takers.get(conversation_id) is taker:
                del self._takers[conversation_id]

    def hear(self, hearer: Hearer) -> None:
        """Have `hearer` told of every conversation, for as long as the connection lasts."""
        self._hearers.append(hearer)

    # -- the outlet of conversations

    def emit(self, conversation: Conversation, events: list[Event]) -> None:
        audience = self._audiences[conversation.id]
        for event in events:
            audience.put(event)
        taker = self._takers.get(conversation.id)
        if taker is not None:
            taker.on_events(events)
        for hearer in self._hearers:
            hearer.on_events(conversation, events)

    def ask(self, approval: Approval) -> None:
        taker = self._takers.get(approval.conversation_id)
        if taker is None:
            self._audiences[approval.conversation_id].put(approval)
        else:
            taker.ask(approval)

    def withdraw(self, approval: Approval) -> None:
        taker = self._takers.get(approval.conversation_id)
        if taker is not None:
            taker.withdraw(approval)
        self._questions.withdraw(approval)
        self._audiences[approval.conversation_id].withdraw(approval)

    def refused(self, approval: Approval, because: str) -> None:
        taker = self._takers.get(approval.conversation_id)
        if taker is not None:
            taker.on_denied(approval, because)

    def closed(self, conversation: Conversation) -> None:
        audience = self._audiences.pop(conversation.id, None)
        self._listeners = {id: a for id, a in self._listeners.items() if a is not audience}
        for hearer in self._hearers:
            hearer.on_closed(conversation.id)

    def _send_event(self, conversation: Conversation, event: Event) -> None:
        params = {"id": event.id, "msg": event.msg, "conversationId": conversation.id}
        taker = self._takers.get(conversation.id)
        if taker is not None:
            self._client.notify("codex/event", {"_meta": taker.meta, **params}, about=taker.call_id)
            return
        mcp = self._handshake.dialect is Dialect.MCP
        self._client.notify("codex/event" if mcp else f"codex/event/{event.msg['type']}", params)
        if event.msg["type"] == "token_count":
            self._client.notify("account/rateLimits/updated", event.msg["rate_limits"])
