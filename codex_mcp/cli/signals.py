"""Signals that end the server, on every platform; and what tells on Linux that an adopted process has ended."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Iterator

import anyio

from codex_mcp.engine.orphans import reap_adopted


@contextlib.contextmanager
def held_signals() -> Iterator[AsyncIterator[int]]:
    """Take the signals that would end the process for as long as the context lasts: a second one changes nothing."""
    if sys.platform == "win32":  # untested: the event loop takes no signal handlers there
        with _held_on_windows() as received:
            yield received
        return
    ending = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # started with nohup
        ending.append(signal.SIGHUP)
    with anyio.open_signal_receiver(*ending, signal.SIGCHLD) as received:
        yield received


async def until_ending(received: AsyncIterator[int]) -> int:
    """Wait for a signal that ends the server; its number."""
    async for number in received:
        if sys.platform == "win32" or number != signal.SIGCHLD:
            return int(number)
        reap_adopted()
    raise AssertionError("signals do not end")


@contextlib.contextmanager
def _held_on_windows() -> Iterator[AsyncIterator[int]]:
    import asyncio

    loop = asyncio.get_running_loop()
    numbers: asyncio.Queue[int] = asyncio.Queue()

    def on_signal(number: int, _frame: object) -> None:
        loop.call_soon_threadsafe(numbers.put_nowait, number)

    async def received() -> AsyncIterator[int]:
        while True:
            yield await numbers.get()

    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, on_signal)
    yield received()
