"""The order that clients rely on, rule by rule; each test is a stream of a few messages."""

from __future__ import annotations

import base64
import logging
from typing import Any

import pytest

from codex_mcp.bridge.approvals import Approval
from codex_mcp.bridge.conversation import Conversation
from codex_mcp.bridge.events import LEFT_RUNNING, Event, Translator
from codex_mcp.bridge.options import ThreadRequest

THREAD = "thread"
USAGE = {"totalTokens": 3, "inputTokens": 1, "cachedInputTokens": 0, "outputTokens": 2, "reasoningOutputTokens": 0}
LIMITS = {"primary": {"usedPercent": 5, "windowDurationMins": 300, "resetsAt": None}, "secondary": None}
DIFF = [{"path": "/w/new.txt", "kind": {"type": "add"}, "diff": "x\n"}]


class Turn:
    """A translator in a turn; each method is a message of the engine and gives the events it causes."""

    def __init__(self, id: str = "t1", translator: Translator | None = None) -> None:
        self.id = id
        self.translator = translator or Translator(THREAD)
        number = self.translator.next_submission()
        self.translator.bind_turn(id, number)
        self.say("turn/started", turn={"id": id})

    def say(self, method: str, **params: Any) -> list[Event]:
        about = {} if method.startswith("account/") else {"threadId": THREAD, "turnId": self.id}
        return self.translator.translate(method, {**about, **params})

    def started(self, kind: str, id: str, **fields: Any) -> list[Event]:
        return self.say("item/started", item={"type": kind, "id": id, **fields})

    def completed(self, kind: str, id: str, **fields: Any) -> list[Event]:
        return self.say("item/completed", item={"type": kind, "id": id, **fields})

    def command_begins(self, id: str = "c") -> list[Event]:
        return self.started("commandExecution", id, command="sleep 9", cwd="/w", commandActions=[])

    def command_ends(self, id: str = "c", output: str = "", **fields: Any) -> list[Event]:
        body = {"command": "sleep 9", "cwd": "/w", "status": "completed", "exitCode": 0, "durationMs": 1500}
        return self.completed("commandExecution", id, aggregatedOutput=output, **{**body, **fields})

    def prints(self, text: str, id: str = "c") -> list[Event]:
        return self.say("item/commandExecution/outputDelta", itemId=id, delta=text)

    def ends(self, status: str = "completed", **turn: Any) -> list[Event]:
        return self.say("turn/completed", turn={"id": self.id, "status": status, **turn})


def types(events: list[Event]) -> list[str]:
    return [event.msg["type"] for event in events]


def output(events: list[Event]) -> str:
    chunks = [event.msg["chunk"] for event in events if event.msg["type"] == "exec_command_output_delta"]
    return b"".join(map(base64.b64decode, chunks)).decode()


@pytest.mark.requirement("events:order:command")
def test_a_task_waits_for_its_command_to_end() -> None:
    turn = Turn()
    turn.command_begins()
    assert turn.ends() == []
    assert turn.translator.holding
    events = turn.command_ends(output="done\n")
    assert types(events) == ["exec_command_output_delta", "exec_command_end", "task_complete"]
    assert not turn.translator.holding


@pytest.mark.requirement("events:order:command")
def test_a_task_waits_for_all_of_its_commands() -> None:
    turn = Turn()
    turn.command_begins("a")
    turn.command_begins("b")
    turn.ends()
    assert types(turn.command_ends("b")) == ["exec_command_end"]
    assert types(turn.command_ends("a")) == ["exec_command_end", "task_complete"]


@pytest.mark.requirement("events:order:command")
def test_a_command_that_is_not_waited_for_any_more_is_shown_as_left_running() -> None:
    turn = Turn()
    turn.command_begins()
    turn.prints("so far\n")
    turn.ends()
    end, complete = turn.translator.release()
    assert (end.msg["type"], end.msg["exit_code"]) == ("exec_command_end", LEFT_RUNNING)
    assert complete.msg["type"] == "task_complete"
    assert turn.prints("too late\n") == []
    assert turn.command_ends() == []


@pytest.mark.requirement("events:order:command")
def test_the_next_turn_does_not_begin_before_the_last_has_ended() -> None:
    turn = Turn()
    turn.command_begins()
    turn.ends()
    turn.translator.bind_turn("t2", turn.translator.next_submission())
    events = turn.say("turn/started", turn={"id": "t2"})
    assert types(events) == ["exec_command_end", "task_complete", "task_started"]
    assert [event.id for event in events] == ["0", "0", "1"]


@pytest.mark.requirement("events:order:command")
def test_a_command_whose_beginning_was_not_told_still_begins_before_it_ends() -> None:
    events = Turn().command_ends(output="x", status="failed", exitCode=None)
    assert types(events) == ["exec_command_begin", "exec_command_output_delta", "exec_command_end"]
    assert events[-1].msg["exit_code"] == -1


@pytest.mark.requirement("events:order:patch")
def test_a_patch_is_asked_for_before_it_begins() -> None:
    turn = Turn()
    assert turn.started("fileChange", "p", changes=DIFF) == []
    events, details = turn.translator.patch_approval({"itemId": "p", "turnId": "t1", "grantRoot": "/w"})
    assert types(events) == ["apply_patch_approval_request"]
    assert details["changes"] == {"/w/new.txt": {"add": {"content": "x\n"}}}
    assert (details["grant_root"], events[0].msg["grant_root"]) == ("/w", "/w")
    assert [e.msg["auto_approved"] for e in turn.translator.patch_approved("p")] == [False]
    events = turn.completed("fileChange", "p", changes=DIFF, status="completed")
    assert types(events) == ["exec_command_output_delta", "patch_apply_end"]


@pytest.mark.requirement("events:order:patch")
def test_a_patch_that_nobody_is_asked_about_begins_as_it_is_done() -> None:
    turn = Turn()
    turn.started("fileChange", "p", changes=DIFF)
    events = turn.completed("fileChange", "p", changes=DIFF, status="failed")
    assert types(events) == ["patch_apply_begin", "patch_apply_end"]
    assert (events[0].msg["auto_approved"], events[1].msg["success"]) == (True, False)


@pytest.mark.requirement("events:order:patch")
def test_a_patch_that_is_declined_leaves_no_trace() -> None:
    turn = Turn()
    turn.started("fileChange", "p", changes=DIFF)
    turn.translator.patch_approval({"itemId": "p", "turnId": "t1"})
    assert turn.completed("fileChange", "p", changes=DIFF, status="declined") == []
    assert turn.translator.patch_approved("p") == []


@pytest.mark.requirement("events:order:message")
def test_a_message_follows_its_pieces_and_late_pieces_are_dropped() -> None:
    turn = Turn()
    turn.started("agentMessage", "m", text="")
    assert types(turn.say("item/agentMessage/delta", itemId="m", delta="he")) == [
        "agent_message_content_delta",
        "agent_message_delta",
    ]
    assert types(turn.completed("agentMessage", "m", text="hello")) == ["item_completed", "agent_message"]
    assert turn.say("item/agentMessage/delta", itemId="m", delta="llo") == []
    assert turn.translator.dropped == {"delta of a closed item": 1}
    assert turn.ends()[0].msg["last_agent_message"] == "hello"


@pytest.mark.requirement("events:order:message")
@pytest.mark.parametrize(
    ("kind", "fields", "body"),
    [
        ("agentMessage", {"text": "x"}, {"AgentMessage": {"id": "i", "content": []}}),
        ("reasoning", {"summary": ["x"]}, {"Reasoning": {"id": "i", "summary_text": [], "raw_content": []}}),
        ("webSearch", {"query": "x"}, {"WebSearch": {"id": "i", "query": "x"}}),
    ],
)
def test_an_item_that_is_only_completed_is_started_first(kind: str, fields: Any, body: Any) -> None:
    events = Turn().completed(kind, "i", **fields)
    assert types(events)[:2] == ["item_started", "item_completed"]
    assert events[0].msg["item"] == body


@pytest.mark.requirement("events:order:usage")
def test_usage_and_limits_are_one_event() -> None:
    turn = Turn()
    usage = {"total": USAGE, "last": USAGE, "modelContextWindow": 1000}
    assert turn.say("thread/tokenUsage/updated", tokenUsage=usage) == []
    (event,) = turn.say("account/rateLimits/updated", rateLimits=LIMITS)
    assert event.msg["info"]["total_token_usage"]["total_tokens"] == 3
    assert event.msg["rate_limits"]["primary"]["used_percent"] == 5
    assert turn.say("account/rateLimits/updated", rateLimits=LIMITS) == []


@pytest.mark.requirement("events:order:usage")
def test_usage_without_limits_is_shown_before_what_comes_next() -> None:
    turn = Turn()
    usage = {"total": USAGE, "last": USAGE, "modelContextWindow": 1000}
    turn.say("thread/tokenUsage/updated", tokenUsage=usage)
    assert types(turn.ends()) == ["token_count", "task_complete"]
    started = Turn("t2", turn.translator).say("turn/diff/updated", diff="x")
    assert types(started) == ["turn_diff"]


@pytest.mark.requirement("events:limits")
def test_limits_that_are_left_out_stay_as_they_were_and_those_of_a_model_are_not_the_account_s() -> None:
    turn = Turn()
    usage = {"total": USAGE, "last": USAGE, "modelContextWindow": 1000}
    weekly = {"usedPercent": 7, "windowDurationMins": 10080, "resetsAt": 9}
    turn.say("account/rateLimits/updated", rateLimits=LIMITS)
    turn.say("account/rateLimits/updated", rateLimits={"limitId": "codex", "primary": None, "secondary": weekly})
    turn.say("thread/tokenUsage/updated", tokenUsage=usage)
    (event,) = turn.say("account/rateLimits/updated", rateLimits={"limitId": "one-model", "primary": weekly})
    limits = event.msg["rate_limits"]
    assert (limits["primary"]["used_percent"], limits["secondary"]["used_percent"]) == (5, 7)


@pytest.mark.requirement("events:order:end")
@pytest.mark.parametrize("status", ["completed", "interrupted", "failed"])
def test_nothing_of_a_turn_follows_its_end(status: str) -> None:
    turn = Turn()
    turn.started("agentMessage", "m", text="")
    turn.started("fileChange", "p", changes=DIFF)
    last = {"interrupted": "turn_aborted"}.get(status, "task_complete")
    assert types(turn.ends(status))[-1] == last
    assert turn.say("item/agentMessage/delta", itemId="m", delta="late") == []
    assert turn.completed("agentMessage", "m", text="late") == []
    assert turn.completed("fileChange", "p", changes=DIFF, status="completed") == []
    assert turn.translator.patch_approved("p") == []
    assert turn.ends(status) == []


@pytest.mark.requirement("events:order:end")
def test_a_command_of_an_aborted_turn_ends_unseen() -> None:
    turn = Turn()
    turn.command_begins()
    assert types(turn.ends("interrupted")) == ["turn_aborted"]
    assert turn.prints("late") == []
    assert turn.command_ends(output="late") == []


@pytest.mark.requirement("events:order:end")
def test_a_turn_that_failed_says_why_once() -> None:
    turn = Turn()
    error = {"message": "boom"}
    assert types(turn.say("error", error={"message": "Reconnecting... 1/1"}, willRetry=True)) == ["stream_error"]
    assert types(turn.say("error", error=error, willRetry=False)) == ["error"]
    assert types(turn.ends("failed", error=error)) == ["task_complete"]
    silent = Turn("t2", turn.translator)
    events = silent.ends("failed", error=error)
    assert [event.msg.get("message") for event in events] == ["boom", None]


@pytest.mark.requirement("events:order:end")
@pytest.mark.parametrize("hold", [False, True], ids=["running", "waiting for a command"])
def test_a_turn_can_be_ended_without_the_engine(hold: bool) -> None:
    for end, last in ((Translator.abort, "turn_aborted"), (Translator.fail, "task_complete")):
        turn = Turn()
        if hold:
            turn.command_begins()
            turn.ends()
        assert types(end(turn.translator, "the engine is gone")) == ["error", last]
        assert turn.ends("interrupted") == []
        assert turn.command_ends() == []
        assert end(turn.translator, "again") == []


@pytest.mark.requirement("reliability:engine:accepted")
def test_a_turn_that_was_accepted_and_never_announced_can_be_ended_too() -> None:
    translator = Translator(THREAD)
    translator.expect_turn("t1", translator.next_submission())
    assert [(event.id, event.msg["type"]) for event in translator.abort("gone")] == [
        ("0", "error"),
        ("0", "turn_aborted"),
    ]
    assert translator.abort("gone") == []
    assert types(Turn("t2", translator).ends()) == ["task_complete"]
    assert translator.abort("gone") == []


@pytest.mark.requirement("events:ids")
def test_events_carry_the_number_of_their_submission() -> None:
    translator = Translator(THREAD)
    first = Turn("t1", translator)
    assert {event.id for event in first.command_begins()} == {"0"}
    translator.next_submission()  # an approval was answered
    first.command_ends()
    first.ends()
    second = Turn("t2", translator)
    events = second.started("agentMessage", "m", text="")
    assert [(event.id, event.msg["turn_id"], event.msg["thread_id"]) for event in events] == [("2", "2", THREAD)]
    events = second.say("deprecationNotice", summary="old", details=None)
    assert [(event.id, event.msg) for event in events] == [("", {"type": "deprecation_notice", "summary": "old"})]


@pytest.mark.requirement("events:ids")
def test_a_message_that_joins_a_turn_has_its_number_and_no_event_of_its_own() -> None:
    turn = Turn()
    content = [{"type": "text", "text": "one"}]
    turn.started("userMessage", "u1", content=content)
    assert types(turn.completed("userMessage", "u1", content=content)) == ["item_completed", "user_message"]
    turn.translator.next_submission()
    assert turn.started("userMessage", "u2", content=content) == []
    assert turn.completed("userMessage", "u2", content=content) == []
    assert [event.id for event in turn.ends()] == ["0"]


@pytest.mark.requirement("events:output")
@pytest.mark.parametrize(
    ("streamed", "total"),
    [("", "all of it"), ("abc", "abc"), ("def", "abcdef"), ("abc", "abcdef")],
    ids=["nothing streamed", "all streamed", "the start is missing", "the end is missing"],
)
def test_output_that_was_not_streamed_comes_before_the_end(streamed: str, total: str) -> None:
    turn = Turn()
    turn.command_begins()
    before = turn.prints(streamed) if streamed else []
    after = turn.command_ends(output=total)
    assert sorted(output(before) + output(after)) == sorted(total)
    assert after[-1].msg["aggregated_output"] == total


@pytest.mark.requirement("events:unknown-kinds")
def test_unknown_kinds_cause_no_event_and_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    request = ThreadRequest({}, (), show_raw_reasoning=False)
    conversation = Conversation("c", request, _Silent())
    turn = Turn(translator=conversation.translator)
    assert turn.say("turn/teleported") == []
    assert turn.started("hologram", "h") == []
    assert turn.completed("hologram", "h") == []
    assert turn.started("sleep", "s") == []
    assert turn.say("item/mcpToolCall/progress", itemId="x", message="y") == []
    counts = {
        "unknown turn/teleported": 1,
        "unknown item hologram": 2,
        "item sleep": 1,
        "item/mcpToolCall/progress": 1,
    }
    assert turn.translator.dropped == counts
    with caplog.at_level(logging.DEBUG, logger="codex_mcp"):
        conversation.on_notification("turn/completed", {"turn": {"id": "t1", "status": "completed"}})
    (record,) = [record for record in caplog.records if record.levelno == logging.DEBUG]
    assert all(f"{name}: {count}" in record.getMessage() for name, count in counts.items())
    assert not turn.translator.dropped


class _Silent:
    """An outlet that nobody listens at."""

    def emit(self, conversation: Conversation, events: list[Event]) -> None: ...

    def ask(self, approval: Approval) -> None: ...

    def withdraw(self, approval: Approval) -> None: ...

    def refused(self, approval: Approval, because: str) -> None: ...

    def closed(self, conversation: Conversation) -> None: ...


@pytest.mark.requirement("events:unknown-kinds")
def test_unknown_parts_of_known_kinds_are_taken() -> None:
    turn = Turn()
    turn.started("commandExecution", "c", command="a 'b", cwd="/w", commandActions=[{"type": "teleport"}], tint="red")
    content = [{"type": "text", "text": "hi"}, {"type": "hologram", "of": "x"}]
    events = turn.completed("userMessage", "u", content=content, mood="good")
    assert events[-1].msg == {"type": "user_message", "message": "hi", "images": []}
