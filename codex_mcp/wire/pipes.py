"""A pipe of our own, read on the event loop: no hand-over between threads for each chunk.

Only for descriptors that nobody shares: they are made non-blocking, which whoever shares them would notice. POSIX:
event loops cannot wait for pipes elsewhere.
"""

from __future__ import annotations

import os

import anyio
from anyio.abc import ByteReceiveStream

_CHUNK = 64 * 1024


class PipeReceiveStream(ByteReceiveStream):
    """Reads a descriptor, and closes it at its end."""

    def __init__(self, fd: int) -> None:
        os.set_blocking(fd, False)
        self._fd = fd
        self._buffer = memoryview(bytearray(_CHUNK))

    async def receive(self, max_bytes: int = _CHUNK) -> bytes:
        """The next chunk, whatever its size. Raises anyio.EndOfStream at the end, and ever after."""
        await anyio.lowlevel.checkpoint()  # a pipe that is never empty must not keep the loop for itself
        while self._fd >= 0:
            try:
                size = os.readv(self._fd, (self._buffer,))
            except BlockingIOError:
                await anyio.wait_readable(self._fd)
                continue
            except OSError:  # broken: the same as its end
                size = 0
            if size:
                return bytes(self._buffer[:size])
            await self.aclose()
        raise anyio.EndOfStream

    async def aclose(self) -> None:
        """Close the descriptor."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)
