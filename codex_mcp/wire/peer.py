"""One side of a JSON-RPC connection: the client side and the engine side of the server are two of these.

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
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, Protocol

import anyio
from anyio.abc import ByteReceiveStream, ByteSendStream, TaskGroup

from codex_mcp.wire import codec
from codex_mcp.wire.errors import INVALID_REQUEST, PARSE_ERROR, PeerClosed, RpcError
from codex_mcp.wire.framing import MAX_LINE, LineDecoder, LineTooLong
from codex_mcp.wire.messages import ErrorResponse, MalformedMessage, Notification, Request, RequestId, Response

if TYPE_CHECKING:
    from codex_mcp.wire.messages import Message

# Bytes that may wait for a reader that stalls before producers are asked to wait.
HIGH_WATER = 1024 * 1024


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

    def __init__(self, peer: Peer, request: Request) -> None:
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
        self._close()
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


class Peer:
    """One side of a connection over two byte streams. `run` it; until then nothing is read or written."""

    def __init__(
        self,
        receive: ByteReceiveStream,
        send: ByteSendStream,
        *,
        jsonrpc: bool,
        max_line: int = MAX_LINE,
        before_read: Callable[[], Awaitable[None]] | None = None,
        trace: Callable[[str, bytes], None] | None = None,
        observer: Observer | None = None,
    ) -> None:
        """`jsonrpc`: send the `jsonrpc` member. `before_read` is awaited before each read: back-pressure.

        `trace` sees every line as it is on the wire: `<` and what came, `>` and what goes; `observer` sees messages,
        and may change them.
        """
        self.jsonrpc = jsonrpc
        self.handler: Handler
        """Who gets the messages, while `run` runs."""
        self.tasks: TaskGroup
        """Runs the calls of the other side, while `run` runs."""
        self._reading = anyio.CancelScope()
        self._receive = receive
        self._send = send
        self._before_read = before_read
        self._trace = trace
        self._observer = observer
        self._decoder = LineDecoder(max_line)
        self._ids = itertools.count()
        self._outgoing: dict[RequestId, _Outgoing] = {}
        self._incoming: dict[RequestId, IncomingCall] = {}
        self._queue: list[bytes] = []
        self._queued = 0
        self._wakeup = anyio.Event()
        self._writable = anyio.Event()
        self._idle = anyio.Event()
        self._flushed = anyio.Event()
        self._closed = False
        self.broken = False
        """The other side no longer takes what is sent."""

    async def run(
        self,
        handler: Handler,
        linger: Callable[[], Awaitable[None]] | None = None,
        flush_limit: float | None = 2.0,
    ) -> None:
        """Hand what comes to `handler`, until the other side ends its stream or no longer takes ours.

        Then, with calls in flight still being worked on, await `linger`; send what is queued, for at most
        `flush_limit` seconds (`None`: however long it takes); cancel the calls that are left.
        """
        self.handler = handler
        async with anyio.create_task_group() as self.tasks:
            self.tasks.start_soon(self._write_out)
            with anyio.CancelScope() as self._reading:
                await self._read()
            if linger is not None:
                await linger()
            self.close()
            with anyio.move_on_after(flush_limit):
                await self._flushed.wait()
            self.tasks.cancel_scope.cancel()

    async def _read(self) -> None:
        try:
            while True:
                if self._before_read is not None:
                    await self._before_read()
                for line in self._decoder.feed(await self._receive.receive()):
                    self._on_line(line)
        except anyio.EndOfStream:
            for line in self._decoder.finish():
                self._on_line(line)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass
        finally:
            self._end_outgoing()

    async def _write_out(self) -> None:
        try:
            while self._queue or not self._closed:
                if not self._queue:
                    self._wakeup = anyio.Event()
                    await self._wakeup.wait()
                    continue
                data = b"".join(self._queue)
                self._queue.clear()
                await self._send.send(data)
                self._queued -= len(data)
                if self._queued <= HIGH_WATER:
                    self._writable.set()
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            self.broken = True
            self._queue.clear()
            self._queued = 0
            self._writable.set()
            self._reading.cancel()
            self.close()
        self._flushed.set()

    def close(self) -> None:
        """Send nothing more than what is queued; requests of ours that are open fail with PeerClosed."""
        self._closed = True
        self._wakeup.set()
        self._end_outgoing()

    async def hang_up(self) -> None:
        """Close the outgoing stream: the other side sees the end of its input."""
        await self._send.aclose()

    async def writable(self) -> None:
        """Wait until the outgoing queue is below its high-water mark (or the connection is gone)."""
        while self._queued > HIGH_WATER and not self._closed:
            self._writable = anyio.Event()
            await self._writable.wait()

    async def calls_done(self) -> None:
        """Wait until no request of the other side is in flight."""
        while self._incoming:
            self._idle = anyio.Event()
            await self._idle.wait()

    def incoming(self, id: RequestId) -> IncomingCall | None:
        """The request of the other side with that id, if it is still in flight."""
        return self._incoming.get(id)

    def send(self, message: Message, about: RequestId | None = None) -> None:
        """The one way out. `about`: the request of the other side that the message belongs to; connections with
        several streams choose one by it."""
        if self._observer is not None:
            message = self._observer.outgoing(message)
        self.write(codec.encode_message(message, jsonrpc=self.jsonrpc), about)

    def spawn(self, work: Callable[..., Coroutine[Any, Any, Any]], *arguments: Any) -> None:
        """Run something for as long as the connection lasts."""
        self.tasks.start_soon(work, *arguments)

    def notify(self, method: str, params: Any = None, *, about: RequestId | None = None) -> None:
        if self._observer is not None:
            self.send(Notification(method, params), about)
        else:  # the hot path
            self.write(codec.encode_notification(method, params, jsonrpc=self.jsonrpc), about)

    def fail_unidentified(self, error: RpcError) -> None:
        """Report an error that belongs to no request (`id` null)."""
        self.write(codec.encode_error(None, error, jsonrpc=self.jsonrpc))

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
        if self._closed:
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

    def write(self, data: bytes, about: RequestId | None = None) -> None:
        """Queue bytes of whole lines, as they are."""
        if not self._closed:
            if self._trace is not None:
                self._trace(">", data)
            self._queue.append(data)
            self._queued += len(data)
            self._wakeup.set()

    def forget(self, id: RequestId) -> None:
        self._incoming.pop(id, None)
        if not self._incoming:
            self._idle.set()

    def drop(self, id: RequestId, on_late: Callable[[Any], None] | None = None) -> None:
        """Forget a request of ours: its result, should it come, is `on_late`'s, or nobody's."""
        outgoing = self._outgoing.pop(id, None)
        if outgoing is not None and on_late is not None:
            self._outgoing[id] = _Outgoing(on_late)

    def _on_line(self, line: bytes | LineTooLong) -> None:
        if isinstance(line, LineTooLong):
            self.handler.on_malformed(MalformedMessage(PARSE_ERROR, f"a line is longer than {line.limit} bytes"))
            return
        if self._trace is not None:
            self._trace("<", line)
        try:
            message = codec.decode(line)
        except MalformedMessage as fault:
            self.handler.on_malformed(fault)
            return
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
        outgoing = self._outgoing.pop(answer.id, None)
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


class PendingCall:
    """A request of ours that was sent."""

    __slots__ = ("_outgoing", "_peer", "id")

    def __init__(self, peer: Peer, id: RequestId, outgoing: _Outgoing) -> None:
        self._peer = peer
        self._outgoing = outgoing
        self.id = id

    async def result(self, on_late: Callable[[Any], None] | None = None) -> Any:
        """Wait for the answer. Raises RpcError or PeerClosed. A waiter that is cancelled gives the answer up; a
        result that comes all the same is `on_late`'s."""
        try:
            await self._outgoing.done.wait()
        finally:
            self._peer.drop(self.id, on_late)
        if self._outgoing.error is not None:
            raise self._outgoing.error
        return self._outgoing.result
