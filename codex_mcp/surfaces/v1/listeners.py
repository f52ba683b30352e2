"""Who gets the events of a conversation, and what waits while nobody does.

A conversation has one queue. With a listener everything goes out at once, each event exactly once whatever the
number of listeners; without one, events and questions wait in order for the next. In the MCP dialect a conversation
is listened to from the start (`implicit`), until the first listener of its own takes over. What nobody would miss
(the events of an MCP tool, whose caller gets the result) is dropped instead of kept.
"""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from codex_mcp.bridge.approvals import Approval
from codex_mcp.bridge.events import Event

Item: TypeAlias = Event | Approval


@dataclass
class Audience:
    """The listeners of one conversation. `deliver` is called for each item that goes out, in order."""

    deliver: Callable[[Item], None]
    implicit: bool
    keep: bool = True
    """Without a listener, keep what comes for the next one."""
    _raw: dict[str, bool] = field(default_factory=dict)
    _waiting: deque[Item] = field(default_factory=deque)

    @property
    def listening(self) -> bool:
        return self.implicit or bool(self._raw)

    def add(self, *, raw_items: bool) -> str:
        """A new listener; what waited goes to it by `flush`. Returns its subscription id."""
        subscription = str(uuid.uuid4())
        self._raw[subscription] = raw_items
        self.implicit = False
        return subscription

    def remove(self, subscription: str) -> bool:
        """False if there is no such listener."""
        return self._raw.pop(subscription, None) is not None

    def put(self, item: Item) -> None:
        """Deliver, or keep for the next listener."""
        if not self.listening:
            if self.keep or isinstance(item, Approval):
                self._waiting.append(item)
        elif isinstance(item, Approval) or item.msg["type"] != "raw_response_item" or any(self._raw.values()):
            self.deliver(item)

    def flush(self) -> None:
        """Deliver what waited."""
        waiting, self._waiting = self._waiting, deque()
        for item in waiting:
            self.put(item)

    def withdraw(self, approval: Approval) -> None:
        """The question needs no answer any more; if it still waits, it is never put."""
        if approval in self._waiting:
            self._waiting.remove(approval)
