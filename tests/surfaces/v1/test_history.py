"""Conversations that were kept: list, summarize, resume, archive; on the real engine."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import anyio
import pytest

from codex_mcp.client import ClientConversation, CodexClient
from codex_mcp.offline import OfflineModel
from codex_mcp.protocol import events as ev
from codex_mcp.wire.errors import RpcError
from tests.support import recorded
from tests.support.home import Home
from tests.support.record_rollout import DOT_URL
from tests.support.server import Wire, of, serving, turn, types

UNKNOWN = "00000000-0000-0000-0000-000000000001"
PROVIDER = '[model_providers.other]\nname = "other"\nbase_url = "{url}"\nwire_api = "responses"\n'


async def refused(client: CodexClient, method: str, **params: Any) -> RpcError:
    with pytest.raises(RpcError) as error:
        await client.request(method, params)
    return error.value


async def conversation_with(client: CodexClient, *messages: str, **params: Any) -> ClientConversation:
    conversation = await client.new_conversation(**params)
    for message in messages:
        await turn(conversation, message)
    return conversation


@pytest.mark.requirement("history:list")
async def test_conversations_are_listed_newest_first_in_pages_and_by_provider(home: Home, model: OfflineModel) -> None:
    home.configure(tail=PROVIDER.format(url=model.base_url))
    async with serving(home) as client:
        assert await client.request("listConversations", {}) == {"items": [], "nextCursor": None}
        made = []
        for number in range(3):
            made.append(await conversation_with(client, f"message {number}"))
            await anyio.sleep(1.01)  # the engine orders by whole seconds
        other = await conversation_with(client, "other", model_provider="other")
        await client.new_conversation()  # without a message: not listed
        listed = (await client.request("listConversations", {}))["items"]
        assert [item["conversationId"] for item in listed] == [c.id for c in reversed(made)]
        assert listed[0]["preview"] == "message 2"
        assert listed[0]["path"] == made[2].info.rollout_path
        assert listed[0]["modelProvider"] == "offline"
        assert listed[0]["timestamp"].endswith("Z")
        everything = (await client.request("listConversations", {"modelProviders": []}))["items"]
        assert next(item["conversationId"] for item in everything) == other.id
        assert len(everything) == 4
        only = (await client.request("listConversations", {"modelProviders": ["other"]}))["items"]
        assert [item["conversationId"] for item in only] == [other.id]
        seen, cursor = [], None
        while True:
            page = await client.request("listConversations", {"pageSize": 2, "modelProviders": [], "cursor": cursor})
            assert len(page["items"]) <= 2
            seen += [item["conversationId"] for item in page["items"]]
            cursor = page["nextCursor"]
            if cursor is None:
                break
        assert seen == [item["conversationId"] for item in everything]
        assert await client.request("listConversations", {"pageSize": 0}) == {"items": [], "nextCursor": None}
        assert "cursor" in (await refused(client, "listConversations", cursor="garbage")).message
        assert (await refused(client, "listConversations", pageSize=-1)).code == -32600
        assert (await client.request("listConversations", {"pageSize": 2**40}))["items"] == listed


@pytest.mark.requirement("history:summary")
async def test_a_conversation_is_summarized_by_id_and_by_path(home: Home) -> None:
    async with serving(home) as client:
        conversation = await conversation_with(client, "hello")
        path = conversation.info.rollout_path
        relative = str(pathlib.Path(path).relative_to(home.path))
        found = [
            (await client.request("getConversationSummary", params))["summary"]
            for params in ({"conversationId": conversation.id}, {"rolloutPath": path}, {"rolloutPath": relative})
        ]
        for summary in found:
            assert {**summary, "timestamp": None} == {
                "conversationId": conversation.id,
                "path": path,
                "preview": "hello",
                "timestamp": None,
                "modelProvider": "offline",
            }
        error = await refused(client, "getConversationSummary", conversationId=UNKNOWN)
        assert (error.code, error.message) == (-32600, f"no rollout found for conversation id {UNKNOWN}")
        error = await refused(client, "getConversationSummary", rolloutPath="nope.jsonl")
        assert error.code == -32603
        assert error.message.startswith("failed to load conversation summary from nope.jsonl: ")
        assert (await refused(client, "getConversationSummary", rolloutPath="/etc/passwd")).code == -32603
        assert "required" in (await refused(client, "getConversationSummary")).message


@pytest.mark.requirement("history:unwritten")
async def test_a_conversation_in_which_nothing_was_said_is_summarized_and_resumed(
    home: Home, model: OfflineModel
) -> None:
    async with serving(home) as client:
        conversation = await client.new_conversation()
        path = conversation.info.rollout_path
        relative = str(pathlib.Path(path).relative_to(home.path))
        assert not pathlib.Path(path).exists()
        for params in ({"conversationId": conversation.id}, {"rolloutPath": path}, {"rolloutPath": relative}):
            summary = (await client.request("getConversationSummary", params))["summary"]
            assert (summary["conversationId"], summary["path"], summary["preview"]) == (conversation.id, path, "")
        for params in ({"conversationId": conversation.id}, {"path": path}):
            overrides = {"model": "other-model", "approvalPolicy": "on-failure"}
            result = await client.request("resumeConversation", {**params, "overrides": overrides})
            assert (result["conversationId"], result["rolloutPath"]) == (conversation.id, path)
            assert (result["model"], result["initialMessages"]) == ("other-model", [])
        await client.request("addConversationListener", {"conversationId": conversation.id})
        assert types(await turn(conversation, "go"))[-1] == "task_complete"
        assert pathlib.Path(path).exists()
    assert model.requests[0]["model"] == "other-model"


@pytest.mark.requirement("history:resume")
@pytest.mark.parametrize("by", ["path", "conversationId"])
async def test_a_conversation_goes_on_after_a_restart_of_the_server(home: Home, model: OfflineModel, by: str) -> None:
    model.add([{"think": "**Hm**"}, {"say": "noted"}])
    async with serving(home) as client:
        conversation = await conversation_with(client, "remember 42")
    wire = Wire()
    async with serving(home, wire=wire) as client:
        key = {"path": conversation.info.rollout_path, "conversationId": conversation.id}[by]
        result = await client.request("resumeConversation", {by: key})
        assert result["conversationId"] == conversation.id
        assert result["rolloutPath"] == conversation.info.rollout_path
        kept = [(m["type"], m.get("message", m.get("text"))) for m in result["initialMessages"]]
        assert [k for k in kept if k[0] != "token_count"] == [
            ("user_message", "remember 42"),
            ("agent_reasoning", "**Hm**"),
            ("agent_message", "noted"),
        ]
        configured = wire.received[wire.position(method="sessionConfigured")]["params"]
        assert configured["sessionId"] == conversation.id
        assert configured["initialMessages"] == result["initialMessages"]
        answer = next(i for i, m in enumerate(wire.received) if m.get("result") == result)
        assert wire.position(method="sessionConfigured") < answer
        await client.request("addConversationListener", {"conversationId": conversation.id})
        items = [{"type": "text", "text": "and now?"}]
        await client.request("sendUserMessage", {"conversationId": conversation.id, "items": items})
        while len(model.requests) < 2:
            await client.request("getUserAgent", None)
    assert "remember 42" in json.dumps(model.requests[-1]["input"])
    assert "and now?" in json.dumps(model.requests[-1]["input"])


@pytest.mark.requirement("history:old-releases")
async def test_conversations_of_old_releases_are_listed(home: Home) -> None:
    kept = [home.keep(recorded.rollout(release)) for release in recorded.RELEASES]
    async with serving(home) as client:
        listed = (await client.request("listConversations", {}))["items"]
    assert [(item["conversationId"], item["path"]) for item in listed] == [(id, str(path)) for id, path in kept[::-1]]
    assert {item["preview"] for item in listed} == {"What does it do?"}


@pytest.mark.requirement("history:old-releases")
@pytest.mark.parametrize("by", ["path", "conversationId"])
@pytest.mark.parametrize("release", recorded.RELEASES)
async def test_a_conversation_of_an_old_release_is_summarized_and_goes_on(
    home: Home, model: OfflineModel, release: str, by: str
) -> None:
    id, path = home.keep(recorded.rollout(release))
    async with serving(home) as client:
        for params in ({"conversationId": id}, {"rolloutPath": str(path)}):
            summary = (await client.request("getConversationSummary", params))["summary"]
            assert (summary["conversationId"], summary["path"]) == (id, str(path))
            assert summary["preview"] == "What does it do?"
        overrides = {"cwd": str(home.workspace)}
        source = {by: {"path": str(path), "conversationId": id}[by]}
        if not recorded.readable_by_engine(release):
            error = await refused(client, "resumeConversation", **source)
            assert error.message.startswith("error resuming conversation: a newer Codex has written it")
            return
        result = await client.request("resumeConversation", {**source, "overrides": overrides})
        assert (result["conversationId"], result["rolloutPath"]) == (id, str(path))
        assert recorded.talk(result["initialMessages"]) == recorded.TALK
        items = [{"type": "text", "text": "go on"}]
        await client.request("sendUserMessage", {"conversationId": id, "items": items})
        while not model.requests:
            await client.request("getUserAgent", None)
    asked = json.dumps(model.requests[-1]["input"], ensure_ascii=False)
    said = ["What does it do?", "It greets.", DOT_URL, "Done.", "The end.", "go on"]
    assert sorted(said, key=asked.index) == said


@pytest.mark.requirement("history:resume:overrides")
async def test_overrides_count_for_a_conversation_that_is_loaded_already(home: Home, model: OfflineModel) -> None:
    async with serving(home) as client:
        conversation = await conversation_with(client, "one")
        overrides = {"model": "gpt-5.6-luna", "config": {"model_reasoning_effort": "high"}}
        result = await client.request("resumeConversation", {"conversationId": conversation.id, "overrides": overrides})
        assert result["model"] == "gpt-5.6-luna"
        await client.request("addConversationListener", {"conversationId": conversation.id})
        events = await turn(conversation, "two")
        assert types(events)[-1] == "task_complete"
    assert model.requests[-1]["model"] == "gpt-5.6-luna"
    assert model.requests[-1]["reasoning"]["effort"] == "high"


@pytest.mark.requirement("history:resume:numbers")
async def test_event_numbers_begin_anew_and_listeners_have_to_be_added_again(home: Home) -> None:
    wire = Wire()
    async with serving(home, wire=wire) as client:
        conversation = await conversation_with(client, "one", "two")
        await client.request("resumeConversation", {"path": conversation.info.rollout_path})
        start = len(wire.received)
        items = [{"type": "text", "text": "three"}]
        await client.request("sendUserMessage", {"conversationId": conversation.id, "items": items})
        await client.request("addConversationListener", {"conversationId": conversation.id})
        async for _ in conversation.until_turn_end():
            pass
    assert {m["params"]["id"] for m in wire.received[start:] if "msg" in (m.get("params") or {})} == {"0"}


@pytest.mark.requirement("history:resume:history")
async def test_a_conversation_can_begin_with_a_history(home: Home, model: OfflineModel) -> None:
    history = [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "from history"}]}]
    async with serving(home) as client:
        result = await client.request("resumeConversation", {"history": history})
        assert result["initialMessages"] == []
        await client.request("addConversationListener", {"conversationId": result["conversationId"]})
        items = [{"type": "text", "text": "go on"}]
        params = {"conversationId": result["conversationId"], "items": items}
        await client.request("sendUserMessage", params)
        while not model.requests:
            await client.request("getUserAgent", None)
    assert "from history" in json.dumps(model.requests[-1]["input"])


@pytest.mark.requirement("history:resume:errors")
async def test_what_cannot_be_resumed_is_refused_with_the_reason(home: Home) -> None:
    async with serving(home) as client:
        for params, reason in (
            ({}, "either path, conversation id or non empty history must be provided"),
            ({"history": []}, "either path, conversation id or non empty history must be provided"),
            ({"conversationId": UNKNOWN}, f"no rollout found for conversation id {UNKNOWN}"),
            ({"path": "/no/such.jsonl"}, "failed to load rollout `/no/such.jsonl`: No such file"),
            ({"path": "/etc/passwd"}, "failed to load rollout `/etc/passwd`: it is not in the sessions"),
        ):
            error = await refused(client, "resumeConversation", **params)
            assert error.code == -32600
            assert error.message.startswith(reason)
        conversation = await conversation_with(client, "gone")
        params = {"conversationId": conversation.id, "rolloutPath": conversation.info.rollout_path}
        await client.request("archiveConversation", params)
        error = await refused(client, "resumeConversation", conversationId=conversation.id)
        assert error.message.startswith("error resuming conversation: ")
        conversation = await conversation_with(client, "hi")
        overrides = {"modelProvider": "nope"}
        error = await refused(client, "resumeConversation", conversationId=conversation.id, overrides=overrides)
        assert "nope" in error.message


@pytest.mark.requirement("history:archive")
async def test_an_archived_conversation_is_moved_and_closed(home: Home) -> None:
    async with serving(home) as client:
        kept, gone = await conversation_with(client, "kept"), await conversation_with(client, "gone")
        path = pathlib.Path(gone.info.rollout_path)
        for params, reason in (
            ({"conversationId": kept.id, "rolloutPath": str(path)}, f"does not match conversation id {kept.id}"),
            ({"conversationId": gone.id, "rolloutPath": "/etc/passwd"}, "must be in sessions directory"),
            (
                {"conversationId": gone.id, "rolloutPath": f"{path.parent}/../x-{gone.id}"},
                "must be in sessions directory",
            ),
        ):
            error = await refused(client, "archiveConversation", **params)
            assert error.code == -32600
            assert reason in error.message
        params = {"conversationId": gone.id, "rolloutPath": str(path)}
        assert await client.request("archiveConversation", params) == {}
        assert not path.exists()
        assert (home.path / "archived_sessions" / path.name).exists()
        assert "not found" in (await refused(client, "interruptConversation", conversationId=gone.id)).message
        listed = (await client.request("listConversations", {}))["items"]
        assert [item["conversationId"] for item in listed] == [kept.id]
        assert (await refused(client, "archiveConversation", **params)).code == -32600


@pytest.mark.requirement("history:archive:running")
async def test_archiving_stops_what_runs_and_listeners_see_the_end(home: Home, model: OfflineModel) -> None:
    model.add([{"say": "one"}], [{"say": "part"}, {"wait": 30}])
    async with serving(home) as client:
        conversation = await conversation_with(client, "one")
        await conversation.send("two")
        params = {"conversationId": conversation.id, "rolloutPath": conversation.info.rollout_path}
        async for event in conversation.events():
            if isinstance(event.msg, ev.AgentMessage):
                break
        assert await client.request("archiveConversation", params) == {}
        seen = []
        async for event in conversation.events():
            seen.append(event.msg)
            if isinstance(event.msg, ev.ShutdownComplete):
                break
    assert "turn_aborted" in types(seen)
    assert not of(seen, ev.TaskComplete)


@pytest.mark.requirement("history:archive:unwritten")
async def test_a_conversation_without_a_turn_is_simply_closed(home: Home) -> None:
    async with serving(home) as client:
        conversation = await client.new_conversation()
        params = {"conversationId": conversation.id, "rolloutPath": conversation.info.rollout_path}
        assert await client.request("archiveConversation", params) == {}
        assert "not found" in (await refused(client, "interruptConversation", conversationId=conversation.id)).message
