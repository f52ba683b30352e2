"""`codex` and `codex-reply`."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest

from codex_mcp.offline import OfflineModel
from codex_mcp.wire.errors import RpcError
from tests.support.home import Home
from tests.support.mcp_client import mcp_serving, text

pytestmark = pytest.mark.anyio

UNKNOWN = "019a9999-0000-7000-8000-000000000001"
PIXEL = (
    "data:image/png;base64,"
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


@pytest.mark.requirement("mcp:codex")
async def test_codex_answers_with_the_last_message_and_the_thread(home: Home, model: OfflineModel) -> None:
    model.add([{"say": "looking"}, {"run": "true"}], [{"say": "done"}])
    async with mcp_serving(home) as client:
        result = await client.call("codex", prompt="go", sandbox="danger-full-access", approval_policy="never")
    assert result["content"] == [{"type": "text", "text": "done"}]
    structured = result["structuredContent"]
    assert structured["content"] == "done"
    assert structured["status"] == "completed"
    assert structured["tokenUsage"]["totalTokens"] > 0
    assert "isError" not in result
    assert client.order.index("task_complete") < client.order.index("result of tools/call")


@pytest.mark.requirement("mcp:codex:arguments")
async def test_every_argument_of_codex_reaches_the_model(home: Home, model: OfflineModel) -> None:
    model.add([{"say": "ok"}])
    home.configure(tail='[profiles.deep]\nmodel_reasoning_summary = "detailed"\n')
    inside = home.workspace / "inside"
    inside.mkdir()
    async with mcp_serving(home) as client:
        await client.call(
            "codex",
            prompt="go",
            model="gpt-5.4",
            cwd="inside",
            profile="deep",
            sandbox="read-only",
            approval_policy="untrusted",
            config={"model_verbosity": "low"},
            base_instructions="BASE",
            developer_instructions="DEVELOPER",
            effort="low",
            images=[PIXEL],
        )
    request = model.requests[0]
    assert request["model"] == "gpt-5.4"
    assert request["reasoning"] == {"effort": "low", "summary": "detailed"}
    sent = json.dumps(request)
    assert "BASE" in sent
    assert "DEVELOPER" in sent
    assert str(inside) in sent
    assert "iVBORw0KGgo" in sent


@pytest.mark.requirement("mcp:codex:unknown-arguments")
async def test_unknown_arguments_are_named_and_not_fatal(home: Home, model: OfflineModel) -> None:
    model.add([{"say": "ok"}])
    async with mcp_serving(home) as client:
        result = await client.call("codex", prompt="go", sandbx="read-only", approval_policy="on-failure")
    assert text(result) == "ok"
    assert result["structuredContent"]["notes"] == [
        "unknown argument `sandbx` was ignored; did you mean `sandbox`?",
        "approval-policy `on-failure` no longer exists in the engine: `on-request` was used",
    ]


@pytest.mark.requirement("mcp:codex:images")
async def test_images_are_files_or_data_urls(home: Home, model: OfflineModel) -> None:
    async with mcp_serving(home) as client:
        missing = await client.call("codex", prompt="look", images=["no.png"])
        remote = await client.call("codex", prompt="look", images=["https://example.com/a.png"])
    assert missing["structuredContent"]["error"]["code"] == "invalid_arguments"
    assert str(home.workspace / "no.png") in text(missing)
    assert "https:" in text(remote)
    assert model.requests == []


@pytest.mark.requirement("mcp:reply")
@pytest.mark.parametrize("name", ["threadId", "conversationId"])
async def test_a_reply_goes_on_with_the_thread(home: Home, model: OfflineModel, name: str) -> None:
    model.add([{"say": "one"}], [{"say": "two"}])
    async with mcp_serving(home) as client:
        thread = (await client.call("codex", prompt="first"))["structuredContent"]["threadId"]
        result = await client.call("codex-reply", prompt="second", **{name: thread})
    assert text(result) == "two"
    assert result["structuredContent"]["threadId"] == thread
    assert "first" in json.dumps(model.requests[1]["input"])


@pytest.mark.requirement("mcp:reply:overrides")
async def test_a_reply_can_change_the_settings(home: Home, model: OfflineModel) -> None:
    model.add([{"say": "one"}], [{"run": "touch made", "id": "c"}], [{"say": "two"}], [{"say": "three"}])
    async with mcp_serving(home) as client:
        thread = (await client.call("codex", prompt="go", sandbox="read-only", approval_policy="never"))[
            "structuredContent"
        ]["threadId"]
        await client.call(
            "codex-reply", threadId=thread, prompt="go", model="gpt-5.4", sandbox="workspace-write", effort="high"
        )
        await client.call("codex-reply", threadId=thread, prompt="go")
    assert (home.workspace / "made").exists()
    assert [(request["model"], request["reasoning"]["effort"]) for request in model.requests[1:]] == [
        ("gpt-5.4", "high")
    ] * 3


@pytest.mark.requirement("mcp:reply:restart")
async def test_a_reply_finds_the_thread_after_a_restart_with_its_settings(home: Home, model: OfflineModel) -> None:
    model.add([{"say": "one"}], [{"run": "touch made", "id": "c"}], [{"say": "two"}])
    home.configure('sandbox_mode = "workspace-write"')
    async with mcp_serving(home) as client:
        thread = (await client.call("codex", prompt="first", sandbox="read-only", approval_policy="never"))[
            "structuredContent"
        ]["threadId"]
    async with mcp_serving(home) as client:
        result = await client.call("codex-reply", threadId=thread, prompt="second")
        assert client.events()[0] == "session_configured"
    assert text(result) == "two"
    assert "first" in json.dumps(model.requests[1]["input"])
    assert not (home.workspace / "made").exists()


@pytest.mark.requirement("mcp:reply:queue")
async def test_replies_at_once_run_one_after_the_other(home: Home, model: OfflineModel) -> None:
    model.add([{"say": "begun"}], *([{"say": f"answer {number}"}] for number in range(4)))
    async with mcp_serving(home) as client:
        thread = (await client.call("codex", prompt="go"))["structuredContent"]["threadId"]
        calls = [client.begin("codex-reply", threadId=thread, prompt=f"question {number}") for number in range(4)]
        results = [await client.result("tools/call", call) for call in calls]
    assert [text(result) for result in results] == [f"answer {number}" for number in range(4)]
    asked = [json.dumps(request["input"]) for request in model.requests[1:]]
    assert [sum(f"question {number}" in sent for number in range(4)) for sent in asked] == [1, 2, 3, 4]


@pytest.mark.requirement("mcp:reply:unknown")
async def test_ids_that_lead_nowhere_are_clear_errors(home: Home) -> None:
    async with mcp_serving(home) as client:
        unknown = await client.call("codex-reply", threadId=UNKNOWN, prompt="x")
        no_uuid = await client.call("codex-reply", threadId="../../etc", prompt="x")
        neither = await client.call("codex-reply", prompt="x")
    assert text(unknown).startswith(f"Session not found for thread_id: {UNKNOWN}")
    assert unknown["structuredContent"]["error"]["code"] == "not_found"
    assert text(no_uuid).startswith("Failed to parse thread_id: '../../etc' is not a UUID")
    assert text(neither) == "Failed to parse thread_id: either threadId or conversationId must be provided"
    assert all(result["isError"] for result in (unknown, no_uuid, neither))


@pytest.mark.requirement("mcp:codex:no-directory")
async def test_a_directory_that_does_not_exist_is_noted(home: Home, model: OfflineModel) -> None:
    model.add([{"say": "done"}], [{"say": "again"}])
    async with mcp_serving(home, "-C", "${workspaceFolder}") as client:
        result = await client.call("codex", prompt="x")
        there = await client.call("codex", prompt="x", cwd=str(home.workspace))
    (note,) = result["structuredContent"]["notes"]
    assert note.startswith(f"the working directory {home.workspace}/${{workspaceFolder}} does not exist")
    assert "notes" not in there["structuredContent"]


@pytest.mark.requirement("mcp:codex:config-file")
async def test_a_mistake_in_the_configuration_file_is_not_called_an_override(home: Home) -> None:
    home.configure('sandbox_mode = "read-onli"')
    async with mcp_serving(home) as client:
        result = await client.call("codex", prompt="x")
    assert text(result).startswith("Failed to load Codex configuration: ")
    assert f"{home.config}:1:16" in text(result)


@pytest.mark.requirement("mcp:codex:bad-arguments")
async def test_bad_arguments_are_results_that_name_them(home: Home) -> None:
    async with mcp_serving(home) as client:
        nothing = await client.peer.request("tools/call", {"name": "codex"})
        no_prompt = await client.call("codex", model="x")
        wrong = await client.call("codex", prompt=5)
        choice = await client.call("codex", prompt="x", sandbox="foo")
        provider = await client.call("codex", prompt="x", config={"model_provider": "nope"})
        unknown = await client.call("no-such-tool")
        with pytest.raises(RpcError, match="`name`"):
            await client.peer.request("tools/call", {"arguments": {}})
    assert text(nothing) == "Missing arguments for codex tool-call; the `prompt` field is required."
    assert text(no_prompt) == "Failed to parse configuration for Codex tool: missing field `prompt`"
    assert text(wrong) == "Failed to parse configuration for Codex tool: Expected `str`, got `int` - at `$.prompt`"
    assert text(choice) == "Failed to parse configuration for Codex tool: Invalid enum value 'foo' - at `$.sandbox`"
    assert text(provider).startswith("Failed to load Codex configuration from overrides: ")
    assert "nope" in text(provider)
    assert text(unknown).startswith("Unknown tool 'no-such-tool'")
    assert {result["structuredContent"]["error"]["code"] for result in (nothing, no_prompt, wrong)} == {
        "invalid_arguments"
    }


@pytest.mark.requirement("mcp:codex:failure")
async def test_a_failing_provider_is_an_error_with_the_thread_and_advice(home: Home, model: OfflineModel) -> None:
    model.add([{"fail": 400, "message": "no such thing"}], [{"say": "better"}])
    async with mcp_serving(home) as client:
        result = await client.call("codex", prompt="go")
        structured = result["structuredContent"]
        again = await client.call("codex-reply", threadId=structured["threadId"], prompt="again")
    assert result["isError"]
    assert structured["status"] == "failed"
    assert structured["error"]["code"] == "provider_error"
    assert "no such thing" in result["content"][0]["text"]
    assert structured["threadId"] in result["content"][1]["text"]
    assert structured["error"]["advice"] in result["content"][1]["text"]
    assert text(again) == "better"


@pytest.mark.requirement("mcp:codex:files")
async def test_the_result_names_the_files_that_patches_changed(home: Home, model: OfflineModel) -> None:
    (home.workspace / "old.txt").write_text("old\n")
    model.add(
        [{"patch": "*** Begin Patch\n*** Add File: new.txt\n+one\n*** Delete File: old.txt\n*** End Patch"}],
        [{"patch": "*** Begin Patch\n*** Update File: new.txt\n@@\n-one\n+two\n*** End Patch"}],
        [{"say": "done"}],
    )
    async with mcp_serving(home) as client:
        result = await client.call("codex", prompt="go", sandbox="workspace-write", approval_policy="never")
    assert result["structuredContent"]["filesChanged"] == [
        {"path": str(home.workspace / "new.txt"), "kind": "add"},
        {"path": str(home.workspace / "old.txt"), "kind": "delete"},
    ]


@pytest.mark.requirement("mcp:codex:output-schema")
async def test_an_answer_is_held_against_the_schema(home: Home, model: OfflineModel) -> None:
    schema = {
        "type": "object",
        "properties": {"count": {"type": "integer"}},
        "required": ["count"],
        "additionalProperties": False,
    }
    model.add([{"say": '{"count": 3}'}], [{"say": '{"count": "three"}'}], [{"say": "three"}])
    async with mcp_serving(home) as client:
        good = await client.call("codex", prompt="count", output_schema=schema)
        thread = good["structuredContent"]["threadId"]
        wrong = await client.call("codex-reply", threadId=thread, prompt="count", output_schema=schema)
        prose = await client.call("codex-reply", threadId=thread, prompt="count", output_schema=schema)
        no_schema = await client.call("codex", prompt="count", output_schema={"type": "nonsense"})
        elsewhere = {"$ref": "file:///etc/passwd"}
        model.add([{"say": "{}"}])
        remote = await client.call("codex", prompt="count", output_schema=elsewhere)
    assert good["structuredContent"]["output"] == {"count": 3}
    assert model.requests[0]["text"]["format"]["schema"] == schema
    for result in (wrong, prose):
        assert result["isError"]
        assert result["structuredContent"]["error"]["code"] == "invalid_answer"
        assert result["structuredContent"]["threadId"] == thread
    assert "count" in text(wrong)
    assert no_schema["structuredContent"]["error"]["code"] == "invalid_arguments"
    assert "refers to what is not in it" in text(remote)


@pytest.mark.requirement("mcp:codex:timeout")
async def test_a_time_limit_stops_the_turn(home: Home, model: OfflineModel) -> None:
    model.add([{"wait": 30}], [{"say": "later"}])
    async with mcp_serving(home) as client:
        result = await client.call("codex", prompt="go", timeout_seconds=0.5)
        structured = result["structuredContent"]
        assert client.events()[-1] == "turn_aborted"
        again = await client.call("codex-reply", threadId=structured["threadId"], prompt="again")
    assert result["isError"]
    assert structured["error"]["code"] == "timeout"
    assert structured["status"] == "interrupted"
    assert text(again) == "later"


@pytest.mark.requirement("mcp:cancel")
async def test_a_cancelled_call_gets_no_answer_and_stops_its_command(home: Home, model: OfflineModel) -> None:
    begun, ended = home.workspace / "begun", home.workspace / "ended"
    model.add([{"say": "one"}], [{"run": f"touch {begun}; sleep 60; touch {ended}"}], [{"say": "after"}])
    async with mcp_serving(home) as client:
        thread = (await client.call("codex", prompt="go", sandbox="danger-full-access", approval_policy="never"))[
            "structuredContent"
        ]["threadId"]
        call = client.begin("codex-reply", threadId=thread, prompt="slow")
        await client.until(lambda: "exec_command_begin" in client.events())
        client.cancel(call)
        result = await client.call("codex-reply", threadId=thread, prompt="next")
        assert "turn_aborted" in client.events()
    assert text(result) == "after"
    assert not ended.exists()


@pytest.mark.requirement("mcp:cancel:queued")
async def test_a_cancelled_call_in_the_queue_is_never_run(home: Home, model: OfflineModel) -> None:
    model.add([{"wait": 0.5}, {"say": "one"}], [{"say": "three"}])
    async with mcp_serving(home) as client:
        first = client.begin("codex", prompt="first")
        await client.until(lambda: client.events())
        thread = client.of("codex/event")[0]["_meta"]["threadId"]
        second = client.begin("codex-reply", threadId=thread, prompt="never-to-be-asked")
        third = client.begin("codex-reply", threadId=thread, prompt="third")
        client.cancel(second)
        assert text(await client.result("tools/call", first)) == "one"
        assert text(await client.result("tools/call", third)) == "three"
    assert "never-to-be-asked" not in json.dumps(model.requests[-1]["input"])


@pytest.mark.requirement("mcp:cancel:unknown")
async def test_cancelling_what_does_not_run_changes_nothing(home: Home, model: OfflineModel) -> None:
    async with mcp_serving(home) as client:
        odd: list[Any] = [{"requestId": 99}, {"requestId": True}, {"requestId": None}, {}, []]
        for params in odd:
            client.peer.notify("notifications/cancelled", params)
        assert await client.request("ping") == {}


@pytest.mark.requirement("mcp:thread-id:text")
async def test_the_thread_is_named_in_the_text_where_clients_need_it(home: Home, model: OfflineModel) -> None:
    model.add([{"say": "one"}], [{"say": "two"}])
    async with mcp_serving(home, "--show-thread-id") as client:
        shown = await client.call("codex", prompt="go")
    async with mcp_serving(home, version="2025-03-26") as client:
        old = await client.call("codex", prompt="go")
    for result in (shown, old):
        thread = result["structuredContent"]["threadId"]
        assert result["content"][1]["text"] == f"[codex-mcp-server] threadId: {thread}"


@pytest.mark.requirement("mcp:thread:not-of-this-server")
async def test_a_reply_goes_on_with_a_thread_of_another_program(
    home: Home, model: OfflineModel, request: pytest.FixtureRequest
) -> None:
    model.add([{"say": "continued"}])
    data = pathlib.Path(str(request.config.rootpath)) / "tests" / "data" / "rollouts" / "0.144.jsonl"
    thread, _ = home.keep(data)
    async with mcp_serving(home) as client:
        result = await client.call("codex-reply", threadId=thread, prompt="go on")
    assert text(result) == "continued"
    assert len(json.dumps(model.requests[0]["input"])) > 1000


@pytest.mark.requirement("mcp:parallel")
async def test_calls_on_different_threads_run_at_once(home: Home, model: OfflineModel) -> None:
    model.add(*([{"wait": 1}, {"say": "x"}] for _ in range(6)))
    async with mcp_serving(home) as client:
        calls = [client.begin("codex", prompt="go") for _ in range(6)]
        await client.until(lambda: client.events().count("task_started") == 6)
        assert "task_complete" not in client.events()
        results = [await client.result("tools/call", call) for call in calls]
    assert len({result["structuredContent"]["threadId"] for result in results}) == 6
