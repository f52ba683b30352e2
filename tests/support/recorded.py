"""Rollout files of real releases (`record_rollout` makes them), and what was said in each of them."""

from __future__ import annotations

import pathlib
from collections.abc import Iterable
from typing import Any

from tests.support import engine_in_use
from tests.support.record_rollout import DOT_URL

_FILES = pathlib.Path(__file__).parent.parent / "data" / "rollouts"
RELEASES = ("0.53", "0.144", "0.153.4", "0.169")

TALK: list[tuple[str, Any]] = [
    ("user_message", "What does it do?"),
    ("agent_reasoning", "**Looking**"),
    ("agent_reasoning", "**Answering**"),
    ("agent_message", "It greets."),
    ("user_message", ("And this?", [DOT_URL])),
    ("agent_message", "A dot."),
    ("user_message", "Write a file."),
    ("agent_message", "First a look."),
    ("agent_message", "Done."),
    ("user_message", "Wait."),
    ("agent_message", "A part"),
    ("turn_aborted", "interrupted"),
    ("user_message", "And now?"),
    ("agent_message", "The end."),
]


def readable_by_engine(release: str) -> bool:
    """Whether the engine under test reads what that release wrote: files in pages came after 0.144."""
    return engine_in_use.version() > (0, 145) or release in ("0.53", "0.144")


def rollout(release: str) -> pathlib.Path:
    """The file that the release wrote."""
    return _FILES / f"{release}.jsonl"


def talk(messages: Iterable[dict[str, Any]]) -> list[tuple[str, Any]]:
    """What `initialMessages` tell, without token counts and raw reasoning, which not every release keeps."""
    told: list[tuple[str, Any]] = []
    for message in messages:
        if message["type"] in ("token_count", "agent_reasoning_raw_content"):
            continue
        text = message.get("message") or message.get("text") or message.get("reason")
        told.append((message["type"], (text, message["images"]) if message.get("images") else text))
    return told
