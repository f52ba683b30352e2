"""What was sent lately on the streams of a session, for a client whose connection broke (`Last-Event-ID`).

Bounded: what is older is gone. Events of a turn (`codex/event`) are not kept, the thread has them; answers, questions,
progress and log messages are.
"""

from __future__ import annotations

import re
from collections import deque
from urllib.parse import quote, unquote

from mcp.server.streamable_http import EventCallback, EventMessage, EventStore
from mcp_types import JSONRPCError, JSONRPCMessage, JSONRPCResponse

_ID = re.compile(r"(\d{1,15})\.(.+)")
_MAX_EVENTS = 1000
_PASSING = '{"jsonrpc":"2.0","method":"codex/event"'


class RecentEvents(EventStore):
    """Of one session. An event's id is its number and its stream."""

    def __init__(self, limit: int) -> None:
        """`limit`: bytes that are kept."""
        self._limit = limit
        self._size = 0
        self._number = 0
        self._kept: deque[tuple[int, str, JSONRPCMessage, int]] = deque()

    async def store_event(self, stream_id: str, message: JSONRPCMessage | None) -> str:
        self._number += 1
        if message is not None:
            text = message.model_dump_json(by_alias=True, exclude_unset=True)
            if not text.startswith(_PASSING):
                self._kept.append((self._number, stream_id, message, len(text)))
                self._size += len(text)
        while self._kept and (self._size > self._limit or len(self._kept) > _MAX_EVENTS):
            self._size -= self._kept.popleft()[3]
        return f"{self._number}.{quote(stream_id, safe='')}"

    async def replay_events_after(self, last_event_id: str, send_callback: EventCallback) -> str | None:
        """Send what came on the same stream after that event. None: nothing more comes on it."""
        parts = _ID.fullmatch(last_event_id)
        if parts is None:
            return None
        last, stream = int(parts[1]), unquote(parts[2])
        if last > self._number:
            return None
        for number, of, message, _ in list(self._kept):
            if of == stream and number > last:
                await send_callback(EventMessage(message, f"{number}.{quote(stream, safe='')}"))
                if isinstance(message, JSONRPCResponse | JSONRPCError):
                    return None
        return stream
