"""Notifications during a tool call: events, progress, the log."""

from __future__ import annotations

import subprocess
from typing import Any, cast

import pytest

from codex_mcp.offline import OfflineModel
from codex_mcp.surfaces.mcp import progress
from codex_mcp.wire.errors import RpcError
from tests.support.home import Home
from tests.support.mcp_client import mcp_serving, text

pytestmark = pytest.mark.anyio

FREE = {"sandbox": "danger-full-access", "approval_policy": "never"}


@pytest.mark.requirement("mcp:events")
async def test_events_say_to_which_call_they_belong(home: Home, model: OfflineModel) -> None:
    model.add([{"think": ["**Hm**"]}, {"run": "echo hi"}], [{"say": "done"}])
    async with mcp_serving(home) as client:
        call = client.begin("codex", prompt="go", **FREE)
        result = await client.result("tools/call", call)
    thread = result["structuredContent"]["threadId"]
    seen = client.of("codex/event")
    assert {tuple(params["_meta"].items()) for params in seen} == {(("requestId", call.id), ("threadId", thread))}
    kinds = client.events()
    assert kinds[0] == "session_configured"
    assert seen[0]["id"] == ""
    assert seen[0]["msg"]["thread_id"] == thread
    assert kinds[-1] == "task_complete"
    for kind in ("task_started", "agent_reasoning", "exec_command_begin", "exec_command_end", "token_count"):
        assert kind in kinds
    assert "raw_response_item" not in kinds
    assert {method for method, _ in client.notifications} == {"codex/event"}


@pytest.mark.requirement("mcp:events:off")
async def test_events_can_be_switched_off(home: Home, model: OfflineModel) -> None:
    model.add([{"say": "done"}])
    async with mcp_serving(home, "--events", "off") as client:
        assert text(await client.call("codex", prompt="go")) == "done"
    assert client.notifications == []


@pytest.mark.requirement("mcp:events:both-surfaces")
async def test_tools_and_the_documented_interface_share_a_connection(home: Home, model: OfflineModel) -> None:
    model.add([{"say": "by tool"}], [{"say": "by message"}])
    async with mcp_serving(home) as client:
        thread = (await client.call("codex", prompt="go"))["structuredContent"]["threadId"]
        items = [{"type": "text", "data": {"text": "go on"}}]
        await client.peer.request("sendUserMessage", {"conversationId": thread, "items": items})
        await client.until(lambda: client.events().count("task_complete") == 2)
    last = client.of("codex/event")[-1]
    assert last["msg"]["last_agent_message"] == "by message"
    assert last["conversationId"] == thread
    assert "_meta" not in last


@pytest.mark.requirement("mcp:progress")
async def test_progress_tells_what_codex_does(home: Home, model: OfflineModel) -> None:
    model.add(
        [{"plan": [{"step": "look around", "status": "in_progress"}, {"step": "act", "status": "pending"}]}],
        [{"wait": 0.6}, {"run": "sleep 1 && echo hello"}],
        [{"wait": 0.6}, {"say": "done"}],
    )
    async with mcp_serving(home) as client:
        await client.call("codex", "token", prompt="go", **FREE)
    shown = client.of("notifications/progress")
    assert {params["progressToken"] for params in shown} == {"token"}
    numbers = [params["progress"] for params in shown]
    assert numbers == sorted(set(numbers))
    messages = [params["message"] for params in shown]
    assert "Plan 1/2: look around" in messages
    assert "Running: sleep 1 && echo hello" in messages
    assert client.order[-1] == "result of tools/call"


@pytest.mark.requirement("mcp:progress:heartbeat")
async def test_a_silent_model_gives_signs_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_HEARTBEAT", 0.01)
    monkeypatch.setattr(progress, "_PACE", 0.0)
    sent: list[dict[str, Any]] = []

    class Peer:
        def notify(self, method: str, params: dict[str, Any], *, about: int) -> None:
            assert method == "notifications/progress"
            sent.append(params)
            if len(sent) == 4:
                shown.close()

    shown = progress.Progress(cast(Any, Peer()), 7, 1)
    await shown.run()
    assert [params["progress"] for params in sent] == [1, 2, 3, 4]
    assert sent[0]["message"] == "Starting"
    assert all(params["message"].startswith("Starting (") for params in sent[1:])


@pytest.mark.requirement("mcp:progress:pace")
async def test_a_burst_of_news_is_one_notification(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []

    class Peer:
        def notify(self, method: str, params: dict[str, Any], *, about: int) -> None:
            sent.append(params["message"])
            for number in range(100):
                shown.show(f"step {number}")
            if len(sent) == 3:
                shown.close()

    monkeypatch.setattr(progress, "_PACE", 0.0)
    shown = progress.Progress(cast(Any, Peer()), 7, 1)
    await shown.run()
    assert sent == ["Starting", "step 99", "step 99"]


@pytest.mark.requirement("mcp:log")
async def test_the_log_is_sent_from_the_level_that_was_asked_for(home: Home, model: OfflineModel) -> None:
    model.add([{"say": "one"}], [{"say": "two"}], [{"say": "three"}])
    async with mcp_serving(home, stderr=subprocess.DEVNULL) as client:
        await client.call("codex", prompt="go")
        assert client.of("notifications/message") == []
        assert await client.request("logging/setLevel", {"level": "info"}) == {}
        await client.call("codex", prompt="go")
        told = client.of("notifications/message")
        await client.request("logging/setLevel", {"level": "error"})
        await client.call("codex", prompt="go")
        assert client.of("notifications/message") == told
        with pytest.raises(RpcError, match="unknown log level 'loud'"):
            await client.request("logging/setLevel", {"level": "loud"})
    assert [message["level"] for message in told] == ["info"]
    assert told[0]["data"]["message"] == "conversation started"
