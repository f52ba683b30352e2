"""What subcommands print: on terminals of every encoding, and into pipes that nobody reads to the end."""

from __future__ import annotations

import codecs
import io
import os
import sys

_PLAIN = {"✓": "ok", "✗": "FAILED", "·": "-", "±": "+-", "…": "...", "→": "->", "—": "-"}


def prepare() -> None:
    """Have characters that the terminal cannot show replaced instead of failing."""
    codecs.register_error("plain", _plainly)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="plain")


def _plainly(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_PLAIN.get(character, "?") for character in error.object[error.start : error.end]), error.end


def say(text: str) -> None:
    """Print, and show it at once. When the reader of a pipe has left, nothing is printed any more."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def colourful() -> bool:
    """Whether to print in colour."""
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
