"""Masking: whole texts and streams; what is no secret passes byte for byte."""

from __future__ import annotations

import itertools
import pathlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from codex_mcp.policy.document import Masking
from codex_mcp.policy.masking import MaskedStream, Masker
from tests.test_redaction import NAMED, PLANTED

KEY = b"key of the installation"
TEXTS = [*PLANTED.values(), *(form.format(value) for form, value in NAMED)]
CUSTOMERS = {
    "mail": "jane.doe+x@mail.example.org",
    "card": "4111 1111 1111 1111",
    "iban": "DE89 3704 0044 0532 0130 00",
}


def masker(**settings: tuple[str, ...]) -> Masker:
    return Masker(Masking(**settings), KEY)  # type: ignore[arg-type]


@pytest.mark.requirement("policy:mask:kinds")
@pytest.mark.parametrize("kind", CUSTOMERS)
def test_customer_data_is_masked(kind: str) -> None:
    value = CUSTOMERS[kind]
    masked = masker().text(f"call {value}, and tell them")
    assert value not in masked
    assert masked.startswith(f"call [masked:{kind}#")
    assert masked.endswith("], and tell them")
    others = tuple(other for other in CUSTOMERS if other != kind)
    assert value in masker(kinds=others).text(f"call {value}")


@pytest.mark.requirement("policy:mask:kinds")
def test_equal_values_have_equal_tags_that_the_key_makes() -> None:
    one, same = masker().text("a@b.org"), masker().text("a@b.org")
    assert one == same != masker().text("b@b.org")
    assert one != Masker(Masking(), b"another key").text("a@b.org")


@pytest.mark.requirement("policy:mask:kinds")
def test_patterns_of_an_organisation_are_masked() -> None:
    assert "CUST" not in masker(extra=(r"\bCUST-\d{8}\b",)).text("see CUST-12345678.")


@pytest.mark.parametrize(
    "text",
    ["git@github.com:org/repo", "4111 1111 1111 1112", "0000 0000 0000 0000", "GB12 ABCD 3456 7890 12", "pkg@1.2.3",
     "019a3f5e-1111-7222-8333-444455556666", "2026-11-21T14:49:07.123456Z", "@decorator.name", "1 2 3 4 5 6 7 8 9"],
)  # fmt: skip
def test_what_only_looks_like_it_is_left(text: str) -> None:
    assert masker().text(text) == text


def test_trees_are_masked_within_and_left_alone_otherwise() -> None:
    mask = masker()
    clean = {"a": [1, None, {"b": "text"}]}
    assert mask.tree(clean) is clean
    assert mask.counts == {}
    masked = mask.tree({"a": [CUSTOMERS["mail"]], "n": 1})
    assert masked["a"][0].startswith("[masked:mail#")
    assert mask.counts == {"mail": 1}


# -- streams

PIECES = st.lists(
    st.sampled_from(
        [*TEXTS, *CUSTOMERS.values(), "password", " = ", ": ", "Bearer ", "the token is ", "-----BEGIN ", "\n", " ", "x",
         "4111 ", "DE89 ", "sk-", "://u:", "a@", "PRIVATE KEY-----", "--token ", "Authorization", '"', "CUST-12345678"]
    ) | st.text(max_size=8),
    max_size=8,
)  # fmt: skip


def split(text: str, cuts: list[int]) -> list[str]:
    ends = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    return [text[a:b] for a, b in itertools.pairwise(ends)]


@pytest.mark.requirement("policy:P-19")
@given(PIECES, st.lists(st.integers(0, 600), max_size=30), st.booleans())
@example(["password", " = ", PLANTED["jwt"]], list(range(200)), False)
@example(["-----BEGIN ", "PRIVATE KEY-----", "\n", "x", "\n", TEXTS[0]], list(range(200)), False)
def test_a_stream_is_masked_like_the_whole(pieces: list[str], cuts: list[int], extra: bool) -> None:
    text = "".join(pieces)
    mask = masker(extra=(r"\bCUST-\d{8}\b",)) if extra else masker()
    stream = mask.stream()
    out = [stream.push(piece) for piece in split(text, cuts)]
    assert "".join([*out, stream.flush()]) == mask.text(text)


@pytest.mark.requirement("policy:P-19")
@pytest.mark.parametrize("secret", [*TEXTS, *CUSTOMERS.values()])
def test_a_secret_in_single_characters_never_slips_through(secret: str) -> None:
    text = f"here it is:\n{secret}\nand on"
    mask = masker()
    stream = mask.stream()
    out = "".join(stream.push(character) for character in text) + stream.flush()
    assert out == mask.text(text) != text


@pytest.mark.requirement("policy:P-19")
def test_text_without_secrets_passes_byte_for_byte_and_soon() -> None:
    """Real code and prose, in the small pieces in which models speak; of most, no more than a word waits."""
    held = []
    for path in sorted(pathlib.Path(__file__).parents[2].glob("codex_mcp/bridge/*.py")):
        text = path.read_text()
        stream = masker().stream()
        out, sent = "", 0
        for start in range(0, len(text), 4):
            sent += len(text[start : start + 4])
            out += stream.push(text[start : start + 4])
            held.append(sent - len(out))
        assert out + stream.flush() == text
    held.sort()
    assert held[len(held) // 2] <= 8
    assert held[len(held) * 95 // 100] <= 60


def test_a_run_without_an_end_is_let_out_without_its_secrets() -> None:
    mask = masker()
    stream = MaskedStream(mask, longest_run=600)
    text = "a;" * 2000 + PLANTED["github"] + ";b" * 2000
    out = ""
    for start in range(0, len(text), 50):
        out += stream.push(text[start : start + 50])
        assert start - len(out) < 800
    assert out + stream.flush() == mask.text(text)
