"""The guard: decisions meet the trail, the gate and whoever is asked."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest

from codex_mcp.policy.audit.trail import AuditFailed
from codex_mcp.policy.audit.verify import verify
from codex_mcp.policy.document import Audit, Document, HighImpact, Masking, Scope
from codex_mcp.policy.engine_requests import PolicyDenied
from codex_mcp.policy.gate import GateCall
from codex_mcp.policy.guard import Answer, Guard, Question
from codex_mcp.policy.load import Policy, PolicyError

pytestmark = pytest.mark.anyio


class Person:
    """Answers what it is asked with what it was given."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.asked: list[Question] = []
        self.denied: list[str] = []

    async def ask(self, question: Question, limit: float) -> Answer:
        self.asked.append(question)
        return self.answer

    def tell_denied(self, question: Question, because: str) -> None:
        self.denied.append(because)


YES, NO = Answer("approved", "elicitation"), Answer("declined", "elicitation", "not today")


@pytest.fixture
def guard(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Guard:
    (tmp_path / "run").mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    document = Document(
        version=1,
        scope=Scope(roots=(str(tmp_path / "src"),), deny_paths=("**/.env",)),
        high_impact=(HighImpact(category="production", commands=("push",)),),
        audit=Audit(dir=str(tmp_path / "audit")),
        masking=Masking(),
    )
    policy = Policy(document, "digest", (str(tmp_path / "policy.toml"),))
    return Guard(policy, cwd=str(tmp_path / "src"), home=tmp_path / "home", configured={}, flags={})


def call(command: str, agent: str = "", tool: str = "Bash") -> GateCall:
    return GateCall("parent", agent, "turn", "call-1", tool, {"command": command}, "/src")


def records(guard: Guard) -> list[dict[str, Any]]:
    assert verify(guard.folder).findings == []
    lines = [line for path in sorted(guard.folder.glob("20*.jsonl")) for line in path.read_bytes().splitlines()]
    return [record for record in map(json.loads, lines) if not record["event"].startswith("log.")]


@pytest.mark.requirement("policy:P-17")
async def test_a_sub_agents_act_is_asked_and_recorded_with_parent_and_child(guard: Guard) -> None:
    guard.asker = person = Person(YES)
    assert await guard._judge(call("git push", agent="child")) is None
    assert person.asked[0].call.agent == "child"
    decided = records(guard)
    assert [(r["thread"], r["parent"], r["decision"]) for r in decided] == [
        ("child", "parent", "ask"), ("child", "parent", "approved"),
    ]  # fmt: skip


@pytest.mark.requirement("policy:audit:before")
async def test_an_act_is_recorded_before_it_runs_and_when_it_ended(guard: Guard) -> None:
    guard.asker = Person(YES)
    assert await guard._judge(call("ls jane@example.org")) is None
    [decided] = records(guard)
    assert (decided["event"], decided["decision"], decided["approver"]) == ("decided", "allow", "policy")
    assert "jane@example.org" not in str(decided)
    item = {"id": "call-1", "type": "commandExecution", "status": "failed", "exitCode": 2, "durationMs": 7}
    guard.hear("item/completed", {"item": item})
    ended = records(guard)[-1]
    assert (ended["event"], ended["outcome"]) == ("ended", {"status": "failed", "exit": 2, "ms": 7})


@pytest.mark.requirement("policy:P-4")
async def test_a_no_is_a_refusal_with_the_rule(guard: Guard) -> None:
    guard.asker = Person(NO)
    refusal = await guard._judge(call("git push"))
    assert refusal is not None
    assert "high_impact.production" in refusal
    assert "not today" in refusal
    assert [r["decision"] for r in records(guard)] == ["ask", "declined"]


async def test_what_the_policy_refuses_is_told_and_nobody_is_asked(guard: Guard) -> None:
    guard.asker = person = Person(YES)
    refusal = await guard._judge(call("*** Begin Patch\n*** Add File: .env\n+x", tool="apply_patch"))
    assert refusal is not None
    assert "scope.deny_paths" in refusal
    assert person.asked == []
    assert person.denied == [refusal]


@pytest.mark.requirement("policy:P-23")
async def test_what_cannot_be_recorded_is_refused(guard: Guard, monkeypatch: pytest.MonkeyPatch) -> None:
    guard.asker = Person(YES)

    def full(*_: Any, **__: Any) -> None:
        raise AuditFailed("no space left")

    monkeypatch.setattr(guard.trail, "append", full)
    refusal = await guard._judge(call("ls"))
    assert refusal is not None
    assert "audit.required" in refusal
    with pytest.raises(PolicyDenied, match="no space left"):
        guard.admit("ide/1", "tools/call", {"name": "codex"}, 1)
    with pytest.raises(PolicyDenied, match="no space left"):
        guard.pass_on("ide/1", "thread/start", {}, by_tool=True)
    monkeypatch.undo()
    assert await guard._judge(call("ls")) is None


def hooks(guard: Guard, **state: Any) -> dict[str, Any]:
    hook = {"command": guard.gate.hook, "enabled": True, "trustStatus": "trusted", **state}
    return {"data": [{"cwd": "/", "hooks": [hook]}]}


@pytest.mark.requirement("policy:P-8")
@pytest.mark.parametrize(
    ("state", "config", "wrong"),
    [
        ({}, {}, None),
        ({"trustStatus": "managed"}, {}, None),
        ({"trustStatus": "untrusted"}, {}, "gate"),
        ({"trustStatus": "modified"}, {}, "gate"),
        ({"enabled": False}, {}, "gate"),
        ({"command": "another"}, {}, "gate"),
        ({}, {"features": {"hooks": False}}, "hooks"),
        ({}, {"mcp_servers": {"x": {"command": "y"}}}, "`x`"),
        ({}, {"mcp_servers": {"x": {"command": "y", "enabled": False}}}, None),
    ],
)
async def test_an_engine_that_is_not_as_it_has_to_be_is_not_used(
    guard: Guard, state: dict[str, Any], config: dict[str, Any], wrong: str | None
) -> None:
    async def ask(method: str, params: Any) -> Any:
        return hooks(guard, **state) if method == "hooks/list" else {"config": config}

    if wrong is None:
        await guard.check_engine(ask)
    else:
        with pytest.raises(PolicyError, match=wrong):
            await guard.check_engine(ask)
