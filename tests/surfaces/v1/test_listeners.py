"""Who gets the events."""

from __future__ import annotations

from typing import Any

import pytest

from codex_mcp.client import CodexClient
from codex_mcp.offline import OfflineModel
from codex_mcp.wire.errors import RpcError
from tests.support.home import Home
from tests.support.server import Wire, serving

TURN = ["task_started", "user_message", "agent_message", "task_complete"]


def events(wire: Wire, start: int = 0) -> list[str]:
    kinds = [m["params"]["msg"]["type"] for m in wire.received[start:] if "msg" in (m.get("params") or {})]
    return [kind for kind in kinds if kind in TURN]


async def begin(client: CodexClient, **params: Any) -> str:
    result = await client.request("newConversation", params)
    return str(result["conversationId"])


async def say(client: CodexClient, conversation: str) -> None:
    items = [{"type": "text", "text": "hello"}]
    await client.request("sendUserMessage", {"conversationId": conversation, "items": items})


async def listen(client: CodexClient, conversation: str, **params: Any) -> str:
    result = await client.request("addConversationListener", {"conversationId": conversation, **params})
    return str(result["subscriptionId"])


async def wait_for_model(client: CodexClient, model: OfflineModel, requests: int) -> None:
    """Until the engine has asked the model that often: by then it has announced the turn."""
    while len(model.requests) < requests:
        await client.request("getUserAgent", None)


async def until_task_complete(client: CodexClient, wire: Wire, count: int) -> None:
    while events(wire).count("task_complete") < count:
        await client.request("getUserAgent", None)


@pytest.mark.requirement("listeners:late")
async def test_events_wait_for_a_listener_and_come_in_order(home: Home, model: OfflineModel) -> None:
    wire = Wire()
    async with serving(home, wire=wire) as client:
        conversation = await begin(client)
        await say(client, conversation)
        await wait_for_model(client, model, 1)
        assert not events(wire)
        await listen(client, conversation)
        await until_task_complete(client, wire, 1)
    assert events(wire) == TURN
    answer = next(i for i, m in enumerate(wire.received) if "subscriptionId" in str(m.get("result")))
    assert answer < wire.position(event="task_started")


@pytest.mark.requirement("listeners:mcp")
async def test_in_mcp_a_conversation_is_listened_to_from_the_start_and_the_first_listener_takes_over(
    home: Home,
) -> None:
    wire = Wire()
    async with serving(home, wire=wire, mcp=True) as client:
        conversation = await begin(client)
        await say(client, conversation)
        await until_task_complete(client, wire, 1)
        subscription = await listen(client, conversation)
        assert events(wire) == TURN
        await say(client, conversation)
        await until_task_complete(client, wire, 2)
        assert events(wire) == TURN * 2
        await client.request("removeConversationListener", {"subscriptionId": subscription})
        await say(client, conversation)
        await listen(client, conversation)
        await until_task_complete(client, wire, 3)
    assert events(wire) == TURN * 3


@pytest.mark.requirement("listeners:two")
async def test_two_listeners_get_every_event_once_in_total(home: Home) -> None:
    wire = Wire()
    async with serving(home, wire=wire) as client:
        conversation = await begin(client)
        first, second = await listen(client, conversation), await listen(client, conversation)
        assert first != second
        await say(client, conversation)
        await until_task_complete(client, wire, 1)
        assert events(wire) == TURN
        await client.request("removeConversationListener", {"subscriptionId": first})
        await say(client, conversation)
        await until_task_complete(client, wire, 2)
    assert events(wire) == TURN * 2


@pytest.mark.requirement("listeners:unknown")
async def test_an_unknown_or_removed_subscription_is_named(home: Home) -> None:
    async with serving(home) as client:
        subscription = await listen(client, await begin(client))
        assert await client.request("removeConversationListener", {"subscriptionId": subscription}) == {}
        with pytest.raises(RpcError, match=f"subscription not found: {subscription}") as error:
            await client.request("removeConversationListener", {"subscriptionId": subscription})
        assert error.value.code == -32600


@pytest.mark.requirement("listeners:approvals")
async def test_a_question_waits_for_a_listener_too(home: Home, model: OfflineModel) -> None:
    model.add([{"run": "touch asked.txt"}])
    wire = Wire()
    async with serving(home, wire=wire, approve=lambda _: "approved") as client:
        conversation = await begin(client, approvalPolicy="untrusted", sandbox="danger-full-access")
        await say(client, conversation)
        await wait_for_model(client, model, 1)
        assert not [m for m in wire.received if m.get("method") == "execCommandApproval"]
        await listen(client, conversation)
        await until_task_complete(client, wire, 1)
    assert (home.workspace / "asked.txt").exists()
    assert len([m for m in wire.received if m.get("method") == "execCommandApproval"]) == 1


@pytest.mark.requirement("listeners:raw")
@pytest.mark.parametrize("raw", [True, False])
async def test_raw_items_are_for_those_who_ask_for_them(home: Home, raw: bool) -> None:
    wire = Wire()
    async with serving(home, wire=wire) as client:
        conversation = await begin(client)
        await listen(client, conversation, experimentalRawEvents=raw)
        await say(client, conversation)
        await until_task_complete(client, wire, 1)
    found = [m for m in wire.received if m.get("method") == "codex/event/raw_response_item"]
    assert bool(found) is raw
    if raw:
        assert {"user", "assistant"} <= {m["params"]["msg"]["item"].get("role") for m in found}
