"""A connection that broke in the middle of a call: the client comes back and gets what it has missed."""

from __future__ import annotations

import json

import anyio
import pytest
from mcp.server.streamable_http import EventMessage
from mcp_types import JSONRPCMessage, JSONRPCNotification, JSONRPCResponse

from codex_mcp.http.events import RecentEvents
from codex_mcp.offline import OfflineModel
from tests.support.home import Home
from tests.support.http_server import begin, http_serving

pytestmark = pytest.mark.anyio


@pytest.mark.requirement("http:resume")
async def test_a_call_that_was_cut_off_is_resumed(home: Home, model: OfflineModel) -> None:
    go = home.root / "go"
    model.add([{"run": f"while [ ! -e {go} ]; do sleep 0.1; done"}], [{"say": "done"}])
    arguments = {"prompt": "go", "sandbox": "danger-full-access", "approval-policy": "never"}
    call = {
        "jsonrpc": "2.0",
        "id": "a\nb",
        "method": "tools/call",
        "params": {"name": "codex", "arguments": arguments, "_meta": {"progressToken": 1}},
    }
    async with http_serving(home) as server, server.raw() as client:
        session = await begin(client)
        other = await begin(client)
        last = ""
        async with client.stream("POST", "/mcp", json=call, headers=session) as stream:
            async for line in stream.aiter_lines():
                if line.startswith("id: "):
                    last = line[4:]
                if "Running: " in line:
                    break
        go.touch()
        async with client.stream("GET", "/mcp", headers={**session, "Last-Event-ID": last}) as stream:
            with anyio.fail_after(30):
                lines = [line async for line in stream.aiter_lines()]  # it ends with the answer
        answer = json.loads([line for line in lines if line.startswith("data: {")][-1][6:])
        assert answer["id"] == "a\nb"
        assert answer["result"]["structuredContent"]["content"] == "done"
        again = await client.get("/mcp", headers={**session, "Last-Event-ID": last})
        assert "done" in again.text
        for headers in ({**session, "Last-Event-ID": "nonsense"}, {**session, "Last-Event-ID": "9" * 15 + ".1"}):
            nothing = await client.get("/mcp", headers=headers)
            assert "data" not in nothing.text
        async with client.stream("GET", "/mcp", headers={**other, "Last-Event-ID": last}) as stream:
            with anyio.move_on_after(1):
                assert not [line async for line in stream.aiter_lines() if "done" in line]
        assert not any("Traceback" in line for line in server.log), server.log


@pytest.mark.requirement("http:resume:bounded")
async def test_what_is_kept_for_a_client_is_bounded() -> None:
    events = RecentEvents(2000)
    replayed: list[JSONRPCMessage] = []

    async def send(event: EventMessage) -> None:
        replayed.append(event.message)

    first = await events.store_event("1", None)
    for number in range(5000):
        await events.store_event(
            "1", JSONRPCNotification(jsonrpc="2.0", method="notifications/message", params={"data": number})
        )
        await events.store_event("2", JSONRPCNotification(jsonrpc="2.0", method="codex/event", params={"x": "y" * 500}))
    assert await events.replay_events_after(first, send) == "1"
    kept = [(message.params or {})["data"] for message in replayed if isinstance(message, JSONRPCNotification)]
    assert kept == list(range(5000 - len(kept), 5000))
    assert 10 < len(kept) < 40
    await events.store_event("1", JSONRPCResponse(jsonrpc="2.0", id=1, result={}))
    assert await events.replay_events_after(first, send) is None
    assert await events.replay_events_after("1.2", send) == "2"
