"""Two conversations on one engine, however their messages interleave and wherever their bytes and texts are cut."""

from __future__ import annotations

import base64
import json
from collections import deque
from typing import Any

import anyio
import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from codex_mcp.wire import codec
from codex_mcp.wire.framing import LineDecoder
from codex_mcp.wire.messages import ErrorResponse, JsonObject, Notification, Request, Response
from tests.recordings import load_events, load_stream, names
from tests.recordings.replay import Player, Stage

# What these say without naming a thread counts for another conversation, too.
SHARED = {"deprecated", "two_turns"}
ALONE = [name for name in names() if name not in SHARED]
ENDS = {"task_complete", "turn_aborted"}
PAIRS = {
    "agent_message_delta": "agent_message_content_delta",
    "agent_reasoning_delta": "reasoning_content_delta",
    "agent_reasoning_raw_content_delta": "reasoning_raw_content_delta",
}


def other_thread(entries: list[JsonObject]) -> list[JsonObject]:
    """The same with other ids."""
    text = json.dumps(entries).replace("-7000-8000-", "-7000-9000-")
    changed: list[JsonObject] = json.loads(text)
    return changed


def cut(text: str, positions: list[int]) -> list[str]:
    """`text` in pieces; what is out of range cuts nothing."""
    ends = [*sorted({position for position in positions if 0 < position < len(text)}), len(text)]
    return [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def recut(stream: list[JsonObject], positions: list[int]) -> list[JsonObject]:
    """Every piece of text in smaller pieces."""
    entries = []
    for entry in stream:
        message = entry.get("<", {})
        delta = message.get("params", {}).get("delta") if "method" in message else None
        if delta:
            pieces = [{**message["params"], "delta": piece} for piece in cut(delta, positions)]
            entries += [{"<": {**message, "params": params}} for params in pieces]
        else:
            entries.append(entry)
    return entries


def joined(shown: list[JsonObject]) -> list[JsonObject]:
    """The same with every run of pieces as one piece."""
    result: list[JsonObject] = []
    for entry in shown:
        msg = dict(entry.get("msg") or {})
        kind = msg.get("type", "")
        before = {candidate["msg"]["type"]: candidate["msg"] for candidate in result[-2:] if "msg" in candidate}
        run = kind in before and (
            kind in PAIRS or (kind in PAIRS.values() and any(PAIRS[k] == kind for k in before if k in PAIRS))
        )
        if run:
            before[kind]["delta"] += msg["delta"]
        elif kind == "exec_command_output_delta":
            last = result[-1].get("msg", {})
            if last.get("type") == kind and last["call_id"] == msg["call_id"]:
                last["chunk"] += base64.b64decode(msg["chunk"])
            else:
                result.append({**entry, "msg": {**msg, "chunk": base64.b64decode(msg["chunk"])}})
        else:
            result.append({**entry, "msg": msg} if msg else entry)
    return result


async def play(
    streams: tuple[list[JsonObject], list[JsonObject]], turns: list[bool], cuts: list[int]
) -> tuple[list[JsonObject], list[JsonObject]]:
    """What the clients of both conversations see. `turns` says whose message is next; the engine's bytes arrive in
    chunks of the sizes `cuts`."""
    queues = (deque(streams[0]), deque(streams[1]))
    order = deque(turns)
    sizes = deque(cuts)
    decoder = LineDecoder()
    async with anyio.create_task_group() as tasks:
        stage = Stage()
        players = (Player(stage, tasks), Player(stage, tasks))
        while any(queues):
            whose = int(order.popleft()) if order else 0
            whose = whose if queues[whose] else 1 - whose
            entry = queues[whose].popleft()
            if ">" in entry:
                await players[whose].feed(entry)
                continue
            data = codec.encode(entry["<"])
            while data:
                size = sizes[0] if sizes else len(data)
                sizes.rotate(-1)
                for line in decoder.feed(data[:size]):
                    assert isinstance(line, bytes)
                    await players[whose].feed({"<": as_json(codec.decode(line))})
                data = data[size:]
    return players[0].shown, players[1].shown


def as_json(message: Request | Notification | Response | ErrorResponse) -> JsonObject:
    """A decoded message as the recordings hold it."""
    fields = ("id", "method", "params", "result", "error")
    return {field: getattr(message, field) for field in fields if hasattr(message, field)}


@pytest.mark.requirement("events:complete")
@settings(max_examples=150)
@given(
    names=st.tuples(st.sampled_from(ALONE), st.sampled_from(ALONE)),
    turns=st.lists(st.booleans(), max_size=80),
    cuts=st.lists(st.integers(1, 900), max_size=8),
    positions=st.lists(st.integers(1, 30), max_size=6),
)
def test_each_conversation_sees_its_own_events_whole_once_and_in_order(
    names: tuple[str, str], turns: list[bool], cuts: list[int], positions: list[int]
) -> None:
    streams = recut(load_stream(names[0]), positions), other_thread(recut(load_stream(names[1]), positions))
    first, second = anyio.run(play, streams, turns, cuts)
    assert joined(first) == joined(load_events(names[0]))
    assert joined(second) == joined(other_thread(load_events(names[1])))


@pytest.mark.requirement("events:complete")
@given(text=st.text(min_size=1, max_size=200), positions=st.lists(st.integers(1, 200), max_size=20))
def test_output_of_a_command_is_whole_wherever_it_is_cut(text: str, positions: list[int]) -> None:
    stream: list[JsonObject] = []
    for entry in load_stream("command_approved"):
        message: Any = entry.get("<", {})
        item = message.get("params", {}).get("item", {}) if "method" in message else {}
        if message.get("method") == "item/commandExecution/outputDelta":
            entry = {"<": {**message, "params": {**message["params"], "delta": text}}}
        elif item.get("type") == "commandExecution" and message["method"] == "item/completed":
            entry = {"<": {**message, "params": {**message["params"], "item": {**item, "aggregatedOutput": text}}}}
        stream.append(entry)
    shown, _ = anyio.run(play, (recut(stream, positions), []), [], [])
    chunks = [e["msg"]["chunk"] for e in shown if e.get("msg", {}).get("type") == "exec_command_output_delta"]
    assert b"".join(map(base64.b64decode, chunks)).decode() == text


@pytest.mark.requirement("events:order:end")
@pytest.mark.parametrize("name", names())
def test_the_last_event_of_every_turn_says_that_it_is_over(name: str) -> None:
    last: dict[str, str] = {}
    for entry in load_events(name):
        if entry.get("id"):
            assert last.get(entry["id"]) not in ENDS
            last[entry["id"]] = entry["msg"]["type"]
    assert last
    assert set(last.values()) <= ENDS
    assert [int(id) for id in last] == sorted(int(id) for id in last)
