"""What is of high impact is a person's to approve: each time, whatever the client's policy."""

from __future__ import annotations

import pathlib
import sys
from typing import Any

import pytest

from codex_mcp.offline import OfflineModel
from tests.support.governed import Governed
from tests.support.mcp_client import ACCEPT, Json, mcp_serving, text
from tests.support.server import serving, turn

pytestmark = pytest.mark.anyio

SERVER = f'[mcp_servers.sums]\ncommand = "{sys.executable}"\nargs = ["-m", "tests.support.mcp_tools"]\n'
POLICY = f"""
[ceilings]
sandbox = "danger-full-access"
network = true
{SERVER}
[[high_impact]]
category = "production"
commands = ['\\btouch\\b.*\\bdeployed\\b']
paths = ["deploy/**"]
tools = ["mcp__sums__add"]
"""
COMMAND: Json = {"run": "touch deployed"}
PATCH: Json = {"patch": "*** Begin Patch\n*** Add File: deploy/x\n+x\n*** End Patch"}
TOOL: Json = {"call_tool": {"server": "sums", "tool": "add", "arguments": {"a": 20, "b": 22}}}
SLOW = pytest.mark.slow
ACTS = pytest.mark.parametrize(
    "act", [COMMAND, pytest.param(PATCH, marks=SLOW), pytest.param(TOOL, marks=SLOW)], ids=["command", "patch", "tool"]
)
ALL_ACTS = pytest.mark.parametrize("act", [COMMAND, PATCH, TOOL], ids=["command", "patch", "tool"])


def sums(governed: Governed, act: Json) -> None:
    """Have the engine configured with the MCP server that an act needs."""
    if act is TOOL:
        governed.home.configure(tail=f'{SERVER}required = true\ncwd = "{pathlib.Path(__file__).parents[3]}"\n')


def happened(governed: Governed, model: OfflineModel) -> bool:
    files = (governed.home.workspace / "deployed", governed.home.workspace / "deploy")
    return any(file.exists() for file in files) or "42" in str(model.requests[1]["input"][-1].get("output"))


@pytest.mark.requirement("policy:P-4")
@pytest.mark.requirement("policy:P-12")
@ALL_ACTS
async def test_a_person_is_asked_although_the_client_said_never(
    governed: Governed, model: OfflineModel, act: Json
) -> None:
    governed.write(POLICY)
    sums(governed, act)
    model.add([act], [{"say": "done"}])
    async with mcp_serving(governed.home, *governed.options, answer=lambda _: ACCEPT) as client:
        result = await client.call("codex", prompt="go", approval_policy="never", sandbox="workspace-write")
        assert text(result) == "done"
        assert happened(governed, model)
        [question] = client.questions
        assert "high_impact.production" in question["message"]
    [approved] = governed.records(event="decided", approver="elicitation")
    assert approved["decision"] == "approved"
    assert approved["impact"] == ["production"]
    [ended] = governed.records(event="ended", call=approved["call"])
    assert ended["outcome"]["status"] == "completed"
    governed.verify()


@pytest.mark.requirement("policy:P-7")
@ACTS
async def test_full_access_makes_no_difference(governed: Governed, model: OfflineModel, act: Json) -> None:
    governed.write(POLICY)
    sums(governed, act)
    model.add([act], [{"say": "done"}])
    answers = iter([{"action": "decline"}])
    async with mcp_serving(governed.home, *governed.options, answer=lambda _: next(answers)) as client:
        result = await client.call("codex", prompt="go", approval_policy="never", sandbox="danger-full-access")
        assert not happened(governed, model)
        [denied] = result["structuredContent"]["deniedApprovals"]
    assert "declined" in denied["because"]


@pytest.mark.requirement("policy:P-4")
async def test_the_question_shows_what_will_run(governed: Governed, model: OfflineModel) -> None:
    governed.write(POLICY)
    below = governed.home.workspace / "below"
    below.mkdir()
    model.add([{"run": "touch deployed", "cwd": str(below), "ask": "it must"}], [PATCH], [{"say": "done"}])
    async with mcp_serving(governed.home, *governed.options, answer=lambda _: {"action": "decline"}) as client:
        await client.call("codex", prompt="go", approval_policy="on-request", sandbox="workspace-write")
        command, patch = (question["message"] for question in client.questions)
    assert "touch deployed" in command
    assert f"Directory: {below}" in command
    assert "leaves the sandbox" in command.replace("\n", "")
    assert str(governed.home.workspace / "deploy/x") in patch
    assert patch.endswith("\nx")


@pytest.mark.requirement("policy:P-5")
@ACTS
async def test_approved_for_the_session_is_approved_once(governed: Governed, model: OfflineModel, act: Json) -> None:
    governed.write(POLICY)
    sums(governed, act)
    again = {"patch": act["patch"].replace("deploy/x", "deploy/y")} if "patch" in act else act
    model.add([act], [again], [{"say": "done"}])
    answer = {"action": "accept", "content": {"decision": "approve-for-session"}}
    async with mcp_serving(governed.home, *governed.options, answer=lambda _: answer) as client:
        await client.call("codex", prompt="go", approval_policy="never", sandbox="workspace-write")
        assert len(client.questions) == 2


@pytest.mark.requirement("policy:P-6")
@ACTS
async def test_nobody_to_ask_is_a_no(governed: Governed, model: OfflineModel, act: Json) -> None:
    governed.write(POLICY)
    sums(governed, act)
    model.add([act], [{"say": "done"}])
    async with mcp_serving(governed.home, *governed.options) as client:
        result = await client.call("codex", prompt="go", approval_policy="never", sandbox="workspace-write")
        assert not happened(governed, model)
        [denied] = result["structuredContent"]["deniedApprovals"]
        assert "cannot be asked" in denied["because"]


@pytest.mark.requirement("policy:P-6")
async def test_silence_is_a_no(governed: Governed, model: OfflineModel) -> None:
    governed.write(POLICY + "[approval]\ntimeout_seconds = 0.3\n")
    model.add([COMMAND], [{"say": "done"}])
    async with mcp_serving(governed.home, *governed.options, answer=lambda _: None) as client:
        result = await client.call("codex", prompt="go", approval_policy="never", sandbox="workspace-write")
        [denied] = result["structuredContent"]["deniedApprovals"]
        assert denied["because"] == "nobody answered within 0.3 seconds"
    assert not happened(governed, model)
    assert governed.records(decision="timeout")


@pytest.mark.requirement("policy:P-6")
async def test_a_model_that_answers_for_the_user_is_a_no(governed: Governed, model: OfflineModel) -> None:
    governed.write(POLICY)
    model.add([COMMAND], [{"say": "done"}])
    async with mcp_serving(governed.home, "--tools", "background", *governed.options) as client:
        started = await client.call("codex-start", prompt="go", approval_policy="never", sandbox="workspace-write")
        thread = started["structuredContent"]["threadId"]
        status = await client.call("codex-wait", threadId=thread)
        [pending] = status["structuredContent"]["pendingApprovals"]
        await client.call("codex-answer", threadId=thread, approvalId=pending["approvalId"], decision="approve")
        result = await client.call("codex-wait", threadId=thread)
        assert "a person has to decide" in str(result["structuredContent"]["deniedApprovals"])
    assert not happened(governed, model)


@pytest.mark.requirement("policy:P-4")
@pytest.mark.parametrize("decision", ["approved", "denied"])
async def test_clients_of_the_documented_interface_are_asked_too(
    governed: Governed, model: OfflineModel, decision: Any
) -> None:
    governed.write(POLICY)
    model.add([COMMAND], [PATCH], [{"say": "done"}])
    asked: list[Any] = []

    def approve(request: Any) -> Any:
        asked.append(request)
        return decision

    async with serving(governed.home, *governed.options, approve=approve) as client:
        conversation = await client.new_conversation(approval_policy="never", sandbox="workspace-write")
        await turn(conversation, "go")
    assert len(asked) == 2
    assert happened(governed, model) is (decision == "approved")
    decisions = {"approved": "approved", "denied": "declined"}
    assert [r["decision"] for r in governed.records(approver="v1")] == [decisions[decision]] * 2


@pytest.mark.requirement("policy:observe")
@ACTS
async def test_a_policy_that_observes_stops_nothing_and_says_what_it_would_have_done(
    governed: Governed, model: OfflineModel, act: Json
) -> None:
    governed.write(POLICY.replace('sandbox = "danger-full-access"', 'sandbox = "read-only"'), mode="observe")
    sums(governed, act)
    model.add([act], [{"say": "done"}])
    arguments = {"approval_policy": "never", "sandbox": "danger-full-access"}
    async with mcp_serving(governed.home, *governed.options) as client:
        result = await client.call("codex", prompt="go", cwd="/", **arguments)
        assert text(result) == "done"
        assert client.questions == []
    assert governed.records(decision="deny", rule="scope.roots")
    assert governed.records(decision="ask", rule="high_impact.production") or "patch" in act
