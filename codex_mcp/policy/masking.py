"""Masks secrets and customer data, in whole texts and in streams that cut them anywhere.

`[masked:KIND#HHHHHH]` stands for a value: equal values have equal tags, which say nothing without the key of the
installation (a plain hash would not do: card numbers can be guessed). Names and addresses of people are not known.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from codex_mcp.policy.document import Masking
from codex_mcp.redaction import Secret, could_continue, secrets

# Members of messages by which both sides find each other: paths and ids.
_LEFT = frozenset(
    {
        *("id", "cwd", "path", "type", "method", "model", "requestId", "progressToken"),
        *("threadId", "turnId", "itemId", "callId", "conversationId", "sessionId", "processId", "rolloutPath"),
        *("thread_id", "turn_id", "item_id", "call_id", "conversation_id", "session_id", "rollout_path"),
    }
)
_MASK = re.compile(r"\[masked:\w+#[0-9a-f]{6}\]")
_MAIL = re.compile(r"(?<![\w.+%-])(?!git@)[\w+%-][\w.+%-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}\b")
_CARD = re.compile(r"(?<![\d.-])\d(?:[ -]?\d){12,18}(?![\d-])")
_ISSUERS = re.compile(r"4|5[1-5]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)|3[4-7]|30|3[89]|6011|64[4-9]|65|62")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:[ ]?[A-Z0-9]){11,30}\b")

_LONGEST_RUN = 8192  # characters without white space that a stream holds back
_LONGEST_HOLD = 65536  # characters that a stream holds back in any case, of which a private key is the longest
_KEPT = 512  # characters that are still held back when a longer run is let out


class Masker:
    """Masks by one policy. `key` is the installation's."""

    def __init__(self, masking: Masking, key: bytes) -> None:
        self.counts: Counter[str] = Counter()
        """How many of each kind were masked so far."""
        self._key = key
        self._kinds = frozenset(masking.kinds)
        self._extra = tuple(re.compile(pattern) for pattern in masking.extra)

    def text(self, text: str) -> str:
        """`text` with everything masked."""
        parts, end = [], 0
        for start, stop, kind in self.find(text):
            parts += [text[end:start], self._mask(kind, text[start:stop])]
            end = stop
        return "".join([*parts, text[end:]]) if parts else text

    def tree(self, value: Any) -> Any:
        """A JSON value with every text in it masked, but for names of members, and paths and ids. The same object if
        there is nothing to mask."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            masked = {name: inner if name in _LEFT else self.tree(inner) for name, inner in value.items()}
            return masked if any(masked[name] is not value[name] for name in value) else value
        if isinstance(value, list):
            items = [self.tree(inner) for inner in value]
            return items if any(a is not b for a, b in zip(items, value, strict=True)) else value
        return value

    def tag(self, value: bytes) -> str:
        """The keyed digest of a value, in hexadecimal."""
        return hmac.new(self._key, value, hashlib.sha256).hexdigest()

    def stream(self) -> MaskedStream:
        """A masker for a text that comes in pieces."""
        return MaskedStream(self)

    def find(self, text: str) -> list[Secret]:
        """What is to be masked, in order, none overlapping another."""
        found = sorted(one for one in self._find(text) if not _MASK.fullmatch(text, one.start, one.end))
        kept: list[Secret] = []
        for one in found:
            if kept and one.start < kept[-1].end:
                kept[-1] = kept[-1]._replace(end=max(one.end, kept[-1].end))
            else:
                kept.append(one)
        return kept

    def holds(self, text: str) -> int:
        """From where on a stream that has come as far as `text` must wait for more, since a match may go on there."""
        end, hold = len(text) + 1, len(text)
        while hold < end:  # what waits may have something before it that reaches into it
            end, hold = hold, self._holds(text[:hold])
        return hold

    def _holds(self, text: str) -> int:
        hold = _last_run(text)
        if "secrets" in self._kinds:
            hold = min(hold, could_continue(text))
        for kind, growing in (("card", _GROWING_CARD), ("iban", _GROWING_IBAN)):
            if kind in self._kinds and (begun := growing.search(text, max(0, len(text) - 256))):
                hold = min(hold, begun.start())
        if self._extra:
            hold = min(hold, text.rfind("\n") + 1)
        while hold and not text[hold - 1].isspace():  # so that what comes before never matters to a match
            hold -= 1
        return hold

    def _find(self, text: str) -> Iterator[Secret]:
        if "secrets" in self._kinds:
            yield from secrets(text)
        if "mail" in self._kinds and "@" in text:
            yield from (Secret(*match.span(), "mail") for match in _MAIL.finditer(text))
        if "card" in self._kinds:
            for match in _CARD.finditer(text):
                if _is_card(match[0]):
                    yield Secret(*match.span(), "card")
        if "iban" in self._kinds:
            for match in _IBAN.finditer(text):
                if length := _iban_length(match[0]):
                    yield Secret(match.start(), match.start() + length, "iban")
        for pattern in self._extra:
            yield from (Secret(*match.span(), "extra") for match in pattern.finditer(text) if match[0])

    def _mask(self, kind: str, value: str) -> str:
        self.counts[kind] += 1
        return f"[masked:{kind}#{self.tag(value.encode(errors='replace'))[:6]}]"


class MaskedStream:
    """A text in pieces: what comes out, put together, is the masked whole. What may still become a match waits.

    Patterns of the policy's own (`extra`) are found within a line; lines then come out whole.
    """

    def __init__(self, masker: Masker, longest_run: int = _LONGEST_RUN) -> None:
        """`longest_run`: of characters without white space; of more, all but the end is let out."""
        self._masker = masker
        self._held = ""
        self._longest_run = longest_run

    def push(self, piece: str) -> str:
        """Take a piece; what may come out now."""
        self._held += piece
        hold = self._masker.holds(self._held) if _SPACE.search(self._held) else 0
        waiting = len(self._held) - hold
        if waiting > self._longest_run:
            hold = self._forced(hold)
        out, self._held = self._held[:hold], self._held[hold:]
        return self._masker.text(out) if out else ""

    def flush(self) -> str:
        """The text is over: the rest of it."""
        out, self._held = self._held, ""
        return self._masker.text(out) if out else ""

    def _forced(self, hold: int) -> int:
        """Where to cut what is too long to wait for: not within a match."""
        cut = max(hold, len(self._held) - _KEPT)
        for one in self._masker.find(self._held):
            if one.start < cut <= one.end:
                return one.start if len(self._held) - one.start < _LONGEST_HOLD else one.end
        return cut


_SPACE = re.compile(r"\s")
_GROWING_CARD = re.compile(r"\d[\d -]*\Z")
_GROWING_IBAN = re.compile(r"\b[A-Z]{1,2}\d{0,2}(?:[ ]?[A-Z0-9])*[ ]?\Z")


def _last_run(text: str) -> int:
    """Where the last run of characters without white space begins."""
    return len(text) - len(text[-1 - _LONGEST_HOLD :].rsplit(maxsplit=1)[-1]) if text[-1:].strip() else len(text)


def _digits(text: str) -> str:
    return text.replace(" ", "").replace("-", "")


@functools.lru_cache(maxsize=256)
def _is_card(text: str) -> bool:
    """Issuer and check digit (Luhn) of a card number."""
    digits = _digits(text)
    if not _ISSUERS.match(digits) or len(set(digits)) == 1:
        return False
    total = 0
    for index, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + index % 2)
        total += doubled - 9 * (doubled > 9)
    return total % 10 == 0


def _iban_length(text: str) -> int:
    """How much of `text` is an IBAN with the right check digits: whole groups; 0 if nothing is."""
    ends: Sequence[int] = [len(text), *(match.start() for match in re.finditer(" ", text))]
    for end in sorted(ends, reverse=True):
        number = _digits(text[:end])
        if 15 <= len(number) <= 34 and int("".join(str(int(c, 36)) for c in number[4:] + number[:4])) % 97 == 1:
            return end
    return 0
