"""Scripted intents reach the tools that the real engine has, whatever it calls them and however it offers them."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from codex_mcp.offline import OfflineModel
from codex_mcp.protocol import events as ev
from tests.support.home import Home
from tests.support.server import of, serving, turn

ADD = {"tool": "add", "arguments": {"a": 1, "b": 2}}


def with_tools(home: Home, *names: str) -> None:
    """MCP servers of those names."""
    entries = (
        f"[mcp_servers.{name}]\ncommand = {json.dumps(sys.executable)}\nargs = ['-m', 'tests.support.mcp_tools']\n"
        f"cwd = {json.dumps(sys.path[0] or '.')}\nrequired = true\ndefault_tools_approval_mode = 'approve'\n"
        for name in names
    )
    home.configure(tail="\n".join(entries))


def outputs(model: OfflineModel, kind: str) -> list[Any]:
    """The items of that type that the engine sent the model, newest request first."""
    return [item for body in reversed(model.requests) for item in body["input"] if item.get("type") == kind]


@pytest.mark.anyio
@pytest.mark.requirement("offline:tools")
@pytest.mark.parametrize("server", ["plain", "with-dash"])
async def test_a_tool_is_called_whatever_the_name_of_its_server(home: Home, model: OfflineModel, server: str) -> None:
    with_tools(home, server)
    model.add([{"call_tool": {"server": server, **ADD}}], [{"say": "done"}])
    async with serving(home) as client:
        events = await turn(await client.new_conversation(sandbox="danger-full-access"), "go")
    [end] = of(events, ev.McpToolCallEnd)
    assert end.invocation.server == server
    assert "unsupported call" not in json.dumps(model.requests)


@pytest.mark.anyio
@pytest.mark.requirement("offline:tools")
async def test_tools_are_searched_for_and_functions_called_in_their_namespace(home: Home, model: OfflineModel) -> None:
    with_tools(home, "some-tools")
    call = {"function": "add", "namespace": "mcp__some_tools", "arguments": {"a": 1, "b": 2}}
    model.add([{"search_tools": "add two numbers", "limit": 4, "id": "search"}], [call], [{"say": "done"}])
    async with serving(home) as client:
        events = await turn(await client.new_conversation(sandbox="danger-full-access"), "go")
    [found] = outputs(model, "tool_search_output")[:1]
    assert found["call_id"] == "search"
    assert "mcp__some_tools" in json.dumps(found["tools"])
    [end] = of(events, ev.McpToolCallEnd)
    assert (end.invocation.server, end.invocation.tool) == ("some-tools", "add")
