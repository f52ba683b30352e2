"""Chunks and lines."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from codex_mcp.wire.framing import LineDecoder, LineTooLong


def decode(chunks: list[bytes], limit: int = 1000) -> list[bytes | LineTooLong]:
    decoder = LineDecoder(limit)
    lines = [line for chunk in chunks for line in decoder.feed(chunk)]
    return lines + list(decoder.finish())


def test_lines_end_at_newlines_and_the_last_one_at_the_end() -> None:
    assert decode([b"one\ntw", b"o\nthree"]) == [b"one", b"two", b"three"]


def test_blank_lines_are_skipped_and_carriage_returns_kept_as_white_space() -> None:
    assert decode([b"\n  \n\r\na\r\n"]) == [b"a\r"]


def test_a_line_over_the_limit_is_reported_in_its_place_and_the_next_one_is_read() -> None:
    lines = decode([b"first\n" + b"x" * 30, b"x" * 30, b"\nlast\n"], limit=50)
    assert lines[0] == b"first"
    assert isinstance(lines[1], LineTooLong)
    assert lines[2] == b"last"


def test_a_line_of_exactly_the_limit_is_taken() -> None:
    assert decode([b"x" * 50 + b"\n"], limit=50) == [b"x" * 50]


def test_a_long_line_in_small_chunks_takes_linear_work() -> None:
    chunk = b"x" * 100
    assert decode([chunk] * 50_000 + [b"\n"], limit=10_000_000) == [chunk * 50_000]


@given(st.lists(st.binary(max_size=20)), st.data())
def test_how_the_bytes_are_split_does_not_matter(parts: list[bytes], data: st.DataObject) -> None:
    whole = b"\n".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    chunks = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    expected = [line for line in whole.split(b"\n") if line and not line.isspace()]
    assert decode(chunks) == expected
