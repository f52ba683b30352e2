"""Approvals over the wire: every decision, both kinds, and what happens when no clear answer comes."""

from __future__ import annotations

import json
from typing import Any

import anyio
import pytest

from codex_mcp.client import ApprovalRequest
from codex_mcp.offline import OfflineModel
from codex_mcp.protocol import events as ev
from codex_mcp.protocol import registry
from codex_mcp.protocol.approvals import ApplyPatchApprovalParams, Decision, ExecCommandApprovalParams
from codex_mcp.surfaces.v1 import questions
from codex_mcp.wire.errors import RpcError
from tests.support.home import Home
from tests.support.server import Wire, of, serving, turn, types

COMMAND = {"run": "echo data > out.txt && cat out.txt", "id": "call_1"}
PATCH = {"patch": "*** Begin Patch\n*** Add File: new.txt\n+hello\n*** End Patch\n", "id": "call_1"}


class Person:
    """Answers approvals with the decisions given, in order, and remembers what was asked."""

    def __init__(self, *decisions: Any) -> None:
        self._decisions = list(decisions)
        self.asked: list[ApprovalRequest] = []

    def __call__(self, request: ApprovalRequest) -> Decision:
        self.asked.append(request)
        decision = self._decisions.pop(0)
        if isinstance(decision, Exception):
            raise decision
        assert isinstance(decision, str)
        return decision  # type: ignore[return-value]


@pytest.mark.requirement("approvals:command:asked")
async def test_a_command_is_asked_for_with_all_that_it_would_do(home: Home, model: OfflineModel) -> None:
    model.add([COMMAND])
    person, wire = Person("approved"), Wire()
    async with serving(home, approve=person, wire=wire) as client:
        conversation = await client.new_conversation(approval_policy="untrusted", sandbox="danger-full-access")
        events = await turn(conversation, "go")
    asked = person.asked[0]
    assert isinstance(asked, ExecCommandApprovalParams)
    assert asked.conversation_id == conversation.id
    assert asked.call_id == "call_1"
    assert asked.command[-2:] == ["-lc", COMMAND["run"]]
    assert asked.cwd == str(home.workspace)
    order = ["exec_command_begin", "exec_approval_request", "exec_command_output_delta", "exec_command_end"]
    assert [t for t in types(events) if t in order] == order
    assert wire.position(event="exec_approval_request") < wire.position(method="execCommandApproval")
    request = wire.received[wire.position(method="execCommandApproval")]
    assert request["id"] == 0
    assert {"reason": None, "risk": None}.items() <= request["params"].items()


@pytest.mark.requirement("approvals:patch:asked")
async def test_a_patch_is_asked_for_with_its_changes_before_it_begins(home: Home, model: OfflineModel) -> None:
    (home.workspace / "upd.txt").write_text("one\ntwo\n")
    (home.workspace / "del.txt").write_text("bye\n")
    (home.workspace / "old.txt").write_text("a\n")
    model.add(
        [
            {
                "patch": "*** Begin Patch\n*** Add File: new.txt\n+hello\n*** Update File: upd.txt\n@@\n one\n-two\n+TWO\n"
                "*** Delete File: del.txt\n*** Update File: old.txt\n*** Move to: moved.txt\n@@\n-a\n+b\n*** End Patch\n",
                "id": "call_1",
            }
        ]
    )
    person, wire = Person("approved"), Wire()
    async with serving(home, approve=person, wire=wire) as client:
        events = await turn(await client.new_conversation(approval_policy="untrusted"), "go")
    asked = person.asked[0]
    assert isinstance(asked, ApplyPatchApprovalParams)
    changes = {path.removeprefix(f"{home.workspace}/"): c.model_dump() for path, c in asked.file_changes.items()}
    assert changes["new.txt"] == {"add": {"content": "hello\n"}}
    assert changes["del.txt"] == {"delete": {"content": "bye\n"}}
    assert changes["upd.txt"]["update"]["unified_diff"].endswith("-two\n+TWO\n")
    assert changes["upd.txt"]["update"]["move_path"] is None
    assert changes["old.txt"]["update"]["move_path"] == f"{home.workspace}/moved.txt"
    assert "Moved to" not in changes["old.txt"]["update"]["unified_diff"]
    order = ["apply_patch_approval_request", "patch_apply_begin", "exec_command_output_delta", "patch_apply_end"]
    assert [t for t in types(events) if t in order] == order
    assert of(events, ev.PatchApplyBegin)[0].auto_approved is False
    end = of(events, ev.PatchApplyEnd)[0]
    assert end.success
    assert end.stdout == "Success. Updated the following files:\nA new.txt\nM moved.txt\nM upd.txt\nD del.txt\n"
    assert (home.workspace / "moved.txt").read_text() == "b\n"
    request = wire.received[wire.position(method="applyPatchApproval")]
    assert {"reason": None, "grantRoot": None}.items() <= request["params"].items()


@pytest.mark.requirement("approvals:decisions")
@pytest.mark.parametrize("step", [COMMAND, PATCH], ids=["command", "patch"])
@pytest.mark.parametrize(
    ("answer", "done", "last"),
    [
        ("approved", True, "task_complete"),
        ("approved_for_session", True, "task_complete"),
        ("allow", True, "task_complete"),
        ("denied", False, "task_complete"),
        ("deny", False, "task_complete"),
        ("abort", False, "turn_aborted"),
        ("perhaps", False, "task_complete"),
        (RpcError(-1, "no"), False, "task_complete"),
    ],
    ids=["approved", "approved_for_session", "allow", "denied", "deny", "abort", "garbage", "error"],
)
async def test_only_a_clear_yes_is_a_yes(
    home: Home, model: OfflineModel, step: Any, answer: Any, done: bool, last: str
) -> None:
    model.add([step], [{"say": "afterwards"}], [{"say": "still here"}])
    async with serving(home, approve=Person(answer)) as client:
        conversation = await client.new_conversation(approval_policy="untrusted", sandbox="danger-full-access")
        events = await turn(conversation, "go")
        file = home.workspace / ("out.txt" if "run" in step else "new.txt")
        assert file.exists() is done
        assert types(events)[-1] == last
        assert ("afterwards" in [m.message for m in of(events, ev.AgentMessage)]) is (last == "task_complete")
        if "patch" in step:
            assert bool(of(events, ev.PatchApplyBegin)) is done
        elif not done:
            assert of(events, ev.ExecCommandEnd)[0].exit_code == -1
        if last == "task_complete" and not done:
            assert "rejected" in json.dumps(model.requests[-1]["input"])
        assert types(await turn(conversation, "again"))[-1] == "task_complete"


@pytest.mark.requirement("approvals:session")
async def test_approved_for_session_spares_the_second_question(home: Home, model: OfflineModel) -> None:
    model.add([{**COMMAND, "id": "a"}], [{**COMMAND, "id": "b"}])
    person = Person("approved_for_session")
    async with serving(home, approve=person) as client:
        conversation = await client.new_conversation(approval_policy="untrusted", sandbox="danger-full-access")
        events = await turn(conversation, "go")
    assert [r.call_id for r in person.asked] == ["a"]
    assert [e.exit_code for e in of(events, ev.ExecCommandEnd)] == [0, 0]


@pytest.mark.requirement("approvals:escalation")
async def test_leaving_the_sandbox_is_asked_for_with_the_model_s_reason(home: Home, model: OfflineModel) -> None:
    outside = home.root / "outside.txt"
    model.add([{"run": f"touch {outside}", "ask": "I need to write outside"}])
    person = Person("approved")
    async with serving(home, approve=person) as client:
        conversation = await client.new_conversation(approval_policy="on-request", sandbox="workspace-write")
        await turn(conversation, "go")
    assert person.asked[0].reason == "I need to write outside"
    assert outside.exists()


@pytest.mark.requirement("approvals:patch:outside")
async def test_a_patch_outside_the_workspace_is_asked_for_and_one_inside_is_not(
    home: Home, model: OfflineModel
) -> None:
    outside = home.root / "outside.txt"
    model.add(
        [{"patch": f"*** Begin Patch\n*** Add File: {outside}\n+x\n*** End Patch\n"}],
        [{"say": "done"}],
        [PATCH],
    )
    person = Person("approved")
    async with serving(home, approve=person) as client:
        conversation = await client.new_conversation(approval_policy="on-request", sandbox="workspace-write")
        await turn(conversation, "outside")
        assert outside.exists()
        events = await turn(conversation, "inside")
    assert len(person.asked) == 1
    assert of(events, ev.PatchApplyBegin)[0].auto_approved is True


@pytest.mark.requirement("approvals:interrupted")
async def test_an_interrupt_withdraws_the_question_and_a_late_answer_is_ignored(
    home: Home, model: OfflineModel
) -> None:
    model.add([PATCH], [{"say": "recovered"}])
    asked, interrupted, wire = anyio.Event(), anyio.Event(), Wire()

    async def late(_request: ApprovalRequest) -> Decision:
        asked.set()
        await interrupted.wait()
        return "approved"

    async with serving(home, approve=late, wire=wire) as client:
        conversation = await client.new_conversation(approval_policy="untrusted")
        await conversation.send("go")
        await asked.wait()
        await conversation.interrupt()
        events = [event.msg async for event in conversation.until_turn_end()]
        assert types(events)[-1] == "turn_aborted"
        interrupted.set()
        assert types(await turn(conversation, "again"))[-1] == "task_complete"
    assert not (home.workspace / "new.txt").exists()
    assert "patch_apply_begin" not in [
        m["params"]["msg"]["type"] for m in wire.received if "msg" in m.get("params", {})
    ]


@pytest.mark.requirement("approvals:two-conversations")
async def test_questions_of_two_conversations_do_not_mix(home: Home, model: OfflineModel) -> None:
    model.add(
        {"when": "alpha", "steps": [{"run": "touch a.txt", "id": "call_a"}]},
        {"when": "beta", "steps": [{"run": "touch b.txt", "id": "call_b"}]},
    )
    waiting: dict[str, anyio.Event] = {"call_a": anyio.Event(), "call_b": anyio.Event()}

    async def approve(request: ApprovalRequest) -> Decision:
        waiting[request.call_id].set()
        for event in waiting.values():  # answer only when both have been asked
            await event.wait()
        return "approved" if request.call_id == "call_b" else "denied"

    async with serving(home, approve=approve) as client:
        a = await client.new_conversation(approval_policy="untrusted", sandbox="danger-full-access")
        b = await client.new_conversation(approval_policy="untrusted", sandbox="danger-full-access")
        await a.send("alpha")
        await b.send("beta")
        for conversation in (a, b):
            async for _ in conversation.until_turn_end():
                pass
    assert not (home.workspace / "a.txt").exists()
    assert (home.workspace / "b.txt").exists()


@pytest.mark.requirement("approvals:untrusted-config")
async def test_untrusted_in_config_toml_is_served_although_newer_engines_refuse_it(
    home: Home, model: OfflineModel
) -> None:
    home.configure('approval_policy = "untrusted"')
    model.add([COMMAND])
    person = Person("denied")
    async with serving(home, approve=person) as client:
        await turn(await client.new_conversation(sandbox="danger-full-access"), "go")
        assert len(person.asked) == 1
        model.add([COMMAND])
        conversation = await client.new_conversation(approval_policy="never", sandbox="danger-full-access")
        await turn(conversation, "go")
    assert (home.workspace / "out.txt").exists()


@pytest.mark.requirement("confinement:asked:unstated")
async def test_leaving_the_sandbox_without_a_reason_is_said_all_the_same(home: Home, model: OfflineModel) -> None:
    arguments = {"cmd": "ls", "sandbox_permissions": "require_escalated"}
    model.add([{"function": "exec_command", "arguments": arguments}])
    person = Person("denied")
    async with serving(home, approve=person) as client:
        conversation = await client.new_conversation(approval_policy="on-request", sandbox="workspace-write")
        events = await turn(conversation, "go")
    assert person.asked[0].reason == "outside the sandbox"
    assert of(events, ev.ExecApprovalRequest)[0].reason == "outside the sandbox"


@pytest.mark.requirement("confinement:asked:v1")
async def test_further_permissions_of_a_command_are_part_of_the_question(home: Home, model: OfflineModel) -> None:
    wanted = {"network": {"enabled": True}, "file_system": {"write": ["/"]}}
    arguments = {"cmd": "ls", "sandbox_permissions": "with_additional_permissions", "additional_permissions": wanted}
    model.add([{"function": "exec_command", "arguments": {**arguments, "justification": "to see"}}])
    person = Person("denied")
    async with serving(home, "--enable", "exec_permission_approvals", approve=person) as client:
        conversation = await client.new_conversation(approval_policy="on-request", sandbox="workspace-write")
        await turn(conversation, "go")
    assert person.asked[0].reason == "to see; with permission to use the network, write /"


@pytest.mark.requirement("approvals:command:asked")
def test_questions_have_the_names_of_the_interface() -> None:
    assert registry.EXEC_COMMAND_APPROVAL.name == questions.EXEC_COMMAND_APPROVAL
    assert registry.APPLY_PATCH_APPROVAL.name == questions.APPLY_PATCH_APPROVAL
