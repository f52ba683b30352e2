"""Byte streams in memory: the twin of `codex_mcp.wire.fd_streams` for tests."""

from __future__ import annotations

from collections import deque

import anyio
import anyio.lowlevel
from anyio.abc import ByteReceiveStream, ByteSendStream


class _Pipe:
    def __init__(self) -> None:
        self.chunks: deque[bytes] = deque()
        self.arrived = anyio.Event()
        self.ended = False
        self.broken = False

    def wake(self) -> None:
        arrived, self.arrived = self.arrived, anyio.Event()
        arrived.set()


class MemorySend(ByteSendStream):
    """Sends chunks as they are; `stalled` keeps `send` from returning."""

    def __init__(self, pipe: _Pipe) -> None:
        self._pipe = pipe
        self.stalled = False

    async def send(self, item: bytes) -> None:
        while self.stalled:
            await anyio.lowlevel.checkpoint()
        if self._pipe.broken:
            raise anyio.BrokenResourceError
        self._pipe.chunks.append(item)
        self._pipe.wake()

    async def aclose(self) -> None:
        self._pipe.ended = True
        self._pipe.wake()


class MemoryReceive(ByteReceiveStream):
    """Receives chunks as they were sent."""

    def __init__(self, pipe: _Pipe) -> None:
        self._pipe = pipe

    async def receive(self, max_bytes: int = 65536) -> bytes:
        while not self._pipe.chunks:
            if self._pipe.ended:
                raise anyio.EndOfStream
            await self._pipe.arrived.wait()
        return self._pipe.chunks.popleft()

    async def aclose(self) -> None:
        self._pipe.broken = True


def memory_pipe() -> tuple[MemorySend, MemoryReceive]:
    """One direction of a connection."""
    pipe = _Pipe()
    return MemorySend(pipe), MemoryReceive(pipe)
