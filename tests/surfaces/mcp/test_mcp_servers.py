"""MCP servers of the engine in the turns of tools: waited for, and named where they are missing."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import anyio
import pytest

from codex_mcp.offline import OfflineModel
from codex_mcp.wire.errors import RpcError
from tests.support.engine_in_use import version
from tests.support.home import Home
from tests.support.hosted import HostedServer
from tests.support.hosted.browser import follow
from tests.support.mcp_client import ACCEPT, Json, mcp_serving, text

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


@pytest.mark.slow
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


BROWSER: Json = {"elicitation": {"form": {}, "url": {}}}


@pytest.mark.requirement("servers:tools:states")
async def test_the_states_of_servers_are_a_tool_and_resources(home: Home, model: OfflineModel) -> None:
    model.add([{"say": "done"}])
    with HostedServer(auth="oauth") as hosted, HostedServer(auth="none") as fine:
        home.configure(
            tail=f'[mcp_servers.alloy]\nurl = "{hosted.url}"\n[mcp_servers.fine]\nurl = "{fine.url}"\n'
            '[mcp_servers.off]\ncommand = "false"\nenabled = false\n'
        )
        async with mcp_serving(home, "--tools", "servers") as client:
            configured = (await client.call("codex-servers"))["structuredContent"]["servers"]
            thread = (await client.call("codex", prompt="go"))["structuredContent"]["threadId"]
            of_thread = (await client.call("codex-servers", threadId=thread))["structuredContent"]["servers"]
            [one] = (await client.call("codex-servers", name="fine"))["structuredContent"]["servers"]
            listed = [resource["uri"] for resource in (await client.request("resources/list"))["resources"]]
            [all_servers] = (await client.request("resources/read", {"uri": "codex://servers"}))["contents"]
            [content] = (await client.request("resources/read", {"uri": "codex://servers/fine"}))["contents"]
            transcript = quote("session://dev-7/transcript", safe="")
            uri = f"codex://servers/fine/resource/{transcript}"
            [read] = (await client.request("resources/read", {"uri": uri}))["contents"]
            with pytest.raises(RpcError) as refused:
                await client.request("resources/read", {"uri": "codex://servers/nosuch"})
    for found in (configured, of_thread, json.loads(all_servers["text"])["servers"]):
        assert [(server["name"], server["state"]) for server in found] == [
            ("alloy", "auth_required"),
            ("fine", "connected"),
            ("off", "disabled"),
        ]
    assert {"name": "rename_session", "title": "Rename", "readOnlyHint": False, "destructiveHint": False} in one[
        "tools"
    ]
    assert listed[0] == "codex://servers"
    assert json.loads(content["text"])["state"] == "connected"
    assert read["uri"] == uri and "The total ignores quantities." in read["text"]
    assert refused.value.code == -32002


@pytest.mark.requirement("servers:tools:login")
async def test_a_client_that_opens_addresses_signs_in_within_a_call(home: Home, model: OfflineModel) -> None:
    model.add(call_tool("alloy", "get_messages", session="dev-7"), [{"say": "done"}])

    def open_address(question: Json) -> Json:
        assert question["mode"] == "url"
        threading.Thread(target=follow, args=(question["url"],)).start()
        return {"action": "accept"}

    with HostedServer(auth="oauth") as hosted:
        home.configure(tail=f'[mcp_servers.alloy]\nurl = "{hosted.url}"\n')
        async with mcp_serving(home, "--tools", "servers", answer=open_address, capabilities=BROWSER) as client:
            signed_in = await client.call("codex-server-login", name="alloy")
            assert signed_in["structuredContent"] == {"name": "alloy", "status": "succeeded"}
            [question] = client.questions
            [completed] = client.of("notifications/elicitation/complete")
            assert completed == {"elicitationId": question["elicitationId"]}
            result = await client.call("codex", prompt="go")
        assert [call["name"] for call in hosted.calls()] == ["get_messages"]
    assert "mcpServers" not in result["structuredContent"]


@pytest.mark.slow
@pytest.mark.requirement("servers:tools:login")
async def test_other_clients_get_the_address_and_ask_again_for_the_end(home: Home) -> None:
    with HostedServer(auth="oauth") as hosted:
        home.configure(tail=f'[mcp_servers.alloy]\nurl = "{hosted.url}"\n')
        async with mcp_serving(home, "--tools", "servers") as client:
            begun = (await client.call("codex-server-login", name="alloy"))["structuredContent"]
            assert begun["status"] == "pending"
            await anyio.to_thread.run_sync(follow, begun["authorizationUrl"])
            ended = (await client.call("codex-server-login", name="alloy", wait_seconds=20))["structuredContent"]
            assert ended == {"name": "alloy", "status": "succeeded"}
            hosted.set(consent="deny")
            again = (await client.call("codex-server-login", name="alloy"))["structuredContent"]
            await anyio.to_thread.run_sync(follow, again["authorizationUrl"])
            denied = await client.call("codex-server-login", name="alloy", wait_seconds=20)
    assert denied["isError"]
    assert denied["structuredContent"]["reason"].startswith("access was denied in the browser")


@pytest.mark.requirement("servers:tools:change")
async def test_servers_are_added_switched_and_removed_if_the_user_agrees(home: Home) -> None:
    with HostedServer(auth="none") as hosted:
        async with mcp_serving(home, "--tools", "servers", answer=lambda _: ACCEPT) as client:
            added = (await client.call("codex-server-add", name="alloy", url=hosted.url))["structuredContent"]
            assert added == {"name": "alloy", "done": "added", "state": "connected"}
            assert (await client.call("codex-server-add", name="alloy", url=hosted.url))["isError"]
            await client.call("codex-server-enable", name="alloy", enabled=False)
            assert "enabled = false" in home.config.read_text()
            await client.call("codex-server-remove", name="alloy")
            assert "alloy" not in home.config.read_text()
            messages = [question["message"] for question in client.questions]
    assert messages[0].startswith(f"Add the MCP server alloy ({hosted.url})")
    assert len(messages) == 3


@pytest.mark.slow
@pytest.mark.requirement("servers:tools:change")
@pytest.mark.parametrize("answer", [None, lambda _: {"action": "decline"}, lambda _: RpcError(-32603, "no")])
async def test_nothing_changes_without_the_users_consent(home: Home, answer: Callable[[Json], Any] | None) -> None:
    home.configure(tail='[mcp_servers.alloy]\nurl = "https://hosted.example/mcp"\n')
    before = home.config.read_text()
    async with mcp_serving(home, "--tools", "servers", answer=answer) as client:
        for tool, arguments in (
            ("codex-server-add", {"name": "other", "url": "https://other.example"}),
            ("codex-server-remove", {"name": "alloy"}),
            ("codex-server-enable", {"name": "alloy", "enabled": False}),
        ):
            refused = await client.call(tool, **arguments)
            assert refused["structuredContent"]["error"]["code"] == "approval_denied"
    assert home.config.read_text() == before
