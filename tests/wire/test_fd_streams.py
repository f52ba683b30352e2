"""Streams over descriptors."""

from __future__ import annotations

import os
import socket

import anyio
import pytest

from codex_mcp.wire.fd_streams import FdSendStream

pytestmark = pytest.mark.anyio

PIECES = [bytes([number]) * size for number, size in enumerate((1, 100, 5_000, 200_000, 3, 4_096, 70_000, 1))]


def read_to_end(fd: int) -> bytes:
    whole = b""
    while chunk := os.read(fd, 1_000):
        whole += chunk
    os.close(fd)
    return whole


@pytest.mark.parametrize("kind", ["pipe", "socket"])
async def test_more_than_fits_arrives_whole_and_in_order(kind: str) -> None:
    if kind == "pipe":
        out, into = os.pipe()
    else:
        out, into = (end.detach() for end in socket.socketpair())
    stream = FdSendStream(into, name="test")
    got: list[bytes] = []

    async def read() -> None:
        got.append(await anyio.to_thread.run_sync(read_to_end, out))

    for piece in PIECES[:3]:
        await stream.send(piece)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(read)
        for piece in PIECES[3:]:
            await stream.send(piece)
        await stream.aclose()
    assert got == [b"".join(PIECES)]


async def test_a_full_pipe_does_not_stop_the_loop() -> None:
    out, into = os.pipe()
    stream = FdSendStream(into, name="test")
    with anyio.move_on_after(0.01) as limit:
        for _ in range(1_000):
            await stream.send(b"x" * 1_000)
    assert limit.cancelled_caught
    os.close(out)  # the thread that waits for room ends with it
    await stream.aclose()


async def test_a_reader_that_is_gone_is_an_error_for_ever() -> None:
    out, into = os.pipe()
    stream = FdSendStream(into, name="test")
    await stream.send(b"x")
    os.close(out)
    for _ in range(3):
        with pytest.raises(anyio.BrokenResourceError):
            await stream.send(b"x")
    await stream.aclose()


async def test_what_is_sent_after_the_end_does_not_reach_who_has_the_descriptor_now() -> None:
    out, into = os.pipe()
    stream = FdSendStream(into, name="test")
    await stream.aclose()
    other_out, other_into = os.pipe()  # one of them has the number now
    assert into in (other_out, other_into)
    with pytest.raises(anyio.ClosedResourceError):
        await stream.send(b"late")
    os.close(other_into)
    assert os.read(other_out, 10) == b""
    os.close(other_out)
    os.close(out)
