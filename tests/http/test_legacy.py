"""The transport before Streamable HTTP, by the official SDK's client."""

from __future__ import annotations

from typing import Any

import anyio
import mcp_types
import pytest
from mcp.client.client import Client
from mcp.client.sse import sse_client

from codex_mcp.offline import OfflineModel
from tests.support.home import Home
from tests.support.http_server import http_serving

pytestmark = pytest.mark.anyio


@pytest.mark.requirement("http:sse")
async def test_a_conversation_with_a_question(home: Home, model: OfflineModel) -> None:
    outside = home.root / "outside"
    model.add([{"run": f"touch {outside}", "ask": "needed"}], [{"say": "done"}])

    async def approve(context: Any, params: Any) -> mcp_types.ElicitResult:
        return mcp_types.ElicitResult(action="accept", content={})

    async with http_serving(home) as server:
        async with Client(
            sse_client(f"{server.url}/sse"), mode="legacy", read_timeout_seconds=60, elicitation_callback=approve
        ) as client:
            result = await client.call_tool(
                "codex", {"prompt": "go", "sandbox": "workspace-write", "approval-policy": "on-request"}
            )
        await server.logged("session ended")
        assert not any("Traceback" in line for line in server.log), server.log
    assert result.structured_content["content"] == "done"
    assert outside.exists()


@pytest.mark.slow
@pytest.mark.requirement("http:sse")
async def test_what_is_no_message_or_of_no_session_is_refused(home: Home) -> None:
    async with http_serving(home) as server, server.raw() as client:
        ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
        assert (await client.post(f"/messages/?session_id={'0' * 32}", json=ping)).status_code == 404
        assert (await client.post("/messages/", json=ping)).status_code == 400
        async with client.stream("GET", "/sse") as stream:
            lines = stream.aiter_lines()
            with anyio.fail_after(10):
                while not (line := await anext(lines)).startswith("data: "):
                    pass
            refused = await client.post(line[6:], content=b'{"jsonrpc":"2.0","id":true,"method":"ping"}')
            assert refused.status_code == 400
            # it has an open stream: the end of the server must end it properly
            server.process.terminate()
            with anyio.fail_after(20):
                async for _ in lines:
                    pass
        assert await server.process.wait() == 128 + 15
        assert not any("Traceback" in line for line in server.log), server.log
