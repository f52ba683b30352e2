"""The official SDK's client at /mcp, as users of it write it."""

from __future__ import annotations

from typing import Any, Literal

import anyio
import mcp_types
import pytest
from mcp.client.client import Client

from codex_mcp.offline import OfflineModel
from tests.support.home import Home
from tests.support.http_server import HEADERS, INITIALIZE, Json, http_serving

pytestmark = pytest.mark.anyio

FREE = {"sandbox": "danger-full-access", "approval-policy": "never"}
ASK = {"sandbox": "workspace-write", "approval-policy": "on-request"}


@pytest.mark.parametrize("mode", ["legacy", pytest.param("auto", marks=pytest.mark.slow)])
@pytest.mark.requirement("http:streamable")
async def test_a_conversation_with_progress_resources_and_prompts(
    home: Home, model: OfflineModel, mode: Literal["legacy", "auto"]
) -> None:
    model.add([{"run": "echo hello; sleep 1"}], [{"say": "one"}], [{"say": "two"}])
    shown: list[str] = []

    async def show(progress: float, total: float | None, message: str | None) -> None:
        shown.append(message or "")

    async with http_serving(home) as server, server.client(mode) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == ["codex", "codex-reply"]
        first = await client.call_tool("codex", {"prompt": "go", **FREE}, progress_callback=show)
        assert first.structured_content["content"] == "one"
        thread = first.structured_content["threadId"]
        second = await client.call_tool("codex-reply", {"threadId": thread, "prompt": "on"})
        transcript = await client.read_resource(f"codex://threads/{thread}/transcript")
        prompt = await client.get_prompt("second-opinion", {"question": "why?"})
    assert second.structured_content["content"] == "two"
    assert "two" in str(transcript.contents[0])
    assert "why?" in str(prompt.messages[0].content)
    assert any(line.startswith("Running: echo hello") for line in shown), shown


@pytest.mark.requirement("http:elicitation")
async def test_the_user_of_a_client_approves_a_command(home: Home, model: OfflineModel) -> None:
    outside = home.root / "outside"
    model.add([{"run": f"touch {outside}", "ask": "needed"}], [{"say": "done"}])
    asked: list[Any] = []

    async def approve(_context: Any, params: Any) -> mcp_types.ElicitResult:
        asked.append(params)
        return mcp_types.ElicitResult(action="accept", content={"decision": "approve"})

    async with http_serving(home) as server, server.client(elicitation_callback=approve) as client:
        result = await client.call_tool("codex", {"prompt": "go", **ASK})
    assert not result.is_error
    assert outside.exists()
    assert str(outside) in asked[0].message


@pytest.mark.requirement("http:cancellation")
async def test_a_cancelled_call_is_stopped_and_its_stream_ends(home: Home, model: OfflineModel) -> None:
    begun = anyio.Event()
    model.add([{"run": "sleep 60"}], [{"say": "next"}])

    async def show(progress: float, total: float | None, message: str | None) -> None:
        if message is not None and message.startswith("Running: sleep"):
            begun.set()

    async with http_serving(home) as server, server.client() as client:
        async with anyio.create_task_group() as tasks:

            async def call() -> None:
                await client.call_tool("codex", {"prompt": "go", **FREE}, progress_callback=show)

            tasks.start_soon(call)
            await begun.wait()
            tasks.cancel_scope.cancel()
        result = await client.call_tool("codex", {"prompt": "go", **FREE})
    assert result.structured_content["content"] == "next"


@pytest.mark.slow
@pytest.mark.requirement("http:shared-agent")
async def test_a_thread_of_one_client_is_continued_by_another(home: Home, model: OfflineModel) -> None:
    model.add([{"say": "one"}], [{"say": "two"}])

    async def thread_of(client: Client, tool: str, **arguments: Any) -> Any:
        return (await client.call_tool(tool, {"prompt": "go", **arguments})).structured_content

    async with http_serving(home) as server:
        async with server.client() as first:
            begun = await thread_of(first, "codex")
        async with server.client() as second:
            went_on = await thread_of(second, "codex-reply", threadId=begun["threadId"])
    assert went_on["content"] == "two"


@pytest.mark.slow
@pytest.mark.requirement("http:events")
@pytest.mark.parametrize("wanted", [False, True])
async def test_events_are_sent_to_clients_that_ask_for_them(home: Home, model: OfflineModel, wanted: bool) -> None:
    model.add([{"say": "one"}])
    capabilities: Json = {"experimental": {"codex/event": {}}} if wanted else {}
    opening = {**INITIALIZE, "params": {**INITIALIZE["params"], "capabilities": capabilities}}
    call = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "codex", "arguments": {"prompt": "go"}},
    }
    async with http_serving(home, "--log-level", "warning") as server, server.raw() as client:
        opened = await client.post("/mcp", json=opening, headers=HEADERS)
        session = {**HEADERS, "Mcp-Session-Id": opened.headers["mcp-session-id"]}
        answer = await client.post("/mcp", json=call, headers=session)
    assert ('"task_complete"' in answer.text) is wanted
    assert answer.text.count('"codex/event"') > 3 or not wanted
