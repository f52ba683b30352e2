"""What the engine cannot read is never sent, and what it must not tell is never passed on."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from tests.support.home import Home
from tests.support.raw import INITIALIZE, RawServer
from tests.support.scripted_engine import ScriptedEngine

KEY = "sk-proj-0123456789abcdefghij"


def nested(levels: int) -> Any:
    value: Any = {}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


def calls_with(value: Any) -> list[tuple[str, dict[str, Any]]]:
    """Calls that hand raw JSON to the engine."""
    content = [{"type": "input_text", "text": "hello"}]
    history = [{"type": "message", "role": "user", "content": content, "extra": value}]
    return [
        ("newConversation", {"config": {"unknown.key": [value]}}),
        ("resumeConversation", {"history": history}),
        ("resumeConversation", {"history": [{**history[0], "extra": [{"deep": value}]}]}),
    ]


@pytest.mark.requirement("reliability:engine:unreadable")
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("a \ud83d b", "half of a surrogate pair"),
        ("\udc00", "half of a surrogate pair"),
        ({"\udc00": 1}, "half of a surrogate pair"),
        (nested(130), "levels deep"),
        (nested(400), "levels deep"),
        (10**400, "out of range"),
        (-(10**400), "out of range"),
    ],
    ids=["high half", "low half", "key", "nested 130", "nested 400", "huge", "hugely negative"],
)
def test_what_the_engine_cannot_read_is_refused_with_the_reason(home: Home, value: Any, reason: str) -> None:
    with RawServer(home) as server:
        server.send(INITIALIZE)
        for number, (method, params) in enumerate(calls_with(value), 2):
            server.send({"id": number, "method": method, "params": params})
            error = server.answer(number)["error"]
            assert error["code"] == -32600
            assert reason in error["message"]


@pytest.mark.requirement("reliability:engine:unreadable")
def test_what_the_engine_can_read_is_taken_however_odd(home: Home) -> None:
    odd = ["\U0001f600", nested(100), 2**63, 10**300, -(2**63), 1e308, "\u0000", "x" * 1_000_000]
    with RawServer(home) as server:
        server.send(INITIALIZE)
        for number, value in enumerate(odd, 2):
            server.send({"id": number, "method": "resumeConversation", "params": calls_with(value)[1][1]})
            assert "result" in server.answer(number)
        server.send({"id": 99, "method": "resumeConversation", "params": calls_with(2**64)[1][1]})
        assert "18446744073709551616" in server.answer(99)["error"]["message"]  # read, and refused by the engine itself


@pytest.mark.requirement("reliability:secrets:engine")
def test_the_last_words_of_an_engine_are_passed_on_without_secrets(home: Home) -> None:
    engine = ScriptedEngine(home.root, "dies-at-start", "tells-secrets")
    with RawServer(home, "--codex", str(engine.path), "--log-level", "debug", stderr=subprocess.PIPE) as server:
        server.send(INITIALIZE, {"id": 2, "method": "newConversation", "params": {}})
        message = server.answer(2)["error"]["message"]
        assert "scripted engine: cannot start" in message
        assert "Authorization: Bearer ***" in message
        server.end()
        assert server.process.stderr is not None
        logged = server.process.stderr.read().decode()
    assert "scripted engine: cannot start" in logged
    assert KEY not in message
    assert KEY not in logged
    assert "eyJhbGciOiJI" not in message + logged
