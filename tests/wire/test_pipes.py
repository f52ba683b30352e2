"""Pipes that are read on the event loop."""

from __future__ import annotations

import os
from collections.abc import Iterator

import anyio
import pytest

from codex_mcp.wire.pipes import PipeReceiveStream

pytestmark = pytest.mark.anyio


@pytest.fixture
def ends() -> Iterator[tuple[PipeReceiveStream, int]]:
    """A stream, and the descriptor that feeds it."""
    out, into = os.pipe()
    yield PipeReceiveStream(out), into
    for fd in (out, into):
        try:
            os.close(fd)
        except OSError:
            continue


async def test_what_is_written_comes_out_whole_and_then_the_end(ends: tuple[PipeReceiveStream, int]) -> None:
    stream, into = ends
    sent = os.urandom(300_000)

    async def write() -> None:
        await anyio.to_thread.run_sync(lambda: os.write(into, sent))
        os.close(into)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(write)
        assert b"".join([chunk async for chunk in stream]) == sent
    with pytest.raises(anyio.EndOfStream):
        await stream.receive()


async def test_a_pipe_that_is_never_empty_leaves_others_their_time(ends: tuple[PipeReceiveStream, int]) -> None:
    stream, into = ends
    turns: list[str] = []

    async def read() -> None:
        for _ in range(5):
            os.write(into, b"x")
            await stream.receive()
            turns.append("read")

    async def other() -> None:
        for _ in range(5):
            turns.append("other")
            await anyio.lowlevel.checkpoint()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(read)
        tasks.start_soon(other)
    assert turns.index("other") < turns.index("read")
    assert turns[:6].count("read") < 5


async def test_a_waiting_reader_can_be_cancelled_and_the_descriptor_is_closed(
    ends: tuple[PipeReceiveStream, int],
) -> None:
    stream, into = ends
    with anyio.move_on_after(0.01) as limit:
        await stream.receive()
    assert limit.cancelled_caught
    await stream.aclose()
    await stream.aclose()
    with pytest.raises(BrokenPipeError):
        os.write(into, b"x")
