"""Keys while a turn runs: Esc stops it, and a question is answered by one of its letters."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prompt_toolkit.input import Input, create_input
from prompt_toolkit.key_binding import KeyPress
from prompt_toolkit.keys import Keys

_ESCAPE_AFTER = 0.1  # seconds without another byte after which Esc is the key, and not the beginning of one


class Keyboard:
    """The terminal's keys, or lines where there is no terminal. `watch` it while a turn runs."""

    def __init__(self) -> None:
        self._input: Input | None = create_input() if sys.stdin.isatty() else None
        self._wanted: tuple[str, asyncio.Future[str]] | None = None
        self._on_stop: Callable[[], None] = lambda: None

    @contextmanager
    def watch(self, on_stop: Callable[[], None]) -> Iterator[None]:
        """Hear keys while the block runs; `on_stop` is called for Esc and Ctrl-C when no question is open."""
        if self._input is None:
            yield
            return
        self._on_stop = on_stop
        with self._input.raw_mode(), self._input.attach(self._ready):
            yield

    def _ready(self) -> None:
        assert self._input is not None
        self._take(self._input.read_keys())
        asyncio.get_running_loop().call_later(_ESCAPE_AFTER, self._flush)

    def _flush(self) -> None:
        if self._input is not None and not self._input.closed:
            self._take(self._input.flush_keys())

    def _take(self, pressed: list[KeyPress]) -> None:
        for press in pressed:
            stop = press.key in (Keys.Escape, Keys.ControlC, Keys.ControlD)
            if self._wanted is None:
                if stop:
                    self._on_stop()
                continue
            letters, answer = self._wanted
            letter = letters[-1] if stop else press.data.lower()
            if len(letter) == 1 and letter in letters and not answer.done():
                answer.set_result(letter)

    async def choose(self, letters: str) -> str:
        """Wait for one of the letters; Esc is the last of them. Where there is no terminal, a line is read, and what
        is none of them, or the end of the input, is the last, too."""
        if self._input is None:
            line = await asyncio.to_thread(sys.stdin.readline)
            word = line.strip().lower()[:1]
            return word if word and word in letters else letters[-1]
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._wanted = letters, answer
        try:
            return await answer
        finally:
            self._wanted = None
