"""Long work without long calls."""

from __future__ import annotations

import pytest

from codex_mcp.offline import OfflineModel
from tests.support.home import Home
from tests.support.mcp_client import mcp_serving, text

pytestmark = pytest.mark.anyio

UNKNOWN = "019a9999-0000-7000-8000-000000000001"
FREE = {"sandbox": "danger-full-access", "approval_policy": "never"}
ASK = {"approval_policy": "on-request", "sandbox": "workspace-write"}
BACKGROUND = ("--tools", "background")


@pytest.mark.requirement("mcp:background")
async def test_work_goes_on_after_the_call_and_is_waited_for(home: Home, model: OfflineModel) -> None:
    gate = home.root / "gate"
    model.add([{"run": f"until [ -e {gate} ]; do sleep 0.05; done"}], [{"say": "done"}])
    async with mcp_serving(home, *BACKGROUND) as client:
        started = (await client.call("codex-start", prompt="go", **FREE))["structuredContent"]
        await client.until(lambda: "exec_command_begin" in client.events())
        looked = (await client.call("codex-wait", threadId=started["threadId"], timeout_seconds=0))["structuredContent"]
        gate.touch()
        ended = await client.call("codex-wait", threadId=started["threadId"])
        again = await client.call("codex-wait", threadId=started["threadId"])
    assert started["status"] == "running"
    assert looked["status"] == "running"
    assert looked["activity"].startswith("Running: until")
    assert text(ended) == "done"
    assert ended["structuredContent"]["status"] == "completed"
    assert again == ended


@pytest.mark.requirement("mcp:background:approval")
@pytest.mark.parametrize(("decision", "allowed"), [("approve", True), ("deny", False)])
async def test_approvals_are_listed_and_answered_by_tool(
    home: Home, model: OfflineModel, decision: str, allowed: bool
) -> None:
    outside = home.root / "outside"
    model.add([{"run": f"touch {outside}", "ask": "needed"}], [{"say": "done"}])
    async with mcp_serving(home, *BACKGROUND) as client:
        thread = (await client.call("codex-start", prompt="go", **ASK))["structuredContent"]["threadId"]
        waiting = await client.call("codex-wait", threadId=thread)
        structured = waiting["structuredContent"]
        [pending] = structured["pendingApprovals"]
        about = {"threadId": thread, "approvalId": pending["approvalId"]}
        wrong = await client.call("codex-answer", threadId=thread, approvalId="99", decision="approve")
        told = await client.call("codex-answer", **about, decision=decision)
        twice = await client.call("codex-answer", **about, decision="approve")
        ended = await client.call("codex-wait", threadId=thread)
    assert structured["status"] == "waiting-for-approval"
    assert f"touch {outside}" in pending["what"]
    assert pending["reason"] == "needed"
    assert f"touch {outside}" in text(waiting)
    assert wrong["structuredContent"]["error"]["code"] == "not_found"
    assert told["structuredContent"]["decision"] == decision
    assert told["structuredContent"]["what"] == pending["what"]
    assert pending["what"] in text(told)
    assert twice["isError"]
    assert text(ended) == "done"
    assert outside.exists() is allowed


@pytest.mark.requirement("mcp:background:approval")
async def test_an_approval_that_nobody_answers_is_denied_in_time(home: Home, model: OfflineModel) -> None:
    model.add([{"run": f"touch {home.root / 'outside'}", "ask": "needed"}], [{"say": "done"}])
    async with mcp_serving(home, *BACKGROUND, "--approval-timeout", "0.3") as client:
        thread = (await client.call("codex-start", prompt="go", **ASK))["structuredContent"]["threadId"]
        await client.until(lambda: "task_complete" in client.events())
        ended = await client.call("codex-wait", threadId=thread)
    assert ended["structuredContent"]["deniedApprovals"][0]["because"] == "nobody answered within 0.3 seconds"


@pytest.mark.requirement("mcp:background:queue")
async def test_turns_of_a_thread_queue_up_and_no_result_is_lost(home: Home, model: OfflineModel) -> None:
    model.add([{"wait": 0.5}, {"say": "one"}], [{"say": "two"}])
    async with mcp_serving(home, *BACKGROUND) as client:
        thread = (await client.call("codex-start", prompt="first"))["structuredContent"]["threadId"]
        queued = await client.call("codex-start", prompt="second", threadId=thread)
        answers = [text(await client.call("codex-wait", threadId=thread)) for _ in range(3)]
    assert queued["structuredContent"]["status"] == "queued"
    assert answers == ["one", "two", "two"]


@pytest.mark.requirement("mcp:background:failure")
async def test_what_cannot_begin_is_said_at_once(home: Home, model: OfflineModel) -> None:
    async with mcp_serving(home, *BACKGROUND) as client:
        config = await client.call("codex-start", prompt="x", config={"model_provider": "nope"})
        thread = await client.call("codex-start", prompt="x", threadId=UNKNOWN)
        nothing = await client.call("codex-wait", threadId=UNKNOWN)
    assert config["structuredContent"]["error"]["code"] == "config_error"
    assert thread["structuredContent"]["error"]["code"] == "not_found"
    assert "codex-read" in text(nothing)


@pytest.mark.requirement("mcp:background:end")
async def test_the_end_of_the_connection_stops_work_in_the_background(home: Home, model: OfflineModel) -> None:
    late = home.workspace / "late"
    model.add([{"run": f"sleep 2; touch {late}"}], [{"say": "done"}])
    async with mcp_serving(home, *BACKGROUND) as client:
        await client.call("codex-start", prompt="go", **FREE)
        await client.until(lambda: "exec_command_begin" in client.events())
    assert not late.exists()


@pytest.mark.requirement("confinement:asked:visible")
async def test_what_a_window_would_act_on_is_spelled_out_in_open_approvals(home: Home, model: OfflineModel) -> None:
    patch = f"*** Begin Patch\n*** Add File: {home.root}/new\n+text\x1b[2K\u202e\n*** End Patch"
    model.add([{"run": "touch a\x1b[2K", "ask": "why\u202e"}], [{"patch": patch}], [{"say": "done"}])
    async with mcp_serving(home, "--tools", "background") as client:
        thread = (await client.call("codex-start", prompt="go", **ASK))["structuredContent"]["threadId"]
        for _ in range(2):
            [pending] = (await client.call("codex-wait", threadId=thread))["structuredContent"]["pendingApprovals"]
            shown = "".join(str(value) for value in pending.values())
            assert "\x1b" not in shown
            assert "\u202e" not in shown
            assert "\\x1b" in shown
            about = {"threadId": thread, "approvalId": pending["approvalId"]}
            await client.call("codex-answer", **about, decision="deny")
        await client.call("codex-wait", threadId=thread)
