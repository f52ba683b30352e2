"""Rollout files of every release, read as v1 shows them."""

from __future__ import annotations

import json
import os
import pathlib
from typing import Any

import pytest

from codex_mcp.bridge import rollouts
from codex_mcp.bridge.rollouts import RolloutUnreadable
from codex_mcp.client.conversation import UnknownEvent, read_event
from codex_mcp.engine.home import CodexHome
from tests.support import recorded

ID = "01a1fc5a-321c-7fc3-9fb6-4bdd1f53011f"
USAGE = {
    "input_tokens": 1,
    "cached_input_tokens": 0,
    "output_tokens": 2,
    "reasoning_output_tokens": 0,
    "total_tokens": 3,
}
META = ("session_meta", {"id": ID, "timestamp": "2025-01-02T03:04:05.000Z", "cwd": "/", "model_provider": "mock"})


def event(kind: str, **fields: Any) -> tuple[str, Any]:
    return "event_msg", {"type": kind, **fields}


def item(kind: str, **fields: Any) -> tuple[str, Any]:
    return event("item_completed", thread_id=ID, turn_id="t", item={"type": kind, "id": "i", **fields})


@pytest.fixture
def sessions(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    monkeypatch.setenv("CODEX_HOME", str(tmp_path))
    folder = tmp_path / "sessions" / "2025" / "01" / "02"
    folder.mkdir(parents=True)
    return folder


def write(folder: pathlib.Path, *lines: tuple[str, Any]) -> pathlib.Path:
    path = folder / f"rollout-2025-01-02T03-04-05-{ID}.jsonl"
    path.write_text("".join(json.dumps({"timestamp": "x", "type": t, "payload": p}) + "\n" for t, p in lines))
    return path


OLD = [
    META,
    ("response_item", {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hello"}]}),
    event("user_message", message="hello", images=[]),
    event("token_count", info=None, rate_limits={"primary": None, "secondary": None}),
    event("agent_reasoning", text="**Think**"),
    event("agent_reasoning_raw_content", text="raw"),
    event("agent_message", message="hi"),
    event("turn_aborted", reason="interrupted"),
]
NEW = [
    META,
    event("task_started", turn_id="t"),
    item("UserMessage", content=[{"type": "text", "text": "hello", "text_elements": []}]),
    event("token_count", info=None, rate_limits=None),
    item("Reasoning", summary_text=["**Think**"], raw_content=["raw"]),
    item("CommandExecution", command="ls"),
    item("AgentMessage", content=[{"type": "Text", "text": "hi"}]),
    event("turn_aborted", reason="interrupted", turn_id="t", started_at=1),
]


@pytest.mark.requirement("history:initial-messages")
def test_old_and_new_rollouts_give_the_same_messages_in_order(sessions: pathlib.Path) -> None:
    expected: list[dict[str, Any]] = [
        {"type": "user_message", "message": "hello", "images": []},
        {"type": "token_count", "info": None, "rate_limits": {"primary": None, "secondary": None}},
        {"type": "agent_reasoning", "text": "**Think**"},
        {"type": "agent_message", "message": "hi"},
        {"type": "turn_aborted", "reason": "interrupted"},
    ]
    old = rollouts.initial_messages(write(sessions, *OLD))
    assert [m for m in old if m["type"] != "agent_reasoning_raw_content"] == expected
    assert rollouts.initial_messages(write(sessions, *NEW)) == expected


@pytest.mark.requirement("history:old-releases")
@pytest.mark.parametrize("release", recorded.RELEASES)
def test_files_that_releases_have_written_are_read_completely(release: str) -> None:
    rollout = recorded.rollout(release)
    messages = rollouts.initial_messages(rollout)
    assert recorded.talk(messages) == recorded.TALK
    assert any(message["type"] == "token_count" and message["info"] for message in messages)
    for message in messages:
        assert not isinstance(read_event({"id": "0", "msg": message}).msg, UnknownEvent)
    assert rollouts.summary(rollout)["preview"] == "What does it do?"


def test_items_tagged_by_their_key_are_read_too(sessions: pathlib.Path) -> None:
    line = event("item_completed", item={"AgentMessage": {"id": "i", "content": [{"Text": {"text": "hi"}}]}})
    assert rollouts.initial_messages(write(sessions, META, line)) == [{"type": "agent_message", "message": "hi"}]


def test_a_message_written_in_both_forms_counts_once_and_a_repeated_message_twice(sessions: pathlib.Path) -> None:
    both = [
        event("user_message", message="go", images=[]),
        item("UserMessage", content=[{"type": "text", "text": "go"}]),
    ]
    assert len(rollouts.initial_messages(write(sessions, META, *both))) == 1
    again = [item("UserMessage", content=[{"type": "text", "text": "go"}])] * 2
    assert len(rollouts.initial_messages(write(sessions, META, *again))) == 2


def test_keys_that_later_releases_added_are_left_out(sessions: pathlib.Path) -> None:
    info = {
        "total_token_usage": {**USAGE, "cache_write_input_tokens": 0},
        "last_token_usage": USAGE,
        "model_context_window": 1,
        "new": 1,
    }
    limits = {"limit_id": "codex", "primary": None, "secondary": None, "credits": None}
    (count,) = rollouts.initial_messages(
        write(sessions, META, event("token_count", info=info, rate_limits=limits, extra=1))
    )
    assert count["info"] == {"total_token_usage": USAGE, "last_token_usage": USAGE, "model_context_window": 1}
    assert count["rate_limits"] == {"primary": None, "secondary": None}


def test_turns_that_were_rolled_back_are_gone(sessions: pathlib.Path) -> None:
    lines = [
        event("user_message", message="one"),
        event("agent_message", message="1"),
        event("user_message", message="two"),
        event("agent_message", message="2"),
        event("thread_rolled_back", num_turns=1),
        event("user_message", message="three"),
    ]
    messages = [m["message"] for m in rollouts.initial_messages(write(sessions, META, *lines))]
    assert messages == ["one", "1", "three"]


def test_a_line_that_was_cut_short_is_skipped(sessions: pathlib.Path) -> None:
    path = write(sessions, META, event("agent_message", message="hi"))
    path.write_text(path.read_text() + '{"timestamp": "x", "type": "event_m')
    assert len(rollouts.initial_messages(path)) == 1


@pytest.mark.requirement("history:summary")
def test_a_summary_has_the_users_own_words(sessions: pathlib.Path) -> None:
    path = write(sessions, META, event("user_message", message="context\n## My request for Codex:\nfix it"))
    assert rollouts.summary(path) == {
        "conversationId": ID,
        "path": str(path),
        "preview": "fix it",
        "timestamp": "2025-01-02T03:04:05.000Z",
        "modelProvider": "mock",
    }
    assert rollouts.summary(write(sessions, META))["preview"] == ""


@pytest.mark.requirement("history:paths")
def test_only_files_in_the_rollout_directories_are_opened(sessions: pathlib.Path, tmp_path: pathlib.Path) -> None:
    path = write(sessions, *OLD)
    assert rollouts.locate(CodexHome.of_process(), str(path)) == path
    assert rollouts.locate(CodexHome.of_process(), os.path.relpath(path, tmp_path)) == path
    secret = tmp_path / "auth.json"
    secret.write_text("{}")
    link = sessions / "link.jsonl"
    link.symlink_to(secret)
    outside = "it is not in the sessions"
    for name, reason in (
        (str(secret), outside),
        ("auth.json", outside),
        ("sessions/../auth.json", outside),
        (str(link), outside),
        ("/etc/passwd", outside),
        ("/no/such/file", "No such file or directory (os error 2)"),
        ("sessions/\0", "null"),
    ):
        with pytest.raises(RolloutUnreadable) as error:
            rollouts.locate(CodexHome.of_process(), name)
        assert reason in error.value.message, name


def test_a_file_that_is_no_rollout_is_refused(sessions: pathlib.Path) -> None:
    path = sessions / "x.jsonl"
    path.write_text("nonsense\n{}\n")
    with pytest.raises(RolloutUnreadable, match="does not begin"):
        rollouts.summary(path)
    path.unlink()
    with pytest.raises(RolloutUnreadable, match="No such file"):
        rollouts.summary(path)


ODD: list[Any] = [5, None, [], "text", {}, {"type": "message", "payload": 3}, {"payload": {"type": "user_message"}}]
ODD_EVENTS = [
    {"type": "user_message", "message": 5, "images": 7},
    {"type": "agent_message", "message": ["x"]},
    {"type": "token_count", "info": "none", "rate_limits": []},
    {"type": "token_count", "info": {"total_token_usage": 1}},
    {"type": "thread_rolled_back", "num_turns": "two"},
    {"type": "turn_aborted", "reason": {"a": 1}},
    {"type": "item_completed", "item": "text"},
    {"type": "item_completed", "item": {}},
    {"type": "item_completed", "item": {"type": "UserMessage", "content": [{"type": "image"}, 4]}},
    {"type": "item_completed", "item": {"type": ["AgentMessage"], "content": 3}},
    {"type": "item_completed", "item": {"type": "AgentMessage", "content": [{"text": 3}]}},
    {"type": {"of": "later"}},
]


@pytest.mark.requirement("confinement:odd-lines")
def test_lines_in_unknown_forms_are_left_out(sessions: pathlib.Path) -> None:
    path = write(sessions, META, event("user_message", message="kept"))
    with path.open("a") as file:
        for line in [*ODD, *({"type": "event_msg", "payload": payload} for payload in ODD_EVENTS)]:
            file.write(json.dumps(line) + "\n")
        file.write("[" * 100_000 + "\n")
    kept = [e for e in rollouts.initial_messages(path) if e["type"] in ("user_message", "agent_message")]
    assert kept[0] == {"type": "user_message", "message": "kept", "images": []}
    assert all(isinstance(e["message"], str) for e in kept)
    assert rollouts.summary(path)["preview"] == "kept"


@pytest.mark.requirement("confinement:odd-lines")
@pytest.mark.parametrize(
    "context",
    [
        {"cwd": 5, "model": [], "effort": {}, "approval_policy": 3},
        {"sandbox_policy": {"type": ["x"]}},
        {"sandbox_policy": {"type": "of later"}},
        {"permission_profile": {"type": "managed", "file_system": {"type": "restricted", "entries": [3]}}},
        {"permission_profile": {"type": "managed", "file_system": {"type": "restricted", "entries": [{"access": 1}]}}},
        {"permission_profile": {"type": "of later"}},
        {"active_permission_profile": "text"},
    ],
)
def test_settings_in_unknown_forms_leave_a_thread_narrower(sessions: pathlib.Path, context: dict[str, Any]) -> None:
    path = write(sessions, META, ("turn_context", context))
    settings = rollouts.last_settings(CodexHome.of_process(), path)
    assert settings.sandbox_policy in (None, {"type": "readOnly"})
    assert (settings.cwd, settings.model, settings.effort, settings.approval_policy) == (None,) * 4
