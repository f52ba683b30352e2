"""Recorded streams of the real engine, and the v1 events that they have to become.

    python -m tests.recordings                  record every scenario with the engine in use, and write its events
    python -m tests.recordings text review      only these
    python -m tests.recordings --events         leave the streams as they are, write their events anew

`tests/data/engine/NAME.jsonl` is what went over the wire between this server and the engine, `tests/data/events/NAME.jsonl`
what a client was sent and asked because of it. See docs/recordings.md.
"""

from __future__ import annotations

import json
import pathlib

from codex_mcp.wire.messages import JsonObject

DATA = pathlib.Path(__file__).parent.parent / "data"
STREAMS = DATA / "engine"
EVENTS = DATA / "events"


def names() -> list[str]:
    """Every stream there is, hand-written ones (`by_hand_…`) included."""
    return sorted(path.stem for path in STREAMS.glob("*.jsonl"))


def load_stream(name: str) -> list[JsonObject]:
    """The messages of a stream, in order: `{"<": message}` came from the engine, `{">": message}` went to it."""
    return _load(STREAMS / f"{name}.jsonl")[1:]


def load_events(name: str) -> list[JsonObject]:
    """What the client is sent and asked: `{"id", "msg"}`, `{"asks", "call_id", …}`, `{"withdraws": call_id}`."""
    return _load(EVENTS / f"{name}.jsonl")


def save(path: pathlib.Path, entries: list[JsonObject]) -> None:
    """One line each."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries))


def _load(path: pathlib.Path) -> list[JsonObject]:
    return [json.loads(line) for line in path.read_text().splitlines()]
