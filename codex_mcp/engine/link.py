"""The connection to one engine process: handshake, requests, and what comes back, in order.

An `EngineLink` lives as long as its process. `supervisor` makes a new one when a process ended.
"""

from __future__ import annotations

import logging
import re
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol

import anyio
from anyio.abc import ByteReceiveStream

from codex_mcp.engine.launch import EngineProcess
from codex_mcp.engine.locate import OLDEST, EngineBinary, EngineUnfit, install_advice
from codex_mcp.engine.opening import OPENING_ID
from codex_mcp.engine.origin import ORIGIN, Origin
from codex_mcp.errors import CallerError, EngineError, EngineUnavailable
from codex_mcp.logs import about
from codex_mcp.redaction import redact
from codex_mcp.wire.errors import INTERNAL_ERROR, PeerClosed, RpcError
from codex_mcp.wire.fd_streams import FdReceiveStream, FdSendStream
from codex_mcp.wire.framing import LineDecoder
from codex_mcp.wire.messages import JsonObject, MalformedMessage
from codex_mcp.wire.peer import IncomingCall, Observer, Peer
from codex_mcp.wire.pipes import PipeReceiveStream

log = logging.getLogger(__name__)

_HANDSHAKE_LIMIT = 20.0  # seconds; a first start from a cold disk takes about one
_REQUEST_LIMIT = 120.0  # seconds; the longest is thread/start, which waits for MCP servers that are `required`
_LAST_WORDS_LIMIT = 0.2  # seconds from the end of its output to the end of its stderr
_FIRST_LINES = 6  # of its stderr that are kept, for an engine that ends at once
_MAX_IN_FLIGHT = 64  # requests; the engine queues 128 messages, then refuses and loses what else comes
_MAX_SLOW = 48  # of them; the rest is for what a conversation waits for
_PROMPT = ("turn/start", "turn/steer", "turn/interrupt")
_QUIET = 5.0  # seconds with an open request and without a word of the engine, until it is asked whether it is there
_PROBE_LIMIT = 8.0  # seconds that it has to say anything at all: together less than a message waits
_PROBE = "thread/loaded/list"  # answered from memory, in a millisecond
_MAX_DEPTH = 120  # levels of nesting; the engine's JSON reader drops a line with 128
_MAX_BITS = 1000  # of an integer; the engine's JSON reader drops a line with one that no double can hold
_FIRST_LINES = 4  # of stderr: the reason why an engine does not start stands before what follows from it
_LAST_LINES = 8
_EXIT_LIMIT = 0.5  # seconds from the end of its input to the engine's exit, which takes 0.02 to 0.1


class EngineRefusal(EngineError):
    """The engine answered a request with an error. `rpc_code` is the engine's: -32600 means the request was wrong."""

    code = "engine_refused"

    def __init__(self, error: RpcError) -> None:
        super().__init__(error.message)
        self.rpc_code = error.code
        self.data = error.data


class EngineLost(EngineError):
    """The engine ended, or stopped answering, before it answered."""

    code = "engine_lost"


class EngineListener(Protocol):
    """Who is told what the engine says. Called in the order of its stream; must not block."""

    def on_engine_notification(self, method: str, params: JsonObject) -> None: ...

    def on_engine_request(self, call: IncomingCall) -> None: ...

    def on_engine_lost(self, reason: str) -> None:
        """The process is gone, with everything it had in memory."""


class Gate(Protocol):
    """Looks at everything that is asked of the engine, before it is sent."""

    def pass_on(self, origin: Origin, method: str, params: JsonObject) -> JsonObject:
        """The params to send in place of `params`. Raises CodexMcpError to refuse."""


@dataclass(frozen=True)
class EngineSeams:
    """Who looks at what passes to and from an engine. Nobody by default."""

    gate: Gate | None = None
    observer: Observer | None = None
    verify: Callable[[EngineLink], Awaitable[None]] | None = None
    """Awaited after each start of an engine, before anything is asked of it. Raises EngineUnavailable if the engine
    must not be used."""

    def then(self, later: EngineSeams) -> EngineSeams:
        """These, and `later` ones who see what these pass on."""
        gates = [gate for gate in (self.gate, later.gate) if gate is not None]
        checks = [check for check in (self.verify, later.verify) if check is not None]

        async def verify(link: EngineLink) -> None:
            for check in checks:
                await check(link)

        return EngineSeams(
            _Gates(gates) if gates else None,
            later.observer or self.observer,
            verify if checks else None,
        )


class _Gates:
    """One gate behind the other."""

    def __init__(self, gates: list[Gate]) -> None:
        self._gates = gates

    def pass_on(self, origin: Origin, method: str, params: JsonObject) -> JsonObject:
        for gate in self._gates:
            params = gate.pass_on(origin, method, params)
        return params


NO_SEAMS = EngineSeams()


class EngineLink:
    """The live connection to one engine process (a `Handler` of its peer)."""

    def __init__(
        self,
        process: EngineProcess,
        listener: EngineListener,
        before_read: Callable[[], Awaitable[None]],
        seams: EngineSeams = NO_SEAMS,
        trace: Callable[[str, bytes], None] | None = None,
    ) -> None:
        """`before_read` and `trace`: see `Peer`."""
        self.binary: EngineBinary = process.binary
        self.version = ""
        self.user_agent = ""
        self.ended = anyio.Event()
        self._stderr_ended = anyio.Event()
        self._process = process
        self._listener = listener
        self._gate = seams.gate
        self.hung = False
        """The process was ended because it no longer answered."""
        self._slots = anyio.Semaphore(_MAX_IN_FLIGHT, fast_acquire=True)
        self._slow_slots = anyio.Semaphore(_MAX_SLOW, fast_acquire=True)
        self._open = 0
        self._asked = anyio.Event()
        self._hold = before_read
        self._held = False
        self._first_words: list[str] = []
        self._stderr: deque[str] = deque(maxlen=_LAST_LINES)
        self._output: ByteReceiveStream
        if sys.platform == "win32":  # untested
            self._output = FdReceiveStream(process.stdout_fd, name="engine-stdout")
        else:
            self._output = PipeReceiveStream(process.stdout_fd)
        self._peer = Peer(
            self._output,
            FdSendStream(process.stdin_fd, name="engine-stdin"),
            jsonrpc=False,
            before_read=self._before_read,
            trace=trace,
            observer=seams.observer,
        )

    async def serve(self) -> None:
        """Run the connection until the process is gone."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._read_stderr)
            tasks.start_soon(self._watch)
            try:
                await self._peer.run(self, patience=0)
            finally:
                await self._output.aclose()
            with anyio.move_on_after(_LAST_WORDS_LIMIT):
                await self._stderr_ended.wait()
            tasks.cancel_scope.cancel()
        self.ended.set()

    async def handshake(self) -> None:
        """Wait for the answer to the opening, and learn the version. Raises EngineUnavailable with what went wrong."""
        try:
            with anyio.fail_after(_HANDSHAKE_LIMIT):
                answer = await self._peer.expect(OPENING_ID).result()
        except TimeoutError:
            raise EngineUnavailable(f"{self.binary} did not answer within {_HANDSHAKE_LIMIT:.0f} s") from None
        except PeerClosed:
            await self.ended.wait()
            raise EngineUnavailable(f"{self.binary} ended at start: {self.last_words()}") from None
        except RpcError as error:
            raise EngineUnavailable(f"{self.binary} refused the handshake: {error.message}") from None
        self.user_agent = str(answer.get("userAgent", "")) if isinstance(answer, dict) else ""
        version = re.search(r"/(\d+)\.(\d+)\.(\d+)", self.user_agent)
        if version is None:
            raise EngineUnfit(f"{self.binary} is not a Codex engine: it answered {answer!r:.200}. {install_advice()}")
        self.version = version[0][1:]
        if tuple(map(int, version.groups())) < OLDEST:
            raise EngineUnfit(
                f"{self.binary} is version {self.version}; "
                f"{'.'.join(map(str, OLDEST))} or newer is needed. {install_advice()}"
            )
        self._first_words.clear()  # they did not keep it from starting
        self._peer.notify("initialized")
        log.info("engine ready", extra=about(version=self.version, pid=self._process.pid, binary=self.binary))

    async def request(
        self,
        method: str,
        params: JsonObject,
        *,
        on_result: Callable[[Any], None] | None = None,
        on_late: Callable[[Any], None] | None = None,
        limit: float = _REQUEST_LIMIT,
    ) -> JsonObject:
        """Call the engine. `on_result` sees the result before anything that the engine sent after it is looked at;
        `on_late` sees one that comes when nobody waits for it any more.

        Raises EngineRefusal (its answer is an error), EngineLost (it ended, or gave no answer in `limit` seconds),
        EngineError (code `answer_too_long`) or CallerError (params that the engine cannot read: it would drop the line
        and never answer).
        """
        _refuse_unreadable(params)
        params = self._passed(method, params)
        try:
            async with AsyncExitStack() as slots:
                if method not in _PROMPT:
                    await slots.enter_async_context(self._slow_slots)
                await slots.enter_async_context(self._slots)
                slots.enter_context(self._counted())
                with anyio.fail_after(limit):
                    result: JsonObject = await self._peer.request(method, params, on_result, on_late)
                    return result
        except MalformedMessage as fault:
            raise EngineError(f"the engine's answer to {method}: {fault}", code="answer_too_long") from None
        except RpcError as error:
            raise EngineRefusal(error) from None
        except PeerClosed:
            raise EngineLost(f"the engine ended before it answered {method}") from None
        except TimeoutError:
            raise EngineLost(f"the engine did not answer {method} within {limit:.0f} s") from None

    def send(self, method: str, params: JsonObject) -> None:
        """Call the engine without waiting; its answer is ignored."""
        self._peer.drop(self._peer.begin(method, self._passed(method, params)).id)

    def _passed(self, method: str, params: JsonObject) -> JsonObject:
        return params if self._gate is None else self._gate.pass_on(ORIGIN.get(), method, params)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self._open += 1
        self._asked.set()
        try:
            yield
        finally:
            self._open -= 1

    async def _before_read(self) -> None:
        self._held = True
        await self._hold()
        self._held = False

    async def _watch(self) -> None:
        """End an engine that no longer answers: whoever keeps it alive starts another one."""
        while True:
            if not self._open:
                self._asked = anyio.Event()
                await self._asked.wait()
            heard = self._peer.lines
            await anyio.sleep(_QUIET)
            if self._open and self._is_silent(heard) and not await self._answers():
                log.error("the engine does not answer: it is ended", extra=about(pid=self._process.pid))
                self.hung = True
                self._process.kill()
                return

    async def _answers(self) -> bool:
        heard = self._peer.lines
        probe = self._peer.begin(_PROBE, {})
        with anyio.move_on_after(_PROBE_LIMIT), suppress(RpcError, PeerClosed):
            await probe.result()
        return not self._is_silent(heard)

    def _is_silent(self, heard: int) -> bool:
        """Whether nothing came since; if it is not read from because the client does not read, nobody can tell."""
        return self._peer.lines == heard and not self._held

    @property
    def asked(self) -> bool:
        """Whether an answer of the engine is waited for."""
        return self._open > 0

    async def stop(self) -> int:
        """End the process and its commands: by the end of its input, by force if it takes too long. Its exit status."""
        self._peer.close()
        with anyio.CancelScope(shield=True):
            await self._peer.hang_up()
            with anyio.move_on_after(_EXIT_LIMIT) as limit:
                await anyio.to_thread.run_sync(self._process.wait, abandon_on_cancel=True)
            if limit.cancelled_caught:
                self._process.kill()
                await anyio.to_thread.run_sync(self._process.wait)
        self._process.end_commands()
        return self._process.wait()

    def last_words(self) -> str:
        """What the engine wrote to its stderr, for error messages: without what looks like a secret.

        The first lines, if it did not start, and the last.
        """
        return redact(" | ".join([*self._first_words, *self._stderr])) or "it said nothing on stderr"

    def on_notification(self, method: str, params: Any) -> None:
        self._listener.on_engine_notification(method, params if isinstance(params, dict) else {})

    def on_request(self, call: IncomingCall) -> None:
        self._listener.on_engine_request(call)

    def on_malformed(self, fault: MalformedMessage) -> None:
        log.warning("ignored a line of the engine: %s", fault.reason)

    def on_bug(self, error: Exception) -> None:
        log.error("a message of the engine could not be handled", exc_info=error)

    def to_rpc_error(self, error: Exception) -> RpcError:
        log.error("a request of the engine could not be handled", exc_info=error)
        return RpcError(INTERNAL_ERROR, f"{type(error).__name__}: {error}")

    async def _read_stderr(self) -> None:
        decoder = LineDecoder(limit=64 * 1024)
        try:
            async for chunk in FdReceiveStream(self._process.stderr_fd, name="engine-stderr"):
                for line in decoder.feed(chunk):
                    if isinstance(line, bytes):
                        text = line.decode(errors="replace").strip()
                        if not self.version and len(self._first_words) < _FIRST_LINES:
                            self._first_words.append(text)
                        else:
                            self._stderr.append(text)
                        log.debug("engine: %s", text)
        finally:
            self._stderr_ended.set()


def _refuse_unreadable(value: Any, depth: int = 0) -> None:
    """Raise CallerError for what JSON allows and the engine's reader does not."""
    if isinstance(value, str):
        if value.isascii():  # known without looking at the text; most long strings are
            return
        try:
            value.encode()
        except UnicodeEncodeError:
            raise CallerError("a string holds half of a surrogate pair: it is no Unicode text") from None
    elif isinstance(value, int):
        if value.bit_length() > _MAX_BITS:
            raise CallerError("a number is out of range")
    elif isinstance(value, dict | list | tuple):
        if depth >= _MAX_DEPTH:
            raise CallerError(f"a value is nested more than {_MAX_DEPTH} levels deep")
        for key in value if isinstance(value, dict) else ():
            _refuse_unreadable(key, depth + 1)
        for inner in value.values() if isinstance(value, dict) else value:
            _refuse_unreadable(inner, depth + 1)
