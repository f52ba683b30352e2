"""One side of a JSON-RPC connection: the client side and the engine side of the server are two of these.

`Endpoint` is all of it but what carries the messages; `Peer` carries them as lines over two byte streams.

What holds here, whatever the messages mean:

* Messages are handed to the handler one by one, in order of arrival, on the event loop. A handler does what
  must be ordered before it returns, and starts a task for the rest (`IncomingCall.start`).
* What is sent leaves in the order in which it was given; sending never blocks and never fails.
* A writer of its own drains the outgoing queue, so a reader that stalls on the other side never stops this
  side from reading. Whoever produces without end waits for `writable` first.
* Every request of ours ends: with a result, an `RpcError`, or `PeerClosed`. Every request of theirs is
  answered at most once.
"""

from __future__ import annotations

import itertools
import re
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, Protocol

import anyio
from anyio.abc import ByteReceiveStream, ByteSendStream, TaskGroup

from codex_mcp.wire import codec
from codex_mcp.wire.errors import INVALID_REQUEST, PARSE_ERROR, PeerClosed, RpcError
from codex_mcp.wire.framing import MAX_LINE, LineDecoder, LineTooLong
from codex_mcp.wire.messages import (
    Batch,
    ErrorResponse,
    MalformedMessage,
    Notification,
    Request,
    RequestId,
    Response,
)

if TYPE_CHECKING:
    from codex_mcp.wire.messages import Message

# Bytes that may wait for a reader that stalls before producers are asked to wait.
HIGH_WATER = 1024 * 1024
_SLICE = 256 * 1024  # bytes sent in one piece: small enough to see whether the other side still reads
_STALL = 0.3  # seconds without progress after which a reader counts as gone

# How the answer to a request of ours begins, if the other side writes the id first.
_ANSWER_HEAD = re.compile(rb'\s*\{\s*(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?"id"\s*:\s*(\d{1,18})\s*,')


class Observer(Protocol):
    """Sees every message of a connection as data, on its way in and out. What it returns takes the message's place."""

    def incoming(self, message: Message) -> Message: ...

    def outgoing(self, message: Message) -> Message: ...


class Handler(Protocol):
    """What the owner of a peer does with the messages of the other side. All calls are synchronous."""

    def on_request(self, call: IncomingCall) -> None:
        """Answer `call` now, or start a task that will."""

    def on_notification(self, method: str, params: Any) -> None: ...

    def on_malformed(self, fault: MalformedMessage) -> None:
        """A line that is no message. The connection goes on."""

    def on_bug(self, error: Exception) -> None:
        """`on_notification` raised. The connection goes on."""

    def to_rpc_error(self, error: Exception) -> RpcError:
        """What an exception of a call means to the other side. Called for everything but RpcError."""


class IncomingCall:
    """A request of the other side, from its arrival to its answer."""

    __slots__ = ("_after", "_peer", "_scope", "answered", "id", "jsonrpc", "method", "params")

    def __init__(self, peer: Endpoint, request: Request) -> None:
        self._peer = peer
        self._scope: anyio.CancelScope | None = None
        self.id = request.id
        self.method = request.method
        self.params = request.params
        self.jsonrpc = request.jsonrpc
        self.answered = False

    def respond(self, result: Any) -> None:
        """Send the result. Later answers of the same call are ignored."""
        if not self.answered:
            self._close()
            self._peer.send(Response(self.id, result), about=self.id)

    def fail(self, error: RpcError) -> None:
        """Send the error. Later answers of the same call are ignored."""
        if not self.answered:
            self._close()
            self._peer.send(ErrorResponse(self.id, error.to_json()), about=self.id)

    def start(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run `work` as a task. What it returns or raises is the answer, unless one was given before."""
        self._peer.tasks.start_soon(self._run, work)

    def withdraw(self) -> None:
        """The other side cancelled the request: stop the work, send no answer."""
        if not self.answered:
            self._close()
            self._peer.left_unanswered(self.id)
        if self._scope is not None:
            self._scope.cancel()

    async def _run(self, work: Coroutine[Any, Any, Any]) -> None:
        with anyio.CancelScope() as self._scope:
            if self.answered:  # withdrawn before the task began
                work.close()
                return
            try:
                self.respond(await work)
            except RpcError as error:
                self.fail(error)
            except Exception as error:
                self.fail(self._peer.handler.to_rpc_error(error))

    def _close(self) -> None:
        self.answered = True
        self._peer.forget(self.id)


class _Outgoing:
    """A request of ours that waits for its answer."""

    __slots__ = ("done", "error", "on_result", "result")

    def __init__(self, on_result: Callable[[Any], None] | None) -> None:
        self.on_result = on_result
        self.done = anyio.Event()
        self.result: Any = None
        self.error: Exception | None = None

    def succeed(self, result: Any) -> None:
        self.result = result
        if self.on_result is not None:
            try:
                self.on_result(result)
            except Exception as error:
                self.error = error
        self.done.set()

    def fail(self, error: Exception) -> None:
        self.error = error
        self.done.set()


class Endpoint(ABC):
    """One side of a connection, whatever carries its messages. `run` it; until then nothing is read or written."""

    def __init__(self, *, jsonrpc: bool, observer: Observer | None = None) -> None:
        """`jsonrpc`: send the `jsonrpc` member. `observer` sees messages, and may change them."""
        self.jsonrpc = jsonrpc
        self.handler: Handler
        """Who gets the messages, while `run` runs."""
        self.tasks: TaskGroup
        """Runs the calls of the other side, while `run` runs."""
        self.broken = False
        """The other side no longer takes what is sent."""
        self._observer = observer
        self._reading = anyio.CancelScope()
        self._ids = itertools.count()
        self._outgoing: dict[RequestId, _Outgoing] = {}
        self._incoming: dict[RequestId, IncomingCall] = {}
        self._idle = anyio.Event()
        self._wakeup = anyio.Event()
        self._flushed = anyio.Event()
        self._closed = False
        self._ended = False
        self.answers_only = False
        """Send no notifications: the other side only waits for what it asked for."""
        self.sent = 0
        """Counts what the other side has taken, which tells whether it still reads."""

    # -- what carries the messages

    @abstractmethod
    async def read(self) -> None:
        """Hand what comes to `accept`, until the other side ends its stream."""

    @abstractmethod
    async def write_out(self) -> None:
        """Send what `transmit` has queued, until the endpoint is closed and nothing is left, or nobody takes it."""

    @abstractmethod
    def transmit(self, message: Message, about: RequestId | None = None) -> None:
        """Queue a message. `about`: the request of the other side that it belongs to, for connections that have a
        stream for each."""

    @abstractmethod
    async def hang_up(self) -> None:
        """Close the outgoing stream: the other side sees the end of its input."""

    @abstractmethod
    async def writable(self) -> None:
        """Wait until the outgoing queue is below its high-water mark (or the connection is gone)."""

    @abstractmethod
    def left_unanswered(self, id: RequestId) -> None:
        """A request of the other side was withdrawn and gets no answer: end what waits for one."""

    # -- its life

    async def run(
        self,
        handler: Handler,
        linger: Callable[[], Awaitable[None]] | None = None,
        patience: float | None = 1.5,
    ) -> None:
        """Hand what comes to `handler`, until the other side ends its stream or no longer takes ours.

        Then, with calls in flight still being worked on, await `linger`; send what is queued; cancel the calls that
        are left. A reader that takes nothing any more is waited for until `patience` seconds after the end of the
        stream (`None`: however long it takes).
        """
        self.handler = handler
        async with anyio.create_task_group() as self.tasks:
            self.tasks.start_soon(self._write_out)
            with anyio.CancelScope() as self._reading:
                await self._read()
            ended = anyio.current_time()
            if linger is not None:
                await linger()
            self.close()
            await self._flush(None if patience is None else ended + patience)
            self.tasks.cancel_scope.cancel()

    async def _flush(self, until: float | None) -> None:
        while not self._flushed.is_set():
            before = self.sent
            with anyio.move_on_after(None if until is None else max(until - anyio.current_time(), _STALL)):
                await self._flushed.wait()
            if self.sent == before:
                return

    def stop_reading(self) -> None:
        """Take nothing more: `run` goes on as at the end of the other side's stream."""
        self._reading.cancel()

    async def _read(self) -> None:
        try:
            await self.read()
        except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass
        finally:
            self._ended = True
            self._end_outgoing()

    async def _write_out(self) -> None:
        try:
            await self.write_out()
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            self.broken = True
            self._reading.cancel()
            self.close()
        self._flushed.set()

    def close(self) -> None:
        """Send nothing more than what is queued; requests of ours that are open fail with PeerClosed."""
        self._closed = True
        self._wakeup.set()
        self._end_outgoing()

    async def calls_done(self) -> None:
        """Wait until no request of the other side is in flight."""
        while self._incoming:
            if self._idle.is_set():
                self._idle = anyio.Event()
            await self._idle.wait()

    def incoming(self, id: RequestId) -> IncomingCall | None:
        """The request of the other side with that id, if it is still in flight."""
        return self._incoming.get(id)

    def send(self, message: Message, about: RequestId | None = None) -> None:
        """The one way out; `about`: see `transmit`."""
        if self._observer is not None:
            message = self._observer.outgoing(message)
        self.transmit(message, about)

    def spawn(self, work: Callable[..., Coroutine[Any, Any, Any]], *arguments: Any) -> None:
        """Run something for as long as the connection lasts."""
        self.tasks.start_soon(work, *arguments)

    def notify(self, method: str, params: Any = None, *, about: RequestId | None = None) -> None:
        if not self.answers_only:
            self.send(Notification(method, params), about)

    def fail_unidentified(self, error: RpcError) -> None:
        """Report an error that belongs to no request (`id` null)."""
        self.transmit(ErrorResponse(None, error.to_json()))

    def begin(
        self,
        method: str,
        params: Any,
        on_result: Callable[[Any], None] | None = None,
        *,
        about: RequestId | None = None,
    ) -> PendingCall:
        """Send a request now. `on_result` is called with the result in the order of the stream, before any
        message that arrived after it is looked at; what it raises, the waiter gets."""
        id = next(self._ids)
        outgoing = _Outgoing(on_result)
        if self._closed or self._ended:
            outgoing.fail(PeerClosed("the connection is closed"))
        else:
            self._outgoing[id] = outgoing
            self.send(Request(id, method, params), about)
        return PendingCall(self, id, outgoing)

    def expect(self, id: RequestId) -> PendingCall:
        """The answer to a request of ours that was written before this peer was there. Call it before `run`."""
        outgoing = self._outgoing[id] = _Outgoing(None)
        return PendingCall(self, id, outgoing)

    async def request(
        self,
        method: str,
        params: Any,
        on_result: Callable[[Any], None] | None = None,
        on_late: Callable[[Any], None] | None = None,
    ) -> Any:
        """Send a request and wait for its result. Raises RpcError or PeerClosed. See `begin` and `PendingCall`."""
        return await self.begin(method, params, on_result).result(on_late)

    def forget(self, id: RequestId) -> None:
        self._incoming.pop(id, None)
        if not self._incoming:
            self._idle.set()

    def drop(self, id: RequestId, on_late: Callable[[Any], None] | None = None) -> None:
        """Forget a request of ours: its result, should it come, is `on_late`'s, or nobody's."""
        outgoing = self._outgoing.pop(id, None)
        if outgoing is not None and on_late is not None:
            self._outgoing[id] = _Outgoing(on_late)

    def accept(self, message: Message) -> None:
        """The next message of the other side."""
        if self._observer is not None:
            message = self._observer.incoming(message)
        if isinstance(message, Notification):
            try:
                self.handler.on_notification(message.method, message.params)
            except Exception as error:
                self.handler.on_bug(error)
        elif isinstance(message, Request):
            self._on_request(message)
        else:
            self._on_answer(message)

    def _on_request(self, request: Request) -> None:
        call = IncomingCall(self, request)
        if request.id in self._incoming:
            reason = f"request id {request.id!r} is already used by a request in flight"
            self.send(ErrorResponse(request.id, RpcError(INVALID_REQUEST, reason).to_json()), request.id)
            return
        self._incoming[request.id] = call
        try:
            self.handler.on_request(call)
        except RpcError as error:
            call.fail(error)
        except Exception as error:
            call.fail(self.handler.to_rpc_error(error))

    def _on_answer(self, answer: Response | ErrorResponse) -> None:
        outgoing = None if answer.id is None else self._outgoing.pop(answer.id, None)
        if outgoing is None:  # late, doubled or never asked
            return
        if isinstance(answer, Response):
            outgoing.succeed(answer.result)
        else:
            outgoing.fail(RpcError.from_json(answer.error))

    def _end_outgoing(self) -> None:
        outgoing, self._outgoing = self._outgoing, {}
        for call in outgoing.values():
            call.fail(PeerClosed("the connection ended before the answer came"))


class Peer(Endpoint):
    """An endpoint whose messages are lines over two byte streams."""

    def __init__(
        self,
        receive: ByteReceiveStream,
        send: ByteSendStream,
        *,
        jsonrpc: bool,
        max_line: int = MAX_LINE,
        takes_batches: Callable[[], bool] = lambda: False,
        before_read: Callable[[], Awaitable[None]] | None = None,
        trace: Callable[[str, bytes], None] | None = None,
        observer: Observer | None = None,
    ) -> None:
        """`before_read` is awaited before each read: back-pressure. `trace` sees every line as it is on the wire: `<`
        and what came, `>` and what goes. `takes_batches`: whether batches are served, or malformed. The others: see
        `Endpoint`."""
        super().__init__(jsonrpc=jsonrpc, observer=observer)
        self._receive = receive
        self._send = send
        self._before_read = before_read
        self._trace = trace
        self._takes_batches = takes_batches
        self._batches: dict[RequestId, list[_AnswerBatch]] = {}
        """Where the answers to requests of batches go."""
        self.lines = 0
        """Counts what came from the other side."""
        self._decoder = LineDecoder(max_line)
        self._queue: list[bytes] = []
        self._queued = 0
        self._writable = anyio.Event()

    async def read(self) -> None:
        try:
            while True:
                if self._before_read is not None:
                    await self._before_read()
                for line in self._decoder.feed(await self._receive.receive()):
                    self._on_line(line)
        except anyio.EndOfStream:
            for line in self._decoder.finish():
                self._on_line(line)

    async def write_out(self) -> None:
        try:
            while self._queue or not self._closed:
                if not self._queue:
                    self._wakeup = anyio.Event()
                    await self._wakeup.wait()
                    continue
                data = b"".join(self._queue)
                self._queue.clear()
                for start in range(0, len(data), _SLICE):
                    piece = data[start : start + _SLICE]
                    await self._send.send(piece)
                    self.sent += len(piece)
                    self._queued -= len(piece)
                    if self._queued <= HIGH_WATER:
                        self._writable.set()
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            self._queue.clear()
            self._queued = 0
            self._writable.set()
            raise

    async def hang_up(self) -> None:
        await self._send.aclose()

    async def writable(self) -> None:
        while self._queued > HIGH_WATER and not self._closed:
            if self._writable.is_set():
                self._writable = anyio.Event()
            await self._writable.wait()

    def close(self) -> None:
        super().close()
        self._writable.set()

    def notify(self, method: str, params: Any = None, *, about: RequestId | None = None) -> None:
        if self._observer is not None:
            super().notify(method, params, about=about)
        elif not self.answers_only:  # the hot path
            self.write(codec.encode_notification(method, params, jsonrpc=self.jsonrpc))

    def transmit(self, message: Message, about: RequestId | None = None) -> None:
        line = codec.encode_message(message, jsonrpc=self.jsonrpc)
        if self._batches and isinstance(message, Response | ErrorResponse) and self._answer_in_batch(message.id, line):
            return
        self.write(line)

    def left_unanswered(self, id: RequestId) -> None:
        """On lines only batches wait for answers."""
        self._answer_in_batch(id, b"")

    def _answer_in_batch(self, id: RequestId | None, answer: bytes) -> bool:
        """Put an answer into the batch that the request came in; whether it came in one. Empty: there is none."""
        batches = None if id is None else self._batches.get(id)
        if not batches:
            return False
        if whole := batches.pop(0).add(answer):
            self.write(whole)
        if not batches:
            assert id is not None
            del self._batches[id]
        return True

    def write(self, data: bytes) -> None:
        """Queue bytes of whole lines, as they are."""
        if not self._closed:
            if self._trace is not None:
                self._trace(">", data)
            self._queue.append(data)
            self._queued += len(data)
            self._wakeup.set()

    def _on_line(self, line: bytes | LineTooLong) -> None:
        self.lines += 1
        if isinstance(line, LineTooLong):
            self._on_long_line(line)
            return
        if self._trace is not None:
            self._trace("<", line)
        try:
            message = codec.decode(line)
        except Batch as batch:
            if self._takes_batches():
                self._on_batch(batch)
            else:
                self.handler.on_malformed(batch)
        except MalformedMessage as fault:
            self.handler.on_malformed(fault)
        else:
            self.accept(message)

    def _on_long_line(self, line: LineTooLong) -> None:
        fault = MalformedMessage(PARSE_ERROR, f"a line is longer than {line.limit} bytes")
        head = _ANSWER_HEAD.match(line.head)
        outgoing = None if head is None else self._outgoing.pop(int(head[1]), None)
        if outgoing is None:
            self.handler.on_malformed(fault)
        else:
            outgoing.fail(fault)

    def _on_batch(self, batch: Batch) -> None:
        wanted = [entry for entry in batch.entries if isinstance(entry, Request | MalformedMessage)]
        answers = _AnswerBatch(len(wanted))
        for request in wanted:
            if isinstance(request, Request):
                self._batches.setdefault(request.id, []).append(answers)
        for entry in batch.entries:
            if not isinstance(entry, MalformedMessage):
                self.accept(entry)
                continue
            error = RpcError(entry.code, entry.reason)
            if whole := answers.add(codec.encode_error(None, error, jsonrpc=self.jsonrpc)):
                self.write(whole)


class _AnswerBatch:
    """The answers to a batch, which leave together."""

    def __init__(self, expected: int) -> None:
        self._missing = expected
        self._answers: list[bytes] = []

    def add(self, answer: bytes) -> bytes:
        """Take an answer, empty if there is none. The line of all of them, when it was the last and there are any."""
        if answer:
            self._answers.append(answer.rstrip())
        self._missing -= 1
        return b"" if self._missing or not self._answers else b"[" + b",".join(self._answers) + b"]\n"


class PendingCall:
    """A request of ours that was sent."""

    __slots__ = ("_outgoing", "_peer", "id")

    def __init__(self, peer: Endpoint, id: RequestId, outgoing: _Outgoing) -> None:
        self._peer = peer
        self._outgoing = outgoing
        self.id = id

    async def result(self, on_late: Callable[[Any], None] | None = None) -> Any:
        """Wait for the answer. Raises RpcError, PeerClosed, or MalformedMessage for an answer that is too long. A
        waiter that is cancelled gives the answer up; a result that comes all the same is `on_late`'s."""
        try:
            await self._outgoing.done.wait()
        finally:
            self._peer.drop(self.id, on_late)
        if self._outgoing.error is not None:
            raise self._outgoing.error
        return self._outgoing.result
