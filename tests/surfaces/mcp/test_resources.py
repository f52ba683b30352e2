"""Threads and models as resources; prompts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from codex_mcp.offline import OfflineModel
from codex_mcp.wire.errors import RpcError
from tests.support.home import Home
from tests.support.mcp_client import McpClient, mcp_serving

pytestmark = pytest.mark.anyio

UNKNOWN = "019a9999-0000-7000-8000-000000000001"
FREE = {"sandbox": "danger-full-access", "approval_policy": "never"}


async def read(client: McpClient, uri: str) -> Any:
    [content] = (await client.request("resources/read", {"uri": uri}))["contents"]
    assert content["uri"] == uri
    return json.loads(content["text"]) if content["mimeType"] == "application/json" else content["text"]


@pytest.mark.requirement("mcp:resources")
async def test_threads_and_models_are_resources(home: Home, model: OfflineModel) -> None:
    model.add([{"patch": "*** Begin Patch\n*** Add File: a.txt\n+one\n*** End Patch"}], [{"say": "done"}])
    async with mcp_serving(home) as client:
        thread = (await client.call("codex", prompt="write it", **FREE))["structuredContent"]["threadId"]
        listed = (await client.request("resources/list"))["resources"]
        templates = (await client.request("resources/templates/list"))["resourceTemplates"]
        uri = f"codex://threads/{thread}"
        assert [resource["uri"] for resource in listed] == ["codex://threads", "codex://models", uri]
        assert listed[2]["title"] == "write it"
        assert [template["name"] for template in templates] == ["thread", "transcript", "changes"]
        assert (await read(client, "codex://threads"))["threads"][0]["threadId"] == thread
        assert (await read(client, uri))["cwd"] == str(home.workspace)
        assert await read(client, f"{uri}/transcript") == "## User\n\nwrite it\n\n## Assistant\n\ndone\n"
        [change] = await read(client, f"{uri}/changes")
        assert change == {"path": str(home.workspace / "a.txt"), "kind": "add", "diffs": ["one\n"]}
        assert any(entry["isDefault"] for entry in await read(client, "codex://models"))


@pytest.mark.requirement("mcp:resources:unknown")
async def test_resources_that_do_not_exist_are_errors_with_the_uri(home: Home) -> None:
    async with mcp_serving(home) as client:
        for uri in (f"codex://threads/{UNKNOWN}", "codex://threads/../../x", "file:///etc/passwd", "codex://threads/"):
            with pytest.raises(RpcError) as refused:
                await client.request("resources/read", {"uri": uri})
            assert refused.value.code == -32002
            assert refused.value.data["uri"] == uri
        for params in ({}, {"uri": 5}):
            with pytest.raises(RpcError, match="`uri`"):
                await client.request("resources/read", params)
        with pytest.raises(RpcError, match="cursor"):
            await client.request("resources/list", {"cursor": "nonsense"})


@pytest.mark.requirement("mcp:resources:subscribe")
async def test_subscribers_hear_of_every_turn(home: Home, model: OfflineModel) -> None:
    model.add([{"say": "one"}], [{"say": "two"}], [{"say": "three"}])
    async with mcp_serving(home) as client:
        thread = (await client.call("codex", prompt="go"))["structuredContent"]["threadId"]
        uri = f"codex://threads/{thread}/transcript"
        await client.request("resources/subscribe", {"uri": uri})
        await client.call("codex-reply", threadId=thread, prompt="go")
        shouted = f"codex://threads/{thread.upper()}"
        await client.request("resources/subscribe", {"uri": shouted})
        await client.call("codex-reply", threadId=thread, prompt="go")
        await client.request("resources/unsubscribe", {"uri": shouted})
        await client.request("resources/unsubscribe", {"uri": uri})
        await client.call("codex-reply", threadId=thread, prompt="go")
        with pytest.raises(RpcError):
            await client.request("resources/subscribe", {"uri": "file:///etc/passwd"})
    assert client.of("notifications/resources/updated") == [{"uri": uri}, {"uri": shouted}, {"uri": uri}]


@pytest.mark.requirement("mcp:prompts")
async def test_prompts_show_how_to_delegate(home: Home) -> None:
    async with mcp_serving(home) as client:
        prompts = {prompt["name"]: prompt for prompt in (await client.request("prompts/list"))["prompts"]}
        whole = await client.request(
            "prompts/get", {"name": "delegate", "arguments": {"task": "fix {cwd} it", "cwd": "/w", "checks": "pytest"}}
        )
        short = await client.request("prompts/get", {"name": "delegate", "arguments": {"task": "fix it"}})
        for params, problem in (
            ({"name": "nope"}, "unknown prompt 'nope'"),
            ({"name": "review"}, "needs the argument changes"),
            ({"name": "delegate", "arguments": {"task": 5}}, "object of strings"),
            ({}, "`name`"),
        ):
            with pytest.raises(RpcError, match=problem):
                await client.request("prompts/get", params)
    assert set(prompts) == {"delegate", "review", "second-opinion"}
    said = whole["messages"][0]["content"]["text"]
    assert "fix {cwd} it" in said
    assert "/w" in said
    assert "pytest" in said
    assert "{" not in short["messages"][0]["content"]["text"]
    assert "argument `cwd`" not in short["messages"][0]["content"]["text"]


@pytest.mark.requirement("mcp:unknown-method")
@pytest.mark.parametrize("method", ["completion/complete", "tasks/list", "sampling/createMessage", "nonsense"])
async def test_methods_that_are_not_offered_are_answered_at_once(home: Home, method: str) -> None:
    async with mcp_serving(home) as client:
        with pytest.raises(RpcError) as refused:
            await client.peer.request(method, {})
        assert refused.value.code == -32601
        with pytest.raises(RpcError) as refused:
            await client.peer.request("prompts/list", [])
        assert refused.value.code == -32602
        assert set(client.server["capabilities"]) == {"tools", "resources", "prompts", "logging"}
