"""Approvals of tool calls: questions to the client by `elicitation/create`."""

from __future__ import annotations

import json
import pathlib
import sys
from typing import Any

import pytest

from codex_mcp.offline import OfflineModel
from codex_mcp.wire.errors import RpcError
from tests.support.home import Home
from tests.support.hosted import HostedServer
from tests.support.mcp_client import ACCEPT, Json, mcp_serving, text

pytestmark = pytest.mark.anyio

ASK = {"approval_policy": "on-request", "sandbox": "workspace-write"}


def asking(model: OfflineModel, target: pathlib.Path) -> None:
    """A model that wants to write outside the sandbox, and then says what it did."""
    model.add([{"run": f"touch {target}", "ask": "it has to be there"}], [{"say": "done"}])


@pytest.fixture
def outside(home: Home) -> pathlib.Path:
    return home.root / "outside"


@pytest.mark.requirement("mcp:approval:accept")
@pytest.mark.parametrize(
    "answer",
    [
        ACCEPT,
        {"action": "accept"},
        {"action": "accept", "content": {"decision": "approve"}},
        {"action": "accept", "content": {"decision": "approve-for-session"}},
        {"decision": "approved"},
        {"action": "accept", "content": {"decision": "approved_for_session"}},
    ],
)
async def test_a_yes_lets_the_command_run(home: Home, model: OfflineModel, outside: pathlib.Path, answer: Json) -> None:
    asking(model, outside)
    async with mcp_serving(home, answer=lambda _: answer) as client:
        result = await client.call("codex", prompt="go", **ASK)
    assert text(result) == "done"
    assert outside.exists()
    assert "deniedApprovals" not in result["structuredContent"]


@pytest.mark.requirement("mcp:approval:deny")
@pytest.mark.parametrize(
    "answer",
    [
        {"action": "decline"},
        {"action": "cancel"},
        {"action": "accept", "content": {"decision": "deny"}},
        {"action": "accept", "content": {"decision": "whatever"}},
        {"decision": "denied"},
        {"decision": {"unknown": True}},
        {"action": "nonsense"},
        {},
        [],
        RpcError(-32603, "cannot ask now"),
    ],
)
async def test_anything_else_is_a_no_and_the_result_says_so(
    home: Home, model: OfflineModel, outside: pathlib.Path, answer: Any
) -> None:
    asking(model, outside)
    async with mcp_serving(home, answer=lambda _: answer) as client:
        result = await client.call("codex", prompt="go", **ASK)
    assert not outside.exists()
    assert text(result) == "done"
    [denied] = result["structuredContent"]["deniedApprovals"]
    assert denied["kind"] == "command"
    assert f"touch {outside}" in denied["what"]
    assert denied["because"]


@pytest.mark.requirement("mcp:approval:stop")
async def test_a_stop_ends_the_turn(home: Home, model: OfflineModel, outside: pathlib.Path) -> None:
    asking(model, outside)
    model.add([{"say": "again"}])
    async with mcp_serving(home, answer=lambda _: {"action": "accept", "content": {"decision": "stop"}}) as client:
        result = await client.call("codex", prompt="go", **ASK)
        structured = result["structuredContent"]
        assert result["isError"]
        assert structured["status"] == "interrupted"
        assert structured["error"]["code"] == "approval_denied"
        assert not outside.exists()
        again = await client.call("codex-reply", threadId=structured["threadId"], prompt="go on")
    assert not again.get("isError")


@pytest.mark.requirement("mcp:approval:question")
async def test_the_question_says_what_is_asked(home: Home, model: OfflineModel, outside: pathlib.Path) -> None:
    asking(model, outside)
    async with mcp_serving(home, answer=lambda _: ACCEPT) as client:
        call = client.begin("codex", prompt="go", **ASK)
        result = await client.result("tools/call", call)
    [question] = client.questions
    assert f"touch {outside}" in question["message"].replace("\n", "")
    assert f"Directory: {home.workspace}" in question["message"]
    assert "it has to be there" in question["message"]
    decision = question["requestedSchema"]["properties"]["decision"]
    assert [choice["const"] for choice in decision["oneOf"]] == ["approve", "approve-for-session", "deny", "stop"]
    assert "required" not in question["requestedSchema"]
    assert question["codex_elicitation"] == "exec-approval"
    assert question["codex_command"][-1] == f"touch {outside}"
    assert question["codex_cwd"] == str(home.workspace)
    assert question["codex_mcp_tool_call_id"] == str(call.id)
    assert question["threadId"] == result["structuredContent"]["threadId"]
    assert client.order.index("exec_approval_request") < client.order.index("elicitation")


@pytest.mark.requirement("mcp:approval:patch")
async def test_a_patch_is_shown_with_its_diff(home: Home, model: OfflineModel, outside: pathlib.Path) -> None:
    model.add(
        [{"patch": f"*** Begin Patch\n*** Add File: {outside}\n+written by a patch\n*** End Patch"}], [{"say": "done"}]
    )
    async with mcp_serving(home, answer=lambda _: ACCEPT) as client:
        await client.call("codex", prompt="go", **ASK)
    [question] = client.questions
    assert question["message"].startswith(f"Allow Codex to add {outside} (+1)?")
    assert "written by a patch" in question["message"]
    assert question["codex_elicitation"] == "patch-approval"
    assert question["codex_changes"] == {str(outside): {"add": {"content": "written by a patch\n"}}}
    assert outside.read_text() == "written by a patch\n"


@pytest.mark.requirement("mcp:approval:form")
async def test_the_form_follows_the_version_of_the_client(
    home: Home, model: OfflineModel, outside: pathlib.Path
) -> None:
    asking(model, outside)
    async with mcp_serving(home, answer=lambda _: ACCEPT, version="2025-06-18") as client:
        await client.call("codex", prompt="go", **ASK)
    decision = client.questions[0]["requestedSchema"]["properties"]["decision"]
    assert decision["enum"] == ["approve", "approve-for-session", "deny", "stop"]
    assert len(decision["enumNames"]) == 4


@pytest.mark.requirement("mcp:approval:not-offered")
@pytest.mark.parametrize("capabilities", [{}, {"elicitation": {"url": {}}}, {"elicitation": None}])
async def test_a_client_without_elicitation_is_never_asked(
    home: Home, model: OfflineModel, outside: pathlib.Path, capabilities: Json
) -> None:
    asking(model, outside)
    async with mcp_serving(home, capabilities=capabilities) as client:
        result = await client.call("codex", prompt="go", **ASK)
    assert client.questions == []
    assert not outside.exists()
    said, note = (block["text"] for block in result["content"])
    assert said == "done"
    assert str(outside) in note
    assert "approval-policy: never" in note
    assert result["structuredContent"]["deniedApprovals"][0]["because"].startswith("this client cannot be asked")
    heard = str(model.requests[1]["input"][-1])
    assert "reject" in heard or "denied" in heard


@pytest.mark.requirement("mcp:approval:time-limit")
async def test_a_question_that_nobody_answers_is_denied_in_time(
    home: Home, model: OfflineModel, outside: pathlib.Path
) -> None:
    asking(model, outside)
    async with mcp_serving(home, "--approval-timeout", "0.3", answer=lambda _: None) as client:
        result = await client.call("codex", prompt="go", **ASK)
    assert not outside.exists()
    assert result["structuredContent"]["deniedApprovals"][0]["because"] == "nobody answered within 0.3 seconds"
    assert [params["reason"] for params in client.of("notifications/cancelled")] == [
        "nobody answered within 0.3 seconds"
    ]


@pytest.mark.requirement("mcp:approval:withdrawn")
async def test_a_question_is_taken_back_when_its_call_is_cancelled(
    home: Home, model: OfflineModel, outside: pathlib.Path
) -> None:
    asking(model, outside)
    model.add([{"say": "fine"}])
    async with mcp_serving(home, answer=lambda _: None) as client:
        call = client.begin("codex", prompt="go", **ASK)
        await client.until(lambda: client.questions)
        client.cancel(call)
        await client.until(lambda: client.of("notifications/cancelled"))
        assert text(await client.call("codex", prompt="next")) in ("done", "fine")
    assert not outside.exists()


@pytest.mark.requirement("mcp:approval:session")
async def test_an_approval_for_the_session_is_not_asked_again(
    home: Home, model: OfflineModel, outside: pathlib.Path
) -> None:
    again = {"run": f"touch {outside}", "ask": "again"}
    model.add([again], [again], [{"say": "done"}])
    answer = {"action": "accept", "content": {"decision": "approve-for-session"}}
    async with mcp_serving(home, answer=lambda _: answer) as client:
        await client.call("codex", prompt="go", **ASK)
    assert len(client.questions) == 1


@pytest.mark.requirement("confinement:asked:shell")
async def test_a_program_that_calls_itself_a_shell_does_not_run_behind_the_question(
    home: Home, model: OfflineModel
) -> None:
    planted = home.workspace / "bash"
    planted.write_text(f"#!/bin/sh\ntouch {home.workspace}/planted\n")
    planted.chmod(0o755)
    model.add([{"function": "exec_command", "arguments": {"cmd": "ls", "shell": str(planted)}}], [{"say": "done"}])
    async with mcp_serving(home, answer=lambda _: ACCEPT) as client:
        await client.call("codex", prompt="go", approval_policy="untrusted", sandbox="workspace-write")
    if (home.workspace / "planted").exists():  # engines since 0.154 or so run the user's own shell instead
        assert all(f"run: {planted} -lc ls" in question["message"].replace("\n", "") for question in client.questions)


@pytest.mark.requirement("confinement:asked:outside")
async def test_the_question_says_that_a_command_would_leave_the_sandbox_although_the_model_does_not(
    home: Home, model: OfflineModel, outside: pathlib.Path
) -> None:
    arguments = {"cmd": f"touch {outside}", "sandbox_permissions": "require_escalated"}
    model.add([{"function": "exec_command", "arguments": arguments}], [{"say": "done"}])
    async with mcp_serving(home, answer=lambda _: {"action": "decline"}) as client:
        result = await client.call("codex", prompt="go", **ASK)
    [question] = client.questions
    assert question["message"].startswith("Allow Codex to run outside the sandbox: touch ")
    assert question["codex_reason"] == "outside the sandbox"
    assert "outside the sandbox" in result["structuredContent"]["deniedApprovals"][0]["what"]


@pytest.mark.requirement("confinement:asked:permissions")
async def test_the_question_shows_further_permissions_of_a_command(home: Home, model: OfflineModel) -> None:
    wanted = {"network": {"enabled": True}, "file_system": {"write": [str(home.root)]}}
    arguments = {"cmd": "ls", "sandbox_permissions": "with_additional_permissions", "additional_permissions": wanted}
    model.add([{"function": "exec_command", "arguments": {**arguments, "justification": "to see"}}], [{"say": "done"}])
    feature = ("--enable", "exec_permission_approvals")
    async with mcp_serving(home, *feature, answer=lambda _: {"action": "decline"}) as client:
        await client.call("codex", prompt="go", **ASK)
    [question] = client.questions
    assert question["message"].split("\n")[:3] == [
        "Allow Codex to run: ls",
        "With permission to use the network",
        f"With permission to write {home.root}",
    ]
    assert "Reason: to see" in question["message"]


ADD = {"call_tool": {"server": "tools", "tool": "add", "arguments": {"a": 1, "b": 2}}}


def with_tools(home: Home, tail: str = "") -> None:
    """An MCP server in config.toml, whose tools want approval."""
    script = pathlib.Path(__file__).parents[2] / "support" / "mcp_tools.py"
    home.configure(
        tail=f"[mcp_servers.tools]\ncommand = {json.dumps(sys.executable)}\nargs = [{json.dumps(str(script))}]\n{tail}"
    )


@pytest.mark.requirement("confinement:asked:stop")
@pytest.mark.parametrize("wanted", ["tool", "permissions"])
async def test_a_stop_ends_the_turn_whatever_was_asked_for(home: Home, model: OfflineModel, wanted: str) -> None:
    with_tools(home)
    permissions = {"permissions": {"network": {"enabled": True}}, "reason": "to fetch"}
    step = ADD if wanted == "tool" else {"function": "request_permissions", "arguments": permissions}
    model.add([step], [{"say": "went on"}])
    stop = {"action": "accept", "content": {"decision": "stop"}}
    feature = ("--enable", "request_permissions_tool")
    async with mcp_serving(home, *feature, answer=lambda _: stop) as client:
        result = await client.call("codex", prompt="go", **ASK)
    assert len(client.questions) == 1
    assert result["structuredContent"]["status"] == "interrupted"
    assert result["structuredContent"]["error"]["code"] == "approval_denied"


@pytest.mark.requirement("confinement:asked:advice")
async def test_the_advice_for_a_tool_of_an_mcp_server_is_one_that_works(home: Home, model: OfflineModel) -> None:
    with_tools(home)
    model.add([ADD], [{"say": "done"}])
    async with mcp_serving(home, capabilities={}) as client:
        result = await client.call("codex", prompt="go", **ASK)
    assert "mcp_servers.SERVER.tools.TOOL.approval_mode" in text(result)
    assert "call with `approval-policy: never`" not in text(result)
    with_tools(home, '[mcp_servers.tools.tools.add]\napproval_mode = "approve"\n')
    model.add([ADD], [{"say": "done"}])
    async with mcp_serving(home, capabilities={}) as client:
        result = await client.call("codex", prompt="go", approval_policy="never", sandbox="workspace-write")
    assert "deniedApprovals" not in result["structuredContent"]
    assert "total" in str(model.requests[-1]["input"][-1])


@pytest.mark.requirement("confinement:asked:advice")
async def test_a_tool_that_the_engine_refuses_because_nobody_may_be_asked_is_reported(
    home: Home, model: OfflineModel
) -> None:
    with_tools(home)
    model.add([ADD], [{"say": "done"}])
    async with mcp_serving(home, answer=lambda _: {"action": "decline"}) as client:
        result = await client.call("codex", prompt="go", approval_policy="never", sandbox="workspace-write")
    [denied] = result["structuredContent"]["deniedApprovals"]
    assert denied["kind"] == "tool"
    assert denied["what"].startswith("mcp tools add")


@pytest.mark.requirement("confinement:asked:forms")
@pytest.mark.parametrize(("tool", "asked"), [("publish", "Who may see"), ("connect_account", "Connect your account")])
async def test_a_question_of_an_mcp_server_to_its_user_is_declined_and_said(
    home: Home, model: OfflineModel, tool: str, asked: str
) -> None:
    call = {"call_tool": {"server": "alloy", "tool": tool, "arguments": {"session": "proto-1"}}}
    model.add([call], [{"say": "done"}])
    with HostedServer(auth="none") as hosted:
        home.configure(
            tail=f'[mcp_servers.alloy]\nurl = "{hosted.url}"\n'
            f'[mcp_servers.alloy.tools.{tool}]\napproval_mode = "approve"\n'
        )
        async with mcp_serving(home, answer=lambda _: ACCEPT) as client:
            result = await client.call("codex", prompt="go", **ASK)
    assert client.questions == []
    assert "decline" in str(model.requests[-1]["input"][-1])
    [denied] = result["structuredContent"]["deniedApprovals"]
    assert asked in denied["what"]
    told = [params["msg"] for params in client.of("codex/event") if params["msg"]["type"] == "background_event"]
    assert asked in told[-1]["message"]
