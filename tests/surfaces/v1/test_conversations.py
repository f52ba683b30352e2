"""Conversations over the wire: begin, send, stream, interrupt; on the real engine."""

from __future__ import annotations

import json
import pathlib
import subprocess
from typing import Any

import anyio
import pytest

from codex_mcp.client import CodexClient
from codex_mcp.offline import OfflineModel
from codex_mcp.protocol import events as ev
from codex_mcp.protocol.input_items import text
from codex_mcp.protocol.sandbox import FullAccessPolicy, ReadOnlyPolicy, WorkspaceWritePolicy
from codex_mcp.wire.errors import RpcError
from tests.support import engine_in_use
from tests.support.home import Home
from tests.support.raw import RawServer
from tests.support.server import Wire, of, serving, turn, types

UNKNOWN = "00000000-0000-0000-0000-000000000001"
PLAIN_TURN = [
    "task_started",
    "item_started",
    "item_completed",
    "user_message",
    "item_started",
    "agent_message_content_delta",
    "agent_message_delta",
    "item_completed",
    "agent_message",
    "token_count",
    "task_complete",
]


def sent_to_model(model: OfflineModel) -> str:
    return json.dumps(model.requests[-1]["input"], ensure_ascii=False)


async def error_of(client: CodexClient, method: str, params: Any = None) -> RpcError:
    with pytest.raises(RpcError) as error:
        await client.request(method, params)
    return error.value


@pytest.mark.requirement("conversations:turn:order")
@pytest.mark.parametrize("mcp", [False, True], ids=["app-server", "mcp"])
async def test_a_plain_turn_has_the_events_of_the_interface_in_their_order(
    home: Home, model: OfflineModel, mcp: bool
) -> None:
    model.add([{"say": "Hello from the script.", "pieces": 4}], [{"say": "Again."}])
    wire = Wire()
    async with serving(home, wire=wire, mcp=mcp) as client:
        conversation = await client.new_conversation()
        events = await turn(conversation, "hi there")
        assert types(events) == PLAIN_TURN
        assert of(events, ev.UserMessage)[0].message == "hi there"
        assert [d.delta for d in of(events, ev.AgentMessageDelta)] == ["Hello", " from ", "the s", "cript."]
        assert of(events, ev.TaskComplete)[0].last_agent_message == "Hello from the script."
        answer = wire.position(result={})
        assert answer < wire.position(event="task_started")
        assert types(await turn(conversation, "more")) == PLAIN_TURN
    numbers = [m["params"]["id"] for m in wire.received if "msg" in (m.get("params") or {})]
    assert sorted(set(numbers)) == ["0", "1"]
    names = {m["method"] for m in wire.received if "msg" in (m.get("params") or {})}
    assert names == {"codex/event"} if mcp else all(name.startswith("codex/event/") for name in names)


@pytest.mark.requirement("conversations:new:settings")
async def test_what_a_conversation_is_begun_with_reaches_the_engine(home: Home, model: OfflineModel) -> None:
    inside = home.workspace / "inside"
    inside.mkdir()
    async with serving(home) as client:
        conversation = await client.new_conversation(
            model="other-model",
            cwd="inside",
            base_instructions="BASE",
            developer_instructions="DEVELOPER",
            config={"model_reasoning_effort": "high", "model_supports_reasoning_summaries": True},
        )
        assert conversation.info.model == "other-model"
        assert conversation.info.reasoning_effort == "high"
        await turn(conversation, "go")
    request = model.requests[-1]
    assert request["model"] == "other-model"
    assert request["reasoning"]["effort"] == "high"
    assert "BASE" in json.dumps(request)
    assert "DEVELOPER" in sent_to_model(model)
    assert str(inside) in sent_to_model(model)


@pytest.mark.requirement("conversations:new:plan-tool")
async def test_the_plan_tool_is_on_unless_it_is_refused(home: Home, model: OfflineModel) -> None:
    async with serving(home) as client:
        await turn(await client.new_conversation(), "go")
        assert "update_plan" in json.dumps(model.requests[-1]["tools"])
        await turn(await client.new_conversation(include_plan_tool=False), "go")
    refusable = engine_in_use.version() > (0, 145)  # 0.144 always offers it
    assert ("update_plan" in json.dumps(model.requests[-1]["tools"])) is not refusable


@pytest.mark.requirement("conversations:new:tables")
async def test_a_table_among_the_settings_leaves_the_rest_of_it_alone(home: Home, model: OfflineModel) -> None:
    config = {"features": {"shell_snapshot": False}, "tools": {"web_search": False}}
    async with serving(home) as client:
        await turn(await client.new_conversation(config=config), "go")
    offered = json.dumps(model.requests[-1]["tools"])
    assert "update_plan" in offered
    assert "goal" not in offered


@pytest.mark.requirement("conversations:new:no-event")
async def test_no_event_announces_a_new_conversation(home: Home) -> None:
    wire = Wire()
    async with serving(home, wire=wire) as client:
        await client.new_conversation()
        await client.request("getUserAgent", None)
    assert not [m for m in wire.received if "method" in m]


@pytest.mark.requirement("conversations:new:early-events")
async def test_an_mcp_server_that_cannot_be_started_is_told_of_before_the_first_turn(home: Home) -> None:
    home.configure(tail='[mcp_servers.broken]\ncommand = "/no/such/mcp-server"')
    async with serving(home) as client:
        conversation = await client.new_conversation()
        async for event in conversation.events():
            if isinstance(event.msg, ev.ErrorEvent):
                told = event.id, event.msg.message
                break
    assert told == ("", "MCP client for `broken` failed to start: No such file or directory (os error 2)")


@pytest.mark.requirement("conversations:turn:settings-persist")
async def test_settings_of_a_turn_count_for_later_turns_too(home: Home, model: OfflineModel) -> None:
    inside = home.workspace / "inside"
    inside.mkdir()
    model.add([{"run": "pwd"}])
    async with serving(home) as client:
        conversation = await client.new_conversation(config={"model_supports_reasoning_summaries": True})
        await conversation.send_turn(
            "go",
            cwd=str(inside),
            approval_policy="never",
            sandbox_policy=FullAccessPolicy(),
            model="other-model",
            effort="low",
            summary="concise",
        )
        events = [event.msg async for event in conversation.until_turn_end()]
        assert of(events, ev.ExecCommandBegin)[0].cwd == str(inside)
        assert str(inside) in of(events, ev.ExecCommandEnd)[0].aggregated_output
        await turn(conversation, "next")
    for request in model.requests:
        assert request["model"] == "other-model"
        assert request["reasoning"] == {"effort": "low", "summary": "concise"}


@pytest.mark.requirement("conversations:turn:sandbox")
@pytest.mark.parametrize(
    ("policy", "inside", "outside"),
    [
        (ReadOnlyPolicy(), False, False),
        (WorkspaceWritePolicy(exclude_slash_tmp=True, exclude_tmpdir_env_var=True), True, False),
        (FullAccessPolicy(), True, True),
    ],
    ids=["read-only", "workspace-write", "danger-full-access"],
)
async def test_a_command_is_held_by_the_sandbox_of_its_turn(
    home: Home, model: OfflineModel, policy: Any, inside: bool, outside: bool
) -> None:
    model.add([{"run": f"touch inside.txt; touch {home.root}/outside.txt"}])
    async with serving(home) as client:
        conversation = await client.new_conversation()
        await conversation.send_turn("go", cwd=str(home.workspace), approval_policy="never", sandbox_policy=policy)
        async for _ in conversation.until_turn_end():
            pass
    assert (home.workspace / "inside.txt").exists() is inside
    assert (home.root / "outside.txt").exists() is outside


@pytest.mark.requirement("conversations:turn:writable-roots")
async def test_writable_roots_of_a_turn_may_be_written(home: Home, model: OfflineModel) -> None:
    extra = home.root / "extra"
    extra.mkdir()
    model.add([{"run": f"touch {extra}/file"}])
    async with serving(home) as client:
        conversation = await client.new_conversation()
        policy = WorkspaceWritePolicy(writable_roots=[str(extra)])
        await conversation.send_turn("go", cwd=str(home.workspace), approval_policy="never", sandbox_policy=policy)
        async for _ in conversation.until_turn_end():
            pass
    assert (extra / "file").exists()


@pytest.mark.requirement("conversations:turn:joined")
async def test_a_message_sent_while_a_turn_runs_joins_it(home: Home, model: OfflineModel) -> None:
    model.add([{"say": "first"}, {"run": "sleep 1; echo slept"}], [{"say": "saw both"}])
    async with serving(home) as client:
        conversation = await client.new_conversation(approval_policy="never", sandbox="danger-full-access")
        await conversation.send("one")
        events = []
        async for event in conversation.until_turn_end():
            events.append(event.msg)
            if isinstance(event.msg, ev.ExecCommandBegin):
                await conversation.send("two")
    assert types(events).count("task_started") == 1
    assert [m.message for m in of(events, ev.UserMessage)] == ["one"]
    assert of(events, ev.TaskComplete)[0].last_agent_message == "saw both"
    assert "two" in sent_to_model(model)


@pytest.mark.requirement("conversations:turn:joined-late")
async def test_a_message_sent_as_the_model_finishes_is_not_lost(home: Home, model: OfflineModel) -> None:
    model.add([{"say": "part", "pieces": 2}, {"wait": 0.5}], [{"say": "saw it"}])
    async with serving(home) as client:
        conversation = await client.new_conversation()
        await conversation.send("one")
        joined = False
        async for event in conversation.until_turn_end():
            if isinstance(event.msg, ev.AgentMessageDelta) and not joined:
                joined = True
                await conversation.send("two")
    assert "two" in sent_to_model(model)


@pytest.mark.requirement("conversations:turn:joined-settings")
async def test_settings_given_while_a_turn_runs_count_from_the_next(home: Home, model: OfflineModel) -> None:
    model.add([{"say": "part", "pieces": 2}, {"wait": 0.5}], [{"say": "end"}], [{"say": "next"}])
    async with serving(home) as client:
        conversation = await client.new_conversation()
        await conversation.send("one")
        joined = False
        async for event in conversation.until_turn_end():
            if isinstance(event.msg, ev.AgentMessageDelta) and not joined:
                joined = True
                await conversation.send_turn(
                    "two",
                    cwd=str(home.workspace),
                    approval_policy="never",
                    sandbox_policy=FullAccessPolicy(),
                    model="other-model",
                )
        await turn(conversation, "three")
    assert [request["model"] for request in model.requests] == ["gpt-5.5", "gpt-5.5", "other-model"]


@pytest.mark.requirement("conversations:two-at-once")
async def test_two_conversations_run_side_by_side_and_do_not_mix(home: Home, model: OfflineModel) -> None:
    model.add(
        {"when": "alpha", "steps": [{"say": "A1 A2 A3 A4", "pieces": 4, "delay": 0.2}]},
        {"when": "beta", "steps": [{"say": "B1 B2 B3 B4", "pieces": 4, "delay": 0.2}]},
    )
    wire = Wire()
    async with serving(home, wire=wire) as client:
        a, b = await client.new_conversation(), await client.new_conversation()
        await a.send("alpha")
        await b.send("beta")
        of_a = [event.msg async for event in a.until_turn_end()]
        of_b = [event.msg async for event in b.until_turn_end()]
    assert of(of_a, ev.AgentMessage)[0].message == "A1 A2 A3 A4"
    assert of(of_b, ev.AgentMessage)[0].message == "B1 B2 B3 B4"
    deltas = [m for m in wire.received if m.get("method") == "codex/event/agent_message_delta"]
    order = "".join("a" if m["params"]["conversationId"] == a.id else "b" for m in deltas)
    assert "ab" in order
    assert "ba" in order


@pytest.mark.requirement("conversations:interrupt:idle")
async def test_interrupting_an_idle_conversation_is_answered_at_once_without_an_event(home: Home) -> None:
    wire = Wire()
    async with serving(home, wire=wire) as client:
        conversation = await client.new_conversation()
        assert (await conversation.interrupt()).abort_reason == "interrupted"
        assert types(await turn(conversation, "go"))[-1] == "task_complete"
    assert not [m for m in wire.received if m.get("method") == "codex/event/turn_aborted"]


@pytest.mark.requirement("conversations:interrupt:command")
async def test_interrupting_a_command_kills_it_with_its_children(home: Home, model: OfflineModel) -> None:
    model.add([{"run": "sleep 33.25 & for i in $(seq 99); do echo $i; sleep 0.2; done", "yield_ms": 30000}])
    wire = Wire()
    async with serving(home, wire=wire) as client:
        conversation = await client.new_conversation(approval_policy="never", sandbox="danger-full-access")
        await conversation.send("run")
        events: list[Any] = []
        async with anyio.create_task_group() as tasks:
            async for event in conversation.until_turn_end():
                if isinstance(event.msg, ev.ExecCommandOutputDelta) and not of(events, ev.ExecCommandOutputDelta):
                    tasks.start_soon(conversation.interrupt)
                events.append(event.msg)
        assert types(events)[-1] == "turn_aborted"
        answer = wire.position(result={"abortReason": "interrupted"})
        assert wire.position(event="turn_aborted") < answer
        while subprocess.run(["pgrep", "-f", "sleep 33.25"], capture_output=True, check=False).returncode == 0:
            await anyio.sleep(0.05)
        assert types(await turn(conversation, "again"))[-1] == "task_complete"


@pytest.mark.requirement("conversations:interrupt:streaming")
async def test_interrupting_a_stream_ends_the_turn_and_hangs_up_on_the_model(home: Home, model: OfflineModel) -> None:
    model.add([{"say": "part"}, {"wait": 30}], [{"say": "recovered"}])
    async with serving(home) as client:
        conversation = await client.new_conversation()
        await conversation.send("slow")
        events = []
        async with anyio.create_task_group() as tasks:
            async for event in conversation.until_turn_end():
                events.append(event.msg)
                if isinstance(event.msg, ev.AgentMessageDelta):
                    tasks.start_soon(conversation.interrupt)
                    tasks.start_soon(conversation.interrupt)
        assert types(events).count("turn_aborted") == 1
        assert of(await turn(conversation, "again"), ev.AgentMessage)[0].message == "recovered"
        while model.hung_up == 0 and engine_in_use.version() > (0, 145):  # 0.144 hears the answer out
            await anyio.sleep(0.05)


@pytest.mark.requirement("conversations:interrupt:starting")
async def test_a_turn_can_be_interrupted_before_it_has_announced_itself(home: Home, model: OfflineModel) -> None:
    model.add([{"wait": 1}])
    async with serving(home) as client:
        conversation = await client.new_conversation()
        await conversation.send("slow")
        assert (await conversation.interrupt()).abort_reason == "interrupted"
        events = [event.msg async for event in conversation.until_turn_end()]
        assert types(events)[-1] == "turn_aborted"
        assert types(await turn(conversation, "again"))[-1] == "task_complete"


@pytest.mark.requirement("conversations:interrupt:pipelined")
async def test_an_interrupt_right_behind_a_message_stops_its_turn(home: Home, model: OfflineModel) -> None:
    model.add([{"wait": 1}], [{"wait": 1}])
    with RawServer(home) as server:
        conversation = server.begin_conversation()
        about = {"conversationId": conversation}
        items = [{"type": "text", "text": "slow"}]
        server.send(
            {"id": "send", "method": "sendUserMessage", "params": {**about, "items": items}},
            {"id": "stop", "method": "interruptConversation", "params": about},
            {"id": "next", "method": "sendUserMessage", "params": {**about, "items": items}},
        )
        seen: list[str] = []
        while "task_complete" not in seen:
            message = server.read()
            msg = (message.get("params") or {}).get("msg")
            seen.append(str(message["id"]) if "id" in message else msg["type"] if msg else "")
            if msg and msg["type"] in ("turn_aborted", "task_complete"):
                seen.append(f"{msg['type']} of {message['params']['id']}")
    marks = ["send", "turn_aborted of 0", "stop", "next", "task_complete of 2"]
    assert [entry for entry in seen if entry in marks] == marks


@pytest.mark.requirement("conversations:turn:command-outlives")
async def test_a_command_that_outlives_the_answer_ends_before_its_task(home: Home, model: OfflineModel) -> None:
    model.add([{"run": "sleep 1.5; echo finished", "yield_ms": 300}], [{"say": "did not wait"}])
    async with serving(home) as client:
        conversation = await client.new_conversation(approval_policy="never", sandbox="danger-full-access")
        events = await turn(conversation, "go")
    assert types(events)[-2:] == ["exec_command_end", "task_complete"]
    end = of(events, ev.ExecCommandEnd)[0]
    assert (end.exit_code, end.aggregated_output) == (0, "finished\n")


@pytest.mark.requirement("conversations:turn:missing-cwd")
async def test_a_working_directory_that_does_not_exist_is_accepted_and_the_turn_says_why_commands_fail(
    home: Home, model: OfflineModel
) -> None:
    model.add([{"run": "echo hi"}])
    missing = str(home.root / "missing")
    async with serving(home) as client:
        conversation = await client.new_conversation(cwd=missing, approval_policy="never")
        events = await turn(conversation, "go")
    assert missing in of(events, ev.BackgroundEvent)[0].message
    shown = [-1] if engine_in_use.version() > (0, 145) else []  # 0.144 does not show what it could not start
    assert [e.exit_code for e in of(events, ev.ExecCommandEnd)] == shown


@pytest.mark.requirement("conversations:turn:images")
async def test_images_reach_the_model_in_either_spelling(home: Home, model: OfflineModel) -> None:
    url = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    async with serving(home) as client:
        conversation = await client.new_conversation()
        for image in ({"type": "image", "data": {"imageUrl": url}}, {"type": "image", "image_url": url}):
            items = [{"type": "text", "text": "look"}, image]
            await client.request("sendUserMessage", {"conversationId": conversation.id, "items": items})
            events = [event.msg async for event in conversation.until_turn_end()]
            assert of(events, ev.UserMessage)[0].images == [url]
            assert "input_image" in sent_to_model(model)


@pytest.mark.requirement("conversations:turn:provider-error")
async def test_a_provider_that_fails_ends_the_turn_with_one_error_and_the_conversation_goes_on(
    home: Home, model: OfflineModel
) -> None:
    model.add([{"fail": 500, "message": "boom"}], [{"say": "recovered"}])
    async with serving(home) as client:
        conversation = await client.new_conversation()
        events = await turn(conversation, "go")
        assert types(events)[-2:] == ["error", "task_complete"]
        assert of(events, ev.TaskComplete)[0].last_agent_message is None
        assert of(await turn(conversation, "again"), ev.AgentMessage)[0].message == "recovered"


@pytest.mark.requirement("conversations:turn:provider-down")
async def test_a_provider_that_cannot_be_reached_is_named_in_the_error(home: Home, model: OfflineModel) -> None:
    async with serving(home) as client:
        conversation = await client.new_conversation()
        model.stop()
        events = await turn(conversation, "go")
    assert "error sending request" in of(events, ev.ErrorEvent)[0].message
    assert types(events)[-1] == "task_complete"


@pytest.mark.requirement("conversations:unknown-id")
async def test_an_unknown_conversation_is_named(home: Home) -> None:
    async with serving(home) as client:
        for method, params in (
            ("sendUserMessage", {"items": list[Any]()}),
            ("interruptConversation", {}),
            ("addConversationListener", {}),
        ):
            error = await error_of(client, method, {"conversationId": UNKNOWN, **params})
            assert (error.code, error.message) == (-32600, f"conversation not found: {UNKNOWN}")
            assert error.data == {"code": "not_found"}


@pytest.mark.requirement("conversations:bad-params")
@pytest.mark.parametrize(("mcp", "code"), [(False, -32600), (True, -32602)], ids=["app-server", "mcp"])
async def test_params_that_are_wrong_are_refused_with_the_reason_and_without_their_values(
    home: Home, mcp: bool, code: int
) -> None:
    async with serving(home, mcp=mcp) as client:
        for method, params, reason in (
            ("sendUserMessage", None, "missing field `conversationId`"),
            ("sendUserMessage", {"conversationId": UNKNOWN}, "missing field `items`"),
            ("sendUserMessage", {"conversationId": "secret-id", "items": []}, "`conversationId`"),
            ("sendUserMessage", {"conversationId": UNKNOWN, "items": [{"type": "nope", "data": {}}]}, "`items.0`"),
            ("newConversation", {"approvalPolicy": "bogus"}, "`approvalPolicy`"),
            ("newConversation", {"model": 5}, "`model`"),
            ("newConversation", [], ""),
            ("sendUserTurn", {"conversationId": UNKNOWN, "items": []}, "missing field `cwd`"),
        ):
            error = await error_of(client, method, params)
            assert error.code == code, method
            assert reason in error.message
            assert "secret" not in error.message
        error = await error_of(client, "noSuchMethod", {})
        assert error.code == (-32601 if mcp else -32600)
        assert "noSuchMethod" in error.message


@pytest.mark.requirement("conversations:new:bad-config")
async def test_settings_that_cannot_be_used_are_refused_with_the_reason(home: Home) -> None:
    async with serving(home) as client:
        for params, reason in (
            ({"profile": "nope"}, "config profile `nope` not found"),
            ({"modelProvider": "nope"}, "nope"),
            ({"config": {"approval_policy": "bogus"}}, "bogus"),
        ):
            error = await error_of(client, "newConversation", params)
            assert error.code == -32600
            assert error.message.startswith("error deriving config: ")
            assert reason in error.message


@pytest.mark.requirement("conversations:new:broken-config-file")
async def test_a_config_file_with_a_syntax_error_is_named_and_the_server_stays_up(home: Home) -> None:
    async with serving(home) as client:
        good = home.config.read_text()
        home.config.write_text("this is = = not toml")
        error = await error_of(client, "newConversation", {})
        assert error.code == -32600
        assert "config.toml" in error.message
        assert "line 1" in error.message or ":1:" in error.message
        home.config.write_text(good)
        assert types(await turn(await client.new_conversation(), "go"))[-1] == "task_complete"


@pytest.mark.requirement("conversations:on-failure")
async def test_on_failure_is_served_as_on_request_and_the_client_is_told_once(home: Home) -> None:
    async with serving(home) as client:
        conversation = await client.new_conversation(approval_policy="on-failure")
        events = await turn(conversation, "go")
        notices = of(events, ev.DeprecationNotice)
        assert len(notices) == 1
        assert "on-request" in notices[0].summary
        assert not of(await turn(conversation, "again"), ev.DeprecationNotice)


@pytest.mark.requirement("conversations:on-failure")
async def test_on_failure_that_comes_with_a_turn_is_told_once_too(home: Home) -> None:
    async with serving(home) as client:
        conversation = await client.new_conversation()
        seen = []
        for _ in range(2):
            await conversation.send_turn(
                "go",
                cwd=str(home.workspace),
                approval_policy="on-failure",
                sandbox_policy=ReadOnlyPolicy(),
                model="gpt-5.5",
                summary="auto",
            )
            seen += [event async for event in conversation.until_turn_end()]
    assert [event.id for event in seen if isinstance(event.msg, ev.DeprecationNotice)] == [""]


@pytest.mark.requirement("conversations:new:patch-tool")
@pytest.mark.parametrize(("wanted", "told"), [(True, 1), (False, 0), (None, 0)])
async def test_the_patch_tool_that_was_asked_for_is_a_deprecation_notice(
    home: Home, wanted: bool | None, told: int
) -> None:
    async with serving(home) as client:
        conversation = await client.new_conversation(include_apply_patch_tool=wanted)
        events = [event async for event in conversation.turn("go")]
    notices = [event for event in events if isinstance(event.msg, ev.DeprecationNotice)]
    assert [event.id for event in notices] == [""] * told


@pytest.mark.requirement("conversations:items:tolerant")
async def test_items_of_the_published_document_and_of_the_released_server_are_both_taken(
    home: Home, model: OfflineModel
) -> None:
    async with serving(home) as client:
        conversation = await client.new_conversation()
        items = [{"type": "text", "text": "flat"}, {"type": "text", "data": {"text": "nested"}}]
        await client.request("sendUserMessage", {"conversationId": conversation.id, "items": items})
        events = [event.msg async for event in conversation.until_turn_end()]
        assert of(events, ev.UserMessage)[0].message == "flatnested"
        await conversation.send([text("typed")])
        async for _ in conversation.until_turn_end():
            pass
    assert "typed" in sent_to_model(model)


@pytest.mark.requirement("conversations:rollout")
async def test_the_rollout_file_is_where_the_result_says_once_a_turn_ran(home: Home) -> None:
    async with serving(home) as client:
        conversation = await client.new_conversation()
        await turn(conversation, "go")
        path = pathlib.Path(conversation.info.rollout_path)
        assert path.is_relative_to(home.path / "sessions")
        assert conversation.id in path.name
        assert path.exists()


@pytest.mark.requirement("conversations:items:empty")
async def test_a_message_without_items_asks_the_model_nothing_and_keeps_its_settings(
    home: Home, model: OfflineModel
) -> None:
    async with serving(home) as client:
        conversation = await client.new_conversation()
        await conversation.send_turn(
            [],
            cwd=str(home.workspace),
            approval_policy="never",
            sandbox_policy=ReadOnlyPolicy(),
            model="of-the-empty-turn",
        )
        events = [event.msg async for event in conversation.until_turn_end()]
        assert types(events) == ["task_complete"]
        assert not model.requests
        await turn(conversation, "now")
    assert model.requests[-1]["model"] == "of-the-empty-turn"
