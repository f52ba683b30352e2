"""The MCP servers that Codex uses, as methods and notifications."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from codex_mcp.client import CodexClient
from codex_mcp.offline import OfflineModel
from codex_mcp.wire.errors import RpcError
from tests.support.home import Home
from tests.support.hosted import HostedServer
from tests.support.hosted.browser import follow
from tests.support.server import Wire, serving, turn

pytestmark = pytest.mark.anyio


def told(wire: Wire, method: str) -> list[Any]:
    return [message["params"] for message in wire.received if message.get("method") == method]


async def status(client: CodexClient, **params: Any) -> dict[str, Any]:
    data = (await client.request("mcpServerStatus/list", params))["data"]
    return {server["name"]: server for server in data}


async def until(condition: Any) -> None:
    with anyio.fail_after(20):
        while not condition():
            await anyio.sleep(0.02)


@pytest.mark.requirement("servers:methods:oauth")
@pytest.mark.parametrize("mcp", [False, pytest.param(True, marks=pytest.mark.slow)])
async def test_signing_in_and_out_by_method(home: Home, mcp: bool) -> None:
    wire = Wire()
    with HostedServer(auth="oauth") as hosted:
        async with serving(home, wire=wire, mcp=mcp) as client:
            added = await client.request("mcpServer/add", {"name": "alloy", "url": hosted.url})
            assert (added["state"], added["runtimeStatus"]) in (
                ("auth_required", "authenticationRequired"),
                ("auth_required", None),  # engine 0.144 does not tell
            )
            begun = await client.request("mcpServer/oauth/login", {"name": "alloy"})
            await anyio.to_thread.run_sync(follow, begun["authorizationUrl"])
            await until(lambda: told(wire, "mcpServer/oauthLogin/completed"))
            [completed] = told(wire, "mcpServer/oauthLogin/completed")
            assert (completed["success"], completed["error"]) == (True, None)
            assert (await status(client))["alloy"]["state"] == "connected"
            assert await client.request("mcpServer/oauth/logout", {"name": "alloy"}) == {"signedOut": True}
            assert (await status(client))["alloy"]["state"] == "auth_required"
            hosted.set(consent="deny")
            begun = await client.request("mcpServer/oauth/login", {"name": "alloy"})
            await anyio.to_thread.run_sync(follow, begun["authorizationUrl"])
            await until(lambda: len(told(wire, "mcpServer/oauthLogin/completed")) == 2)
            assert "denied" in told(wire, "mcpServer/oauthLogin/completed")[1]["error"]
            await client.request("mcpServer/setEnabled", {"name": "alloy", "enabled": False})
            assert (await status(client))["alloy"]["state"] == "disabled"
            assert await client.request("mcpServer/remove", {"name": "alloy"}) == {"signedOut": False}
            assert await status(client) == {}


@pytest.mark.slow
@pytest.mark.requirement("servers:methods:oauth")
async def test_a_sign_in_is_forgotten(home: Home) -> None:
    wire = Wire()
    with HostedServer(auth="oauth", consent="page") as hosted:
        home.configure(tail=f'[mcp_servers.alloy]\nurl = "{hosted.url}"\n')
        async with serving(home, wire=wire) as client:
            begun = await client.request("mcpServer/oauth/login", {"name": "alloy"})
            if begun["loginId"] is None:
                pytest.skip("engine 0.144 gives no id")
            await client.request("mcpServer/oauth/cancel", {"loginId": begun["loginId"]})
            [completed] = told(wire, "mcpServer/oauthLogin/completed")
            assert (completed["success"], completed["error"]) == (False, "cancelled")
            with pytest.raises(RpcError, match="no sign-in"):
                await client.request("mcpServer/oauth/cancel", {"loginId": begun["loginId"]})


@pytest.mark.requirement("servers:methods:states")
async def test_a_conversation_tells_the_states_of_its_servers(home: Home, model: OfflineModel) -> None:
    model.add([{"say": "done"}])
    wire = Wire()
    with HostedServer(auth="oauth") as hosted, HostedServer(auth="none") as fine:
        home.configure(tail=f'[mcp_servers.alloy]\nurl = "{hosted.url}"\n[mcp_servers.fine]\nurl = "{fine.url}"\n')
        async with serving(home, wire=wire) as client:
            await client.request("hooks/list", {})  # shows that it knows of these methods
            conversation = await client.new_conversation()
            await turn(conversation, "go")
            found = await status(client, conversationId=conversation.id)
            assert (found["alloy"]["state"], found["fine"]["state"]) == ("auth_required", "connected")
            assert "who_am_i" in found["fine"]["tools"]
            assert set(await status(client, threadId=conversation.id, serverName="fine")) == {"fine"}
            read = {"server": "fine", "uri": "session://dev-7/transcript"}
            [content] = (await client.request("mcpServer/resource/read", read))["contents"]
            assert "quantities" in content["text"]
            assert await client.request("config/mcpServer/reload", {}) == {}
    updates = told(wire, "mcpServer/startupStatus/updated")
    failed = next(update for update in updates if update["status"] == "failed")
    assert (failed["name"], failed["state"], failed["threadId"]) == ("alloy", "auth_required", conversation.id)
    assert "mcp login alloy" in failed["advice"]
    error, *_ = [m["params"]["msg"] for m in wire.received if "error" in m.get("method", "") and "msg" in m["params"]]
    assert "codex mcp login" not in error["message"]
    assert "mcp login alloy" in error["message"]


@pytest.mark.slow
@pytest.mark.requirement("servers:methods:quiet")
async def test_clients_that_do_not_know_of_these_methods_hear_nothing_new(home: Home, model: OfflineModel) -> None:
    model.add([{"say": "done"}])
    wire = Wire()
    with HostedServer(auth="oauth") as hosted:
        home.configure(tail=f'[mcp_servers.alloy]\nurl = "{hosted.url}"\n')
        async with serving(home, wire=wire) as client:
            await turn(await client.new_conversation(), "go")
    assert not [m for m in wire.received if m.get("method", "").startswith("mcpServer/")]


@pytest.mark.requirement("servers:methods:tool-call")
@pytest.mark.parametrize("decision", [pytest.param("approved", marks=pytest.mark.slow), "denied"])
async def test_a_tool_that_is_not_read_only_is_asked_for(home: Home, decision: Any) -> None:
    asked: list[Any] = []

    def approve(request: Any) -> Any:
        asked.append(request.command)
        return decision

    with HostedServer(auth="none") as hosted:
        home.configure(tail=f'[mcp_servers.alloy]\nurl = "{hosted.url}"\n')
        async with serving(home, approve=approve) as client:
            conversation = await client.new_conversation()
            of = {"threadId": conversation.id, "server": "alloy"}
            seen = await client.request(
                "mcpServer/tool/call", {**of, "tool": "screenshot", "arguments": {"session": "dev-7"}}
            )
            assert seen["structuredContent"] == {"width": 1, "height": 1}
            assert [content["type"] for content in seen["content"]] == ["text", "image"]
            assert asked == []
            rename = {**of, "tool": "rename_session", "arguments": {"session": "dev-7", "title": "x"}}
            if decision == "approved":
                assert (await client.request("mcpServer/tool/call", rename))["structuredContent"]["title"] == "x"
            else:
                with pytest.raises(RpcError, match="nobody approved it"):
                    await client.request("mcpServer/tool/call", rename)
        called = [call["name"] for call in hosted.calls()]
    assert asked == [["mcp", "alloy", "rename_session", '{"session": "dev-7", "title": "x"}']]
    assert called == (["screenshot", "rename_session"] if decision == "approved" else ["screenshot"])


REFUSED: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("mcpServer/add", {"name": "a b", "url": "https://x.example"}, "invalid_server"),
    ("mcpServer/add", {"name": "a", "url": "https://x.example", "command": "y"}, "invalid_server"),
    ("mcpServer/add", {"name": "a", "url": "https://x.example", "httpHeaders": {"a\nb": "x"}}, "invalid_server"),
    ("mcpServer/remove", {"name": "nosuch"}, "unknown_server"),
    ("mcpServer/setEnabled", {"name": "nosuch", "enabled": True}, "unknown_server"),
    ("mcpServer/oauth/login", {"name": "nosuch"}, "unknown_server"),
    ("mcpServer/tool/call", {"server": "a", "tool": "b"}, "invalid_request"),
    ("mcpServerStatus/list", {"threadId": "019a9999-0000-7000-8000-000000000001"}, "not_found"),
)


@pytest.mark.requirement("servers:methods:bad-input")
async def test_what_cannot_be_is_refused(home: Home) -> None:
    before = home.config.read_text()
    async with serving(home) as client:
        for method, params, code in REFUSED:
            with pytest.raises(RpcError) as refused:
                await client.request(method, params)
            assert refused.value.data["code"] == code, method
    assert home.config.read_text() == before


@pytest.mark.slow
@pytest.mark.requirement("servers:methods:plugins")
async def test_plugins_marketplaces_and_hooks_are_listed(home: Home) -> None:
    async with serving(home) as client:
        assert (await client.request("plugin/list", {}))["marketplaces"] == []
        assert (await client.request("plugin/installed", {}))["marketplaces"] == []
        assert await client.request("marketplace/list", {}) == {"marketplaces": [], "errors": []}
        upgraded = await client.request("marketplace/upgrade", {})
        assert upgraded == {"selectedMarketplaces": [], "upgradedRoots": [], "errors": [], "replaced": []}
        [place] = (await client.request("hooks/list", {}))["data"]
        assert place["cwd"] == str(home.workspace)
        with pytest.raises(RpcError):
            await client.request("plugin/read", {"pluginName": "nosuch", "marketplacePath": str(home.root / "x")})
