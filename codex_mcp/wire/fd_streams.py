"""Byte streams over file descriptors, each with a thread of its own that may block.

Threads, because they are the one way that works for pipes, sockets, consoles and regular files on every
platform: event loops refuse regular files, and Windows refuses to poll anonymous pipes. The cost is one hand-over
per chunk, not per message. Both classes are anyio byte streams, so anything else that is one can take their place.
"""

from __future__ import annotations

import asyncio
import os
import queue
import sys
import threading
from collections import deque
from collections.abc import Callable

import anyio
from anyio.abc import ByteReceiveStream, ByteSendStream

from codex_mcp.wire.stdio import room_in, write_all, write_what_fits

_CHUNK = 64 * 1024
_READ_AHEAD = 4  # chunks read before anybody asked: enough to keep the pipe moving, little enough to push back


class FdReceiveStream(ByteReceiveStream):
    """Reads a descriptor, and closes it at its end.

    `first` is called on the reading thread before anything is read; what it returns is put before what the
    descriptor gives.
    """

    def __init__(self, fd: int, *, name: str, first: Callable[[], bytes] = bytes) -> None:
        self._fd = fd
        self._first = first
        self._name = name
        self._buffer = memoryview(bytearray(_CHUNK))
        self._chunks: deque[bytes] = deque()
        self._ahead = threading.Semaphore(_READ_AHEAD)
        self._arrived = anyio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def receive(self, max_bytes: int = _CHUNK) -> bytes:
        """The next chunk, whatever its size. Raises anyio.EndOfStream at the end, and ever after."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            threading.Thread(target=self._read, name=self._name, daemon=True).start()
        while not self._chunks:
            self._arrived = anyio.Event()
            await self._arrived.wait()
        if not self._chunks[0]:
            raise anyio.EndOfStream
        self._ahead.release()
        return self._chunks.popleft()

    async def aclose(self) -> None:
        """Nothing to do: the thread ends with the descriptor or with the process."""

    def _read(self) -> None:
        assert self._loop is not None
        chunk = self._first() or self._next()
        try:
            while chunk:
                self._loop.call_soon_threadsafe(self._deliver, chunk)
                self._ahead.acquire()
                chunk = self._next()
            os.close(self._fd)
            self._loop.call_soon_threadsafe(self._deliver, b"")
        except RuntimeError:  # the loop is closed: nobody wants it any more
            pass

    def _next(self) -> bytes:
        try:
            if sys.platform == "win32":  # untested
                return os.read(self._fd, _CHUNK)
            # into one buffer: `read` would allocate a whole chunk for each line and shrink it, and what is left
            # between such blocks adds up over days
            return bytes(self._buffer[: os.readv(self._fd, (self._buffer,))])
        except OSError:  # broken: the same as its end
            return b""

    def _deliver(self, chunk: bytes) -> None:
        self._chunks.append(chunk)
        self._arrived.set()


class FdSendStream(ByteSendStream):
    """Writes a descriptor and closes it at the end. `send` returns when the bytes have been written.

    What fits into a pipe or a socket is written at once; what does not, and what goes elsewhere, is the thread's.
    """

    def __init__(self, fd: int, *, name: str) -> None:
        self._fd = fd
        self._name = name
        self._jobs: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._written = anyio.Event()
        self._written.set()
        self._broken = False
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._has_room = room_in(fd) or (lambda: False)

    async def send(self, item: bytes) -> None:
        """Raises anyio.BrokenResourceError when the reader is gone, anyio.ClosedResourceError after `aclose`."""
        if self._closed:  # the number of the descriptor may be somebody else's by now
            raise anyio.ClosedResourceError
        if self._written.is_set() and not self._broken:  # the thread has nothing to do
            item = write_what_fits(self._fd, item, self._has_room)
            if not item:
                return
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            threading.Thread(target=self._write, name=self._name, daemon=True).start()
        if not self._broken:
            self._written = anyio.Event()
            self._jobs.put(item)
            await self._written.wait()
        if self._broken:
            raise anyio.BrokenResourceError

    async def aclose(self) -> None:
        """Close the descriptor, after what is being written."""
        if self._closed:
            return
        self._closed = True
        if self._loop is None:
            os.close(self._fd)
        else:
            self._jobs.put(None)

    def _write(self) -> None:
        while (data := self._jobs.get()) is not None:
            try:
                write_all(self._fd, data)
            except OSError:
                self._broken = True
            assert self._loop is not None
            try:
                self._loop.call_soon_threadsafe(self._written.set)
            except RuntimeError:  # the loop is closed
                break
        os.close(self._fd)
