"""What the chat shows, as a terminal takes it: with Markdown and colours, or plainly for logs and screen readers."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO

from rich.console import Console
from rich.live import Live
from rich.markdown import Markdown
from rich.markup import escape
from rich.padding import Padding
from rich.syntax import Syntax
from rich.text import Text

_STEERING = (*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0))
_UNSEEN = (0xAD, 0x61C, *range(0x200B, 0x2010), *range(0x2028, 0x202F), *range(0x2060, 0x2070), 0xFEFF)
_SPELLED_OUT = {code: f"\\x{code:02x}" for code in (*_STEERING, *_UNSEEN)}


def visible(text: str) -> str:
    """`text` with what would steer the terminal, turn letters around or hide spelled out: a model wrote it, and what
    is approved is what is seen."""
    return text.translate(_SPELLED_OUT)


class Screen(Protocol):
    """Shows the parts of a conversation, from top to bottom."""

    def answer(self, delta: str) -> None:
        """A piece of the answer."""

    def end_answer(self) -> None:
        """The answer is complete."""

    def note(self, text: str, *, style: str = "dim") -> None:
        """A line about what happens."""

    def output(self, text: str) -> None:
        """A piece of a command's output."""

    def diff(self, path: str, text: str) -> None:
        """The changes of a file."""

    def plan(self, steps: list[tuple[str, str]], explanation: str | None) -> None:
        """Steps with their status: pending, in_progress, completed."""


_TICKS = {"pending": "☐", "in_progress": "▶", "completed": "☑"}
_WORDS = {"pending": "to do", "in_progress": "now", "completed": "done"}


class RichScreen:
    """For a terminal. The answer is shown as it comes, and set as Markdown block by block."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._text = ""
        self._live: Live | None = None

    def answer(self, delta: str) -> None:
        self._text += visible(delta)
        done, self._text = _whole_blocks(self._text)
        if done:
            self._end_live()
            self._console.print(Markdown(done))
        if self._text.strip():
            if self._live is None:
                self._live = Live(console=self._console, transient=True, refresh_per_second=12)
                self._live.start()
            self._live.update(Markdown(self._text[-4000:]))

    def end_answer(self) -> None:
        self._end_live()
        if self._text.strip():
            self._console.print(Markdown(self._text))
        self._text = ""

    def _end_live(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def note(self, text: str, *, style: str = "dim") -> None:
        self.end_answer()
        self._console.print(Text(visible(text), style=style))

    def output(self, text: str) -> None:
        self.end_answer()
        self._console.print(Padding(Text(visible(text.rstrip("\n")), style="dim"), (0, 0, 0, 2)))

    def diff(self, path: str, text: str) -> None:
        self.end_answer()
        self._console.print(f"[bold]{escape(visible(path))}[/]")
        if text:
            self._console.print(
                Syntax(visible(text), "diff", theme="ansi_dark", background_color="default", word_wrap=True)
            )

    def plan(self, steps: list[tuple[str, str]], explanation: str | None) -> None:
        self.end_answer()
        if explanation:
            self.note(explanation)
        for step, status in steps:
            style = "bold" if status == "in_progress" else "dim" if status == "completed" else ""
            self._console.print(Text(f"  {_TICKS[status]} {visible(step)}", style=style))


class PlainScreen:
    """Words alone, line by line: for a screen reader, a log, a terminal that can do nothing else."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._open = False

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()

    def answer(self, delta: str) -> None:
        self._write(visible(delta))
        self._open = not delta.endswith("\n")

    def end_answer(self) -> None:
        if self._open:
            self._write("\n")
        self._open = False

    def note(self, text: str, *, style: str = "dim") -> None:
        self.end_answer()
        self._write(f"{visible(text)}\n")

    def output(self, text: str) -> None:
        self.end_answer()
        self._write("".join(f"  {visible(line)}\n" for line in text.splitlines()))

    def diff(self, path: str, text: str) -> None:
        self.note(f"Changes of {path}:")
        self.output(text)

    def plan(self, steps: list[tuple[str, str]], explanation: str | None) -> None:
        if explanation:
            self.note(explanation)
        for step, status in steps:
            self.note(f"{_WORDS[status]}: {step}")


def _whole_blocks(text: str) -> tuple[str, str]:
    """What is complete of a Markdown text, and the block that is still being written."""
    end, fenced, position = 0, False, 0
    for line in text.splitlines(keepends=True):
        position += len(line)
        if line.lstrip().startswith("```"):
            fenced = not fenced
        if not fenced and line.strip() == "" and line.endswith("\n"):
            end = position
    return text[:end], text[end:]


@contextmanager
def open_screen(*, plain: bool) -> Iterator[Screen]:
    """The screen of this terminal; plain if that is wanted, or nothing else can be shown."""
    console = Console(highlight=False)
    if plain or not console.is_terminal or console.is_dumb_terminal:
        yield PlainScreen(sys.stdout)
        return
    screen = RichScreen(console)
    try:
        yield screen
    finally:
        screen.end_answer()
