"""A client's session over HTTP as an endpoint: the streams of the SDK's transports carry its messages.

Messages are encoded here, once; the transport gets them as models whose JSON is there already.
"""

from __future__ import annotations

import json
import logging
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

import anyio
from mcp.shared.message import ServerMessageMetadata, SessionMessage
from mcp_types import JSONRPCError, JSONRPCNotification, JSONRPCResponse
from pydantic import PrivateAttr

from codex_mcp.logs import about as fields
from codex_mcp.surfaces.mcp.wording import shorten
from codex_mcp.wire import codec
from codex_mcp.wire.messages import ErrorResponse, RequestId, Response
from codex_mcp.wire.peer import HIGH_WATER, Endpoint, Observer

if TYPE_CHECKING:
    from codex_mcp.wire.messages import Message

log = logging.getLogger(__name__)

MESSAGE = "codex_mcp.message"
"""Key of a request's scope: the message in its body, decoded and checked."""

# Seconds for which a client that does not read holds back whoever writes to it.
_PATIENCE = 2.0
REQUEST_CANCELLED = -32800
_SHORTEST = 1000


class ReadStream(Protocol):
    """Of the SDK: what the client sends."""

    async def receive(self) -> SessionMessage | Exception: ...


class WriteStream(Protocol):
    """Of the SDK: what the client gets."""

    async def send(self, item: SessionMessage, /) -> None: ...

    async def aclose(self) -> None: ...


class _Notification(JSONRPCNotification):
    """A message of ours that no transport routes by its id: a notification, or a request."""

    _json: str = PrivateAttr(default="")

    def model_dump_json(self, **_: Any) -> str:
        return self._json


class _Response(JSONRPCResponse):
    _json: str = PrivateAttr(default="")

    def model_dump_json(self, **_: Any) -> str:
        return self._json


class _Error(JSONRPCError):
    _json: str = PrivateAttr(default="")

    def model_dump_json(self, **_: Any) -> str:
        return self._json


class SessionPeer(Endpoint):
    """One session. `run` it within the transport's `connect`."""

    def __init__(
        self,
        name: str,
        receive: ReadStream,
        send: WriteStream,
        *,
        max_event: int,
        max_backlog: int,
        several_streams: bool,
        observer: Observer | None = None,
    ) -> None:
        """`name` is for logs. `max_event`: bytes of a message, longer texts in it are cut. `max_backlog`: bytes that
        may wait for the client; with more it is let go. `several_streams`: each request has one."""
        super().__init__(jsonrpc=True, observer=observer)
        self._name = name
        self._receive = receive
        self._send = send
        self._max_event = max_event
        self._max_backlog = max_backlog
        self._several_streams = several_streams
        self._queue: deque[tuple[SessionMessage, int]] = deque()
        self._queued = 0
        self._moved = 0.0
        """When the client took something, last."""
        self._writable = anyio.Event()

    async def read(self) -> None:
        while True:
            item = await self._receive.receive()
            if isinstance(item, Exception):
                log.warning("a request of a client failed", exc_info=item, extra=fields(session=self._name))
            elif isinstance(item.metadata, ServerMessageMetadata):
                self.accept(item.metadata.request_context.scope[MESSAGE])

    async def write_out(self) -> None:
        try:
            while self._queue or not self._closed:
                if not self._queue:
                    self._wakeup = anyio.Event()
                    await self._wakeup.wait()
                    continue
                message, size = self._queue.popleft()
                await self._send.send(message)
                self.sent += 1
                self._queued -= size
                self._moved = anyio.current_time()
                if self._queued <= HIGH_WATER:
                    self._writable.set()
        finally:
            self._queue.clear()
            self._queued = 0
            self._writable.set()

    def transmit(self, message: Message, about: RequestId | None = None) -> None:
        if self._closed:
            return
        line = self._encode(message)
        if not self._queued:
            self._moved = anyio.current_time()
        self._queue.append((_enveloped(message, line, about), len(line)))
        self._queued += len(line)
        self._wakeup.set()
        if self._queued > self._max_backlog:
            log.warning("a client that does not read is let go", extra=fields(session=self._name))
            self.broken = True
            self._reading.cancel()
            self.close()
            self._queue.clear()

    def _encode(self, message: Message) -> bytes:
        line = codec.encode_message(message, jsonrpc=True)
        longest = self._max_event // 4
        while len(line) > self._max_event and longest > _SHORTEST:
            log.info("a message was shortened", extra=fields(session=self._name, bytes=len(line)))
            line = codec.encode(_cut(json.loads(line), longest))
            longest //= 4
        return line

    def left_unanswered(self, id: RequestId) -> None:
        """The stream of a request ends with an answer only."""
        if self._several_streams:
            self.transmit(ErrorResponse(id, {"code": REQUEST_CANCELLED, "message": "Request cancelled"}), id)

    async def hang_up(self) -> None:
        """Its streams are the transport's to close."""

    async def writable(self) -> None:
        """Wait until less than the high-water mark is queued; not for a client that has stopped to read."""
        while self._queued > HIGH_WATER and not self._closed:
            left = self._moved + _PATIENCE - anyio.current_time()
            if left <= 0:
                return
            self._writable = anyio.Event()
            with anyio.move_on_after(left):
                await self._writable.wait()


def _enveloped(message: Message, line: bytes, about: RequestId | None) -> SessionMessage:
    model: _Notification | _Response | _Error
    if isinstance(message, Response):
        model = _Response.model_construct(id=message.id)
    elif isinstance(message, ErrorResponse):
        model = _Error.model_construct(id=message.id)
    else:
        model = _Notification.model_construct()
    model._json = line[:-1].decode()
    return SessionMessage(model, metadata=ServerMessageMetadata(related_request_id=about))


def _cut(value: Any, longest: int) -> Any:
    """The value with every text in it cut to `longest` characters, and a note of what was left out."""
    if isinstance(value, str):
        return shorten(value, longest)
    if isinstance(value, dict):
        return {key: _cut(item, longest) for key, item in value.items()}
    if isinstance(value, list):
        return [_cut(item, longest) for item in value]
    return value
