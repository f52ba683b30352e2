"""Recorded streams of the engine go in, the events of the interface come out: exactly those of the golden files."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any, get_args

import pytest
from pydantic import TypeAdapter

from codex_mcp.bridge.events import ITEMS_COMPLETED, ITEMS_STARTED, NOTIFICATIONS
from codex_mcp.protocol.events import EventMsg
from tests.recordings import EVENTS, STREAMS, load_events, load_stream, names
from tests.recordings.recorder import record
from tests.recordings.replay import events_of
from tests.recordings.scenarios import SCENARIOS

EVENT_MSG: TypeAdapter[Any] = TypeAdapter(EventMsg)
# Sent by others than the translation of the engine's stream: the tools, and the end of a conversation.
NOT_OF_A_STREAM = {"session_configured", "shutdown_complete"}

# Played with the engine in use, too: together they show every event.
PLAYED = (
    "command_abort",
    "command_denied",
    "deprecated",
    "interrupt_in_command",
    "patch_approved",
    "patch_fails",
    "plan",
    "provider_fails",
    "provider_refuses",
    "raw_items",
    "reasoning_raw",
    "review",
    "stream_breaks",
    "text",
    "tool_asked",
    "unknown_model",
    "view_image",
    "web_search",
)


def all_messages() -> list[dict[str, Any]]:
    """What the engine says in all streams."""
    return [entry["<"] for name in names() for entry in load_stream(name) if "<" in entry]


@pytest.mark.requirement("events:recorded")
@pytest.mark.parametrize("name", names())
async def test_a_recorded_stream_becomes_exactly_its_events(name: str) -> None:
    shown = await events_of(load_stream(name))
    golden = load_events(name)
    for position, (entry, expected) in enumerate(zip(shown, golden, strict=False)):
        assert entry == expected, f"{name}, line {position + 1}"
    assert len(shown) == len(golden)


@pytest.mark.requirement("events:recorded")
@pytest.mark.parametrize("name", names())
def test_every_golden_event_is_one_of_the_interface(name: str) -> None:
    for entry in load_events(name):
        if "msg" in entry:
            event = EVENT_MSG.validate_python(entry["msg"])
            unknown = entry["msg"].keys() - event.model_dump(by_alias=True).keys()
            assert not unknown, event.type


def test_the_golden_files_hold_every_event_that_a_stream_can_cause() -> None:
    models = get_args(get_args(EventMsg)[0])
    known = {model.model_fields["type"].default for model in models} - NOT_OF_A_STREAM
    found = {entry["msg"]["type"] for name in names() for entry in load_events(name) if "msg" in entry}
    assert found == known


def test_the_streams_hold_every_kind_of_message_that_is_translated() -> None:
    messages = all_messages()
    assert not set(NOTIFICATIONS) - {message.get("method") for message in messages}
    for table, method in ((ITEMS_STARTED, "item/started"), (ITEMS_COMPLETED, "item/completed")):
        kinds = {message["params"]["item"]["type"] for message in messages if message.get("method") == method}
        assert not set(table) - kinds, method


def test_every_scenario_has_its_files_and_every_file_its_scenario() -> None:
    by_hand = {name for name in names() if name.startswith("by_hand_")}
    assert set(names()) - by_hand == set(SCENARIOS)
    assert {path.stem for path in EVENTS.glob("*.jsonl")} == set(names())
    assert STREAMS.exists()


def test_the_scenarios_that_are_played_show_every_event() -> None:
    golden = {name: {entry["msg"]["type"] for entry in load_events(name) if "msg" in entry} for name in names()}
    assert set().union(*golden.values()) == set().union(*(golden[name] for name in PLAYED))


@pytest.mark.requirement("events:recorded")
@pytest.mark.parametrize("name", PLAYED)
async def test_the_engine_in_use_still_causes_the_recorded_events(name: str, playground: pathlib.Path) -> None:
    stream = await record(SCENARIOS[name], playground)
    shown, golden = await events_of(stream[1:]), load_events(name)
    assert _kinds(shown) == _kinds(golden)


@pytest.mark.requirement("conversations:new:early-events")
@pytest.mark.parametrize("ahead_of", ["the answer", "turn/start", "turn/started"])
async def test_a_deprecation_is_told_whenever_the_engine_tells_it(ahead_of: str) -> None:
    stream = load_stream("deprecated")
    notice = next(entry for entry in stream if entry.get("<", {}).get("method") == "deprecationNotice")
    stream.remove(notice)
    marks: dict[str, Callable[[dict[str, Any]], bool]] = {
        "the answer": lambda entry: "result" in entry.get("<", {}),
        "turn/start": lambda entry: entry.get(">", {}).get("method") == "turn/start",
        "turn/started": lambda entry: entry.get("<", {}).get("method") == "turn/started",
    }
    place = next(index for index, entry in enumerate(stream) if marks[ahead_of](entry))
    stream.insert(place, notice)
    assert _kinds(await events_of(stream)).count("deprecation_notice") == 1


def _kinds(entries: list[dict[str, Any]]) -> list[str]:
    """What is shown in which order; when usage is reported, and in how many pieces output comes, differs."""
    kinds = [entry["msg"]["type"] if "msg" in entry else next(iter(entry)) for entry in entries]
    return [kind for kind in kinds if kind not in ("token_count", "exec_command_output_delta")]
