"""Signals that end the server, on every platform."""

from __future__ import annotations

import signal
import sys

import anyio

_ENDING = (signal.SIGINT, signal.SIGTERM)


async def until_signal() -> int:
    """Wait for SIGINT or SIGTERM; its number."""
    if sys.platform == "win32":  # untested: the event loop takes no signal handlers there
        import asyncio

        loop, arrived = asyncio.get_running_loop(), anyio.Event()
        numbers: list[int] = []

        def on_signal(number: int, _frame: object) -> None:
            numbers.append(number)
            loop.call_soon_threadsafe(arrived.set)

        for ending in _ENDING:
            signal.signal(ending, on_signal)
        await arrived.wait()
        return numbers[0]
    with anyio.open_signal_receiver(*_ENDING) as received:
        async for number in received:
            return int(number)
    raise AssertionError("unreachable")
