"""Newline framing: chunks of bytes in, complete lines out. Linear in the input, whatever the chunk size."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

# Longest line taken, both ways: room for large images and patches, a bound on what one line can cost.
MAX_LINE = 64 * 1024 * 1024


_HEAD = 200  # bytes kept of a line that is too long: enough for the id of a message, which comes first


class LineTooLong:
    """Stands in the place of a line that was longer than the limit. But for its `head` its bytes are gone."""

    __slots__ = ("head", "limit")

    def __init__(self, limit: int, head: bytes) -> None:
        self.limit = limit
        self.head = head


class LineDecoder:
    """Collects chunks and yields complete lines, without their newline.

    A line over the limit is dropped as it comes in and reported once, in its place.
    """

    def __init__(self, limit: int = MAX_LINE) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0
        self._overflow: bytes | None = None
        """The head of the current line, if that is too long."""

    def feed(self, chunk: bytes) -> Iterator[bytes | LineTooLong]:
        """Take a chunk; yield every line that it completes. Blank lines are skipped."""
        lines = chunk.split(b"\n")
        last = lines.pop()
        for part in lines:
            self._add(part)
            yield from self.finish()
        self._add(last)

    def finish(self) -> Iterator[bytes | LineTooLong]:
        """End the current line: at a newline, and at the end of the stream for a last line without one."""
        parts, overflow = self._parts, self._overflow
        self._parts, self._size, self._overflow = [], 0, None
        if overflow is not None:
            yield LineTooLong(self._limit, overflow)
            return
        line = parts[0] if len(parts) == 1 else b"".join(parts)
        if line and not line.isspace():
            yield line

    def remainder(self) -> bytes:
        """Bytes of a line that is not complete yet."""
        return b"".join(self._parts)

    def _add(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > self._limit:
            if self._overflow is None:
                self._overflow = b"".join([*self._parts, part[:_HEAD]])[:_HEAD]
            self._parts = []
        elif part:
            self._parts.append(part)
