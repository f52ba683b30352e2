"""MCP servers of the engine in the turns of tools: waited for, and named where they are missing."""

from __future__ import annotations

import pytest

from codex_mcp.offline import OfflineModel
from tests.support.engine_in_use import version
from tests.support.home import Home
from tests.support.hosted import HostedServer
from tests.support.mcp_client import mcp_serving, text

pytestmark = pytest.mark.anyio


def call_tool(server: str, tool: str, **arguments: object) -> list[dict[str, object]]:
    return [{"call_tool": {"server": server, "tool": tool, "arguments": arguments}}]


@pytest.mark.requirement("servers:turn:waits")
async def test_the_first_turn_waits_for_a_server_that_takes_its_time(home: Home, model: OfflineModel) -> None:
    model.add(call_tool("alloy", "resolve_session", link="proto-1"), [{"say": "done"}])
    with HostedServer(auth="none", start_delay=2.5) as hosted:
        home.configure(tail=f'[mcp_servers.alloy]\nurl = "{hosted.url}"\n')
        async with mcp_serving(home) as client:
            result = await client.call("codex", prompt="go")
        assert [call["name"] for call in hosted.calls()] == ["resolve_session"]
    assert text(result) == "done"
    assert not {"mcpServers", "notes"} & result["structuredContent"].keys()


@pytest.mark.requirement("servers:turn:limit")
async def test_a_server_that_is_too_slow_is_named(home: Home, model: OfflineModel) -> None:
    if version() < (0, 163):
        pytest.skip("engine 0.144 waits for every server, however long it takes")
    model.add([{"say": "done"}])
    with HostedServer(auth="none", start_delay=20) as hosted:
        home.configure("mcp_optional_startup_grace_ms = 100", tail=f'[mcp_servers.alloy]\nurl = "{hosted.url}"\n')
        async with mcp_serving(home) as client:
            result = await client.call("codex", prompt="go")
    assert result["structuredContent"]["mcpServers"] == [
        {"name": "alloy", "state": "starting", "advice": "wait: it is starting"}
    ]


@pytest.mark.requirement("servers:turn:named")
async def test_every_result_names_the_servers_that_are_not_connected_and_says_what_to_do(
    home: Home, model: OfflineModel
) -> None:
    model.add([{"say": "one"}], [{"say": "two"}])
    with HostedServer(auth="oauth") as hosted, HostedServer(auth="none") as fine:
        servers = {
            "alloy": f'url = "{hosted.url}"',
            "fine": f'url = "{fine.url}"',
            "keyed": f'url = "{fine.url}"\nbearer_token_env_var = "ALLOY_KEY"',
            "gone": 'command = "/no/such/command"',
            "off": 'command = "false"\nenabled = false',
        }
        home.configure(tail="".join(f"[mcp_servers.{name}]\n{settings}\n" for name, settings in servers.items()))
        async with mcp_serving(home) as client:
            first = await client.call("codex", prompt="go")
            thread = first["structuredContent"]["threadId"]
            second = await client.call("codex-reply", threadId=thread, prompt="go on")
    for result in (first, second):
        found = {server["name"]: server for server in result["structuredContent"]["mcpServers"]}
        assert {name: server["state"] for name, server in found.items()} == {
            "alloy": "auth_required",
            "gone": "command_not_found",
            "keyed": "token_env_missing",
        }
        assert "mcp login alloy" in found["alloy"]["advice"]
        assert "set ALLOY_KEY" in found["keyed"]["advice"]
        notes = [content["text"] for content in result["content"][1:]]
        assert len(notes) == 3
        assert notes[0].startswith(
            "[codex-mcp-server] The MCP server alloy is not connected (auth_required): log in: `"
        )
