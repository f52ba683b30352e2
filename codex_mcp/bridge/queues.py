"""One turn of a tool at a time in each thread, first come, first served, whichever connection asks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

import anyio


class ThreadQueues:
    """One per agent."""

    def __init__(self) -> None:
        self._queues: WeakValueDictionary[str, anyio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def turn(self, thread_id: str) -> AsyncIterator[None]:
        """Wait until earlier turns in the thread are over; later ones wait for the end of the block."""
        queue = self._queues.setdefault(thread_id, anyio.Semaphore(1))  # first in, first out
        async with queue:
            yield

    def is_busy(self, thread_id: str) -> bool:
        """Whether a turn would have to wait."""
        queue = self._queues.get(thread_id)
        return queue is not None and queue.value == 0
