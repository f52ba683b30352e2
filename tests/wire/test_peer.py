"""Two peers over streams in memory."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from codex_mcp.wire.errors import INTERNAL_ERROR, INVALID_REQUEST, PeerClosed, RpcError
from codex_mcp.wire.messages import MalformedMessage
from codex_mcp.wire.peer import HIGH_WATER, IncomingCall, Peer
from tests.support.streams import MemoryReceive, MemorySend, memory_pipe


class Recorder:
    """A handler that does what the test says, and remembers what came."""

    def __init__(self, serve: Callable[[IncomingCall], None] | None = None) -> None:
        self.serve = serve or (lambda call: call.respond({}))
        self.notifications: list[tuple[str, Any]] = []
        self.faults: list[MalformedMessage] = []
        self.bugs: list[Exception] = []

    def on_request(self, call: IncomingCall) -> None:
        self.serve(call)

    def on_notification(self, method: str, params: Any) -> None:
        if method == "bug":
            raise RuntimeError("bug")
        self.notifications.append((method, params))

    def on_malformed(self, fault: MalformedMessage) -> None:
        self.faults.append(fault)

    def on_bug(self, error: Exception) -> None:
        self.bugs.append(error)

    def to_rpc_error(self, error: Exception) -> RpcError:
        return RpcError(INTERNAL_ERROR, str(error))


class Wire:
    """The other side of a peer, by hand."""

    def __init__(self, send: MemorySend, receive: MemoryReceive) -> None:
        self._send = send
        self._receive = receive
        self._rest = b""

    async def write(self, *messages: Any) -> None:
        await self._send.send(b"".join(json.dumps(m).encode() + b"\n" for m in messages))

    async def write_raw(self, data: bytes) -> None:
        await self._send.send(data)

    async def read(self) -> Any:
        while b"\n" not in self._rest:
            self._rest += await self._receive.receive()
        line, _, self._rest = self._rest.partition(b"\n")
        return json.loads(line)

    async def end(self) -> None:
        await self._send.aclose()


@asynccontextmanager
async def connected(handler: Recorder, **options: Any) -> AsyncIterator[tuple[Peer, Wire, MemorySend]]:
    to_peer, peer_in = memory_pipe()
    peer_out, from_peer = memory_pipe()
    peer = Peer(peer_in, peer_out, jsonrpc=False, **options)
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(peer.run, handler)
            yield peer, Wire(to_peer, from_peer), peer_out
            tasks.cancel_scope.cancel()


async def test_a_request_is_answered_with_what_its_task_returns() -> None:
    async def work() -> Any:
        return {"done": True}

    async with connected(Recorder(lambda call: call.start(work()))) as (_, wire, _out):
        await wire.write({"id": "a", "method": "m"})
        assert await wire.read() == {"id": "a", "result": {"done": True}}


async def test_requests_run_side_by_side_and_are_answered_as_they_end() -> None:
    release = anyio.Event()

    async def slow() -> Any:
        await release.wait()
        return "slow"

    async def fast() -> Any:
        release.set()
        return "fast"

    def serve(call: IncomingCall) -> None:
        call.start(slow() if call.method == "slow" else fast())

    async with connected(Recorder(serve)) as (_, wire, _out):
        await wire.write({"id": 1, "method": "slow"}, {"id": 2, "method": "fast"})
        assert [(await wire.read())["result"] for _ in range(2)] == ["fast", "slow"]


async def test_fifty_requests_answered_at_once_are_answered_in_order() -> None:
    async with connected(Recorder()) as (_, wire, _out):
        await wire.write(*({"id": n, "method": "m"} for n in range(50)))
        assert [(await wire.read())["id"] for _ in range(50)] == list(range(50))


async def test_an_answer_leaves_before_what_is_sent_after_it() -> None:
    def serve(call: IncomingCall) -> None:
        call.respond("answer")
        peer.notify("event", {"caused": "by it"})

    handler = Recorder(serve)
    async with connected(handler) as (peer, wire, _out):
        await wire.write({"id": 1, "method": "m"})
        assert await wire.read() == {"id": 1, "result": "answer"}
        assert (await wire.read())["method"] == "event"


async def test_a_second_answer_of_one_call_is_ignored() -> None:
    def serve(call: IncomingCall) -> None:
        call.respond(1)
        call.respond(2)
        call.fail(RpcError(-1, "x"))

    async with connected(Recorder(serve)) as (peer, wire, _out):
        await wire.write({"id": 1, "method": "m"})
        assert (await wire.read())["result"] == 1
        peer.notify("next")
        assert (await wire.read())["method"] == "next"


@pytest.mark.parametrize("in_task", [False, True])
async def test_an_exception_becomes_an_error_answer_and_the_connection_goes_on(in_task: bool) -> None:
    async def work() -> Any:
        raise RuntimeError("broken")

    def serve(call: IncomingCall) -> None:
        if in_task:
            call.start(work())
        else:
            raise RuntimeError("broken")

    async with connected(Recorder(serve)) as (_, wire, _out):
        for id in (1, 2):
            await wire.write({"id": id, "method": "m"})
            assert await wire.read() == {"id": id, "error": {"code": INTERNAL_ERROR, "message": "broken"}}


async def test_an_id_in_flight_cannot_be_used_again() -> None:
    calls: list[IncomingCall] = []
    async with connected(Recorder(calls.append)) as (_, wire, _out):
        await wire.write({"id": 1, "method": "m"}, {"id": 1, "method": "m"})
        assert (await wire.read())["error"]["code"] == INVALID_REQUEST
        calls[0].respond("first")
        assert await wire.read() == {"id": 1, "result": "first"}
        await wire.write({"id": 1, "method": "m"}, {"method": "flush"})
        calls.clear()
        await wire.write({"id": 2, "method": "m"})
        while not calls:
            await anyio.lowlevel.checkpoint()
        assert calls[0].id == 1


async def test_a_withdrawn_call_is_stopped_and_not_answered() -> None:
    stopped = anyio.Event()

    async def work() -> Any:
        try:
            await anyio.sleep_forever()
        finally:
            stopped.set()

    async with connected(Recorder(lambda call: call.start(work()))) as (peer, wire, _out):
        await wire.write({"id": 1, "method": "m"}, {"method": "seen"})
        while (call := peer.incoming(1)) is None:
            await anyio.lowlevel.checkpoint()
        await anyio.lowlevel.checkpoint()
        call.withdraw()
        await stopped.wait()
        peer.notify("next")
        assert (await wire.read())["method"] == "next"
        assert peer.incoming(1) is None


async def test_our_request_gets_its_result_and_errors_are_raised() -> None:
    async with connected(Recorder()) as (peer, wire, _out):

        async def answer() -> None:
            asked = await wire.read()
            assert asked == {"id": 0, "method": "ask", "params": {"x": 1}}
            await wire.write({"id": 0, "result": 5})
            asked = await wire.read()
            await wire.write({"id": asked["id"], "error": {"code": -7, "message": "no", "data": [1]}})

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(answer)
            assert await peer.request("ask", {"x": 1}) == 5
            with pytest.raises(RpcError) as refused:
                await peer.request("ask", None)
        assert (refused.value.code, refused.value.message, refused.value.data) == (-7, "no", [1])


async def test_a_result_is_seen_before_the_notification_behind_it() -> None:
    handler = Recorder()
    async with connected(handler) as (peer, wire, _out):
        seen: list[int] = []
        pending = peer.begin("ask", {}, lambda _result: seen.append(len(handler.notifications)))
        await wire.write({"id": pending.id, "result": {}}, {"method": "event"})
        await pending.result()
        assert seen == [0]


async def test_strange_answers_are_ignored() -> None:
    handler = Recorder()
    async with connected(handler) as (peer, wire, _out):
        pending = peer.begin("ask", {})
        await wire.write(
            {"id": 99, "result": 1}, {"id": "0", "result": 2}, {"id": 98, "error": {}}, {"id": pending.id, "result": 3}
        )
        await wire.write({"id": pending.id, "result": 4})
        assert await pending.result() == 3


async def test_open_requests_fail_when_the_other_side_ends() -> None:
    async with connected(Recorder()) as (peer, wire, _out):
        pending = peer.begin("ask", {})
        await wire.end()
        with pytest.raises(PeerClosed):
            await pending.result()
        with pytest.raises(PeerClosed):
            await peer.request("ask", {})


async def test_malformed_lines_are_reported_and_the_connection_goes_on() -> None:
    handler = Recorder()
    async with connected(handler, max_line=100) as (_, wire, _out):
        await wire.write_raw(b"nonsense\n\xff\n" + b"x" * 200 + b"\n")
        await wire.write({"id": 1, "method": "m"})
        assert await wire.read() == {"id": 1, "result": {}}
        assert len(handler.faults) == 3


async def test_a_handler_that_fails_on_a_notification_does_not_end_the_connection() -> None:
    handler = Recorder()
    async with connected(handler) as (_, wire, _out):
        await wire.write({"method": "bug"}, {"id": 1, "method": "m"})
        assert await wire.read() == {"id": 1, "result": {}}
        assert len(handler.bugs) == 1


async def test_a_last_line_without_newline_is_served() -> None:
    async with connected(Recorder()) as (_, wire, _out):
        await wire.write_raw(b'{"id":1,"method":"m"}')
        await wire.end()
        assert await wire.read() == {"id": 1, "result": {}}


async def test_a_reader_that_stalls_does_not_stop_us_from_reading() -> None:
    handler = Recorder()
    async with connected(handler) as (peer, wire, out):
        out.stalled = True
        for _ in range(3):
            peer.notify("flood", "x" * HIGH_WATER)
        await wire.write({"method": "still heard"})
        while not handler.notifications:
            await anyio.lowlevel.checkpoint()
        out.stalled = False


async def test_producers_wait_while_the_queue_is_over_its_mark() -> None:
    async with connected(Recorder()) as (peer, wire, out):
        await peer.writable()
        out.stalled = True
        peer.notify("flood", "x" * (HIGH_WATER + 1))
        with anyio.move_on_after(0) as waited:
            await peer.writable()
        assert waited.cancelled_caught
        out.stalled = False
        await peer.writable()
        assert (await wire.read())["method"] == "flood"


async def test_calls_in_flight_get_to_end_after_the_other_side_closed_its_stream() -> None:
    release = anyio.Event()

    async def work() -> Any:
        await release.wait()
        return "late"

    handler = Recorder(lambda call: call.start(work()))
    to_peer, peer_in = memory_pipe()
    peer_out, from_peer = memory_pipe()
    peer = Peer(peer_in, peer_out, jsonrpc=False)
    wire = Wire(to_peer, from_peer)

    async def linger() -> None:
        release.set()
        await peer.calls_done()

    await wire.write({"id": 1, "method": "m"})
    await wire.end()
    with anyio.fail_after(5):
        await peer.run(handler, linger)
    assert await wire.read() == {"id": 1, "result": "late"}


async def test_a_reader_that_is_gone_ends_the_connection() -> None:
    to_peer, peer_in = memory_pipe()
    peer_out, from_peer = memory_pipe()
    peer = Peer(peer_in, peer_out, jsonrpc=False)
    await from_peer.aclose()
    await Wire(to_peer, from_peer).write({"id": 1, "method": "m"})
    with anyio.fail_after(5):
        await peer.run(Recorder())
    assert peer.broken


async def test_the_trace_sees_every_line_of_both_directions() -> None:
    seen: list[tuple[str, bytes]] = []
    async with connected(Recorder(), trace=lambda way, line: seen.append((way, line))) as (_, wire, _out):
        await wire.write({"id": 1, "method": "m"})
        await wire.read()
    assert seen == [("<", b'{"id": 1, "method": "m"}'), (">", b'{"id":1,"result":{}}\n')]


async def test_everybody_who_waits_for_room_is_woken() -> None:
    woken: list[str] = []

    async def wait(name: str) -> None:
        await peer.writable()
        woken.append(name)

    async with connected(Recorder()) as (peer, _wire, out):
        out.stalled = True
        peer.write(b"x" * (HIGH_WATER + 1) + b"\n")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait, "first")
            tasks.start_soon(wait, "second")
            for _ in range(10):
                await anyio.lowlevel.checkpoint()
            assert not woken
            out.stalled = False
    assert sorted(woken) == ["first", "second"]


async def test_everybody_who_waits_for_the_last_call_is_woken() -> None:
    calls: list[IncomingCall] = []
    async with connected(Recorder(calls.append)) as (peer, wire, _out):
        await wire.write({"id": 1, "method": "m"})
        async with anyio.create_task_group() as tasks:
            await anyio.wait_all_tasks_blocked()
            tasks.start_soon(peer.calls_done)
            tasks.start_soon(peer.calls_done)
            await anyio.wait_all_tasks_blocked()
            calls[0].respond({})


@pytest.mark.requirement("wire:long-answer")
async def test_an_answer_that_is_too_long_fails_the_request_that_waits_for_it() -> None:
    handler = Recorder()
    async with connected(handler, max_line=1_000) as (peer, wire, _out):
        pending = peer.begin("m", {})
        assert (await wire.read())["id"] == pending.id
        await wire.write({"id": pending.id, "result": "x" * 2_000}, {"id": 77, "result": "x" * 2_000})
        with pytest.raises(MalformedMessage, match="longer than 1000 bytes"):
            await pending.result()
        await anyio.wait_all_tasks_blocked()
        assert len(handler.faults) == 1  # nobody waits for the other


@pytest.mark.requirement("wire:batches")
async def test_a_batch_is_answered_as_one_when_all_of_it_is_answered() -> None:
    calls: list[IncomingCall] = []
    handler = Recorder(calls.append)
    async with connected(handler, takes_batches=lambda: True) as (_, wire, _out):
        await wire.write([{"id": 1, "method": "a"}, {"method": "n"}, 5, {"id": 2, "method": "b"}])
        await anyio.wait_all_tasks_blocked()
        assert handler.notifications == [("n", None)]
        calls[1].respond("second")
        calls[0].fail(RpcError(INVALID_REQUEST, "no"))
        assert await wire.read() == [
            {"id": None, "error": {"code": INVALID_REQUEST, "message": "a message is a JSON object"}},
            {"id": 2, "result": "second"},
            {"id": 1, "error": {"code": INVALID_REQUEST, "message": "no"}},
        ]


@pytest.mark.requirement("wire:batches")
async def test_a_batch_of_notifications_has_no_answer_and_a_cancelled_call_has_none_in_it() -> None:
    calls: list[IncomingCall] = []
    async with connected(Recorder(calls.append), takes_batches=lambda: True) as (_, wire, _out):
        await wire.write(
            [{"method": "n"}], [{"id": 1, "method": "a"}, {"id": 2, "method": "b"}], [{"id": 3, "method": "c"}]
        )
        await anyio.wait_all_tasks_blocked()
        calls[0].withdraw()
        calls[1].respond({})
        assert await wire.read() == [{"id": 2, "result": {}}]
        calls[2].withdraw()
        await wire.write({"id": 4, "method": "d"})
        await anyio.wait_all_tasks_blocked()
        calls[3].respond({})
        assert (await wire.read())["id"] == 4


@pytest.mark.requirement("wire:batches")
async def test_an_id_that_is_used_twice_in_a_batch_is_refused_in_it() -> None:
    calls: list[IncomingCall] = []
    async with connected(Recorder(calls.append), takes_batches=lambda: True) as (_, wire, _out):
        await wire.write([{"id": 1, "method": "a"}, {"id": 1, "method": "b"}])
        await anyio.wait_all_tasks_blocked()
        calls[0].respond({})
        assert [set(answer) for answer in await wire.read()] == [{"id", "error"}, {"id", "result"}]


async def test_who_agreed_to_no_batches_gets_none() -> None:
    handler = Recorder()
    async with connected(handler) as (_, wire, _out):
        await wire.write([{"id": 1, "method": "a"}], [])
        await anyio.wait_all_tasks_blocked()
    assert [fault.reason for fault in handler.faults] == ["batches are not supported", "a message is a JSON object"]


async def test_who_has_ended_its_input_is_asked_nothing_more() -> None:
    async with connected(Recorder()) as (peer, wire, _out):
        peer.answers_only = True
        peer.notify("event")
        await wire.end()
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(PeerClosed):
            await peer.request("question", {})
