"""The official SDK's client against the server, as users of it write it."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

import anyio
import mcp_types
import pytest
from mcp import StdioServerParameters
from mcp.client.client import Client
from mcp.client.stdio import stdio_client

from codex_mcp.offline import OfflineModel
from tests.support.home import Home

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("mcp:sdk")]

FREE = {"sandbox": "danger-full-access", "approval-policy": "never"}
ASK = {"sandbox": "workspace-write", "approval-policy": "on-request"}


@pytest.fixture(params=["legacy", "auto"])
def mode(request: pytest.FixtureRequest) -> Any:
    return request.param


@asynccontextmanager
async def connected(
    home: Home, mode: Literal["legacy", "auto"], *arguments: str, **callbacks: Any
) -> AsyncIterator[Client]:
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-m", "codex_mcp", *arguments],
        env=home.environment(),
        cwd=str(home.workspace),
    )
    async with Client(stdio_client(parameters), mode=mode, read_timeout_seconds=60, **callbacks) as client:
        yield client


async def test_a_conversation_by_tools(home: Home, model: OfflineModel, mode: Any) -> None:
    model.add([{"say": "one"}], [{"say": "two"}])
    async with connected(home, mode) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == ["codex", "codex-reply"]
        first = await client.call_tool("codex", {"prompt": "go", **FREE})
        assert isinstance(first, mcp_types.CallToolResult)
        assert first.structured_content is not None
        second = await client.call_tool(
            "codex-reply", {"threadId": first.structured_content["threadId"], "prompt": "on"}
        )
    assert isinstance(second, mcp_types.CallToolResult)
    assert second.structured_content is not None
    assert second.structured_content["content"] == "two"


async def test_the_user_approves_a_command(home: Home, model: OfflineModel, mode: Any) -> None:
    outside = home.root / "outside"
    model.add([{"run": f"touch {outside}", "ask": "needed"}], [{"say": "done"}])
    asked: list[Any] = []

    async def approve(_context: Any, params: Any) -> mcp_types.ElicitResult:
        asked.append(params)
        return mcp_types.ElicitResult(action="accept", content={"decision": "approve"})

    async with connected(home, mode, elicitation_callback=approve) as client:
        result = await client.call_tool("codex", {"prompt": "go", **ASK})
    assert not result.is_error
    assert outside.exists()
    assert str(outside) in asked[0].message


async def test_progress_and_cancellation(home: Home, model: OfflineModel, mode: Any) -> None:
    begun = anyio.Event()
    model.add([{"run": "echo hello; sleep 60"}], [{"say": "next"}])
    shown: list[float] = []

    async def show(progress: float, total: float | None, message: str | None) -> None:
        shown.append(progress)
        if message is not None and message.startswith("Running: echo hello"):
            begun.set()

    async with connected(home, mode) as client:
        async with anyio.create_task_group() as tasks:

            async def call() -> None:
                await client.call_tool("codex", {"prompt": "go", **FREE}, progress_callback=show)

            tasks.start_soon(call)
            await begun.wait()
            tasks.cancel_scope.cancel()
        result = await client.call_tool("codex", {"prompt": "go", **FREE})
    assert result.structured_content["content"] == "next"
    assert shown == sorted(shown)


async def test_resources_and_prompts(home: Home, model: OfflineModel, mode: Any) -> None:
    model.add([{"say": "one"}])
    async with connected(home, mode) as client:
        result = await client.call_tool("codex", {"prompt": "go"})
        thread = result.structured_content["threadId"]
        uris = [str(resource.uri) for resource in (await client.list_resources()).resources]
        transcript = await client.read_resource(f"codex://threads/{thread}/transcript")
        prompt = await client.get_prompt("second-opinion", {"question": "why?"})
        assert len((await client.list_resource_templates()).resource_templates) == 3
        assert len((await client.list_prompts()).prompts) == 3
    assert f"codex://threads/{thread}" in uris
    assert "one" in str(transcript.contents[0])
    assert "why?" in str(prompt.messages[0].content)
