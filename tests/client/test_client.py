"""The typed client as a library: what it returns, what it raises, what it refuses."""

from __future__ import annotations

import pathlib
import signal
import subprocess
import sys
from typing import Any, get_type_hints

import anyio
import pytest

from codex_mcp.client import (
    ClientConversation,
    ConversationSettings,
    PeerClosed,
    ServerEnded,
    ServerNotStarted,
    TurnFailed,
    connect_client,
    start_client,
)
from codex_mcp.client.process import ServerProcess, start_process
from codex_mcp.offline import OfflineModel
from codex_mcp.protocol import events as ev
from codex_mcp.protocol.conversations import NewConversationParams
from codex_mcp.protocol.input_items import local_image, text
from tests.support.home import Home
from tests.support.raw import INITIALIZE, MCP_INITIALIZE, RawServer
from tests.support.server import of, serving


@pytest.mark.requirement("client:settings")
async def test_a_misspelt_keyword_is_refused_with_the_one_that_was_meant(home: Home) -> None:
    misspelt: Any = {"sandboxx": "read-only"}
    nothing_like_it: Any = {"zzz": 1}
    async with serving(home) as client:
        with pytest.raises(TypeError, match="did you mean 'sandbox'"):
            await client.new_conversation(**misspelt)
        with pytest.raises(TypeError, match="approval_policy"):
            await client.resume_conversation("x", **nothing_like_it)


@pytest.mark.requirement("client:settings")
def test_the_keywords_are_the_fields_of_the_params() -> None:
    assert list(get_type_hints(ConversationSettings)) == list(NewConversationParams.model_fields)
    for name, field in NewConversationParams.model_fields.items():
        assert get_type_hints(ConversationSettings)[name] == field.annotation


@pytest.mark.requirement("client:unknown-fields")
@pytest.mark.parametrize("initialize", [INITIALIZE, MCP_INITIALIZE], ids=["app-server", "mcp"])
def test_unknown_fields_are_told_and_known_ones_in_any_spelling_are_not(
    home: Home, model: OfflineModel, initialize: Any
) -> None:
    model.add([{"say": "a"}], [{"say": "b"}])
    told = []
    with RawServer(home) as server:

        def call(method: str, **params: Any) -> Any:
            server.send({"jsonrpc": "2.0", "id": method, "method": method, "params": params})
            return server.answer(method)["result"]

        server.send(initialize)
        server.answer(1)
        begun = call("newConversation", sandboxx="read-only", _meta={}, approval_policy="never")
        id = {"conversationId": begun["conversationId"]}
        if initialize is INITIALIZE:  # with MCP, the events come by themselves
            call("addConversationListener", **id)
        told.append(server.event("background_event")["message"])
        message = {**id, "items": [{"type": "text", "text": "flat"}], "colour": "red"}
        call("sendUserMessage", **message)
        told.append(server.event("background_event")["message"])
        server.event("task_complete")
        policy = {"type": "workspace-write", "networkAccess": True}
        settings = {"cwd": ".", "approvalPolicy": "never", "sandboxPolicy": policy, "model": "m", "summary": "auto"}
        call("sendUserTurn", **message, **settings)
        told.append(server.event("background_event")["message"])
        server.event("task_complete")
        call("resumeConversation", **id, overrides={"sandboxMode": "read-only"})
        if initialize is INITIALIZE:  # with MCP, the events come by themselves
            call("addConversationListener", **id)
        told.append(server.event("background_event")["message"])
    assert told == [
        "newConversation: ignored unknown field `sandboxx` (`sandbox`?)",
        "sendUserMessage: ignored unknown field `colour`",
        "sendUserTurn: ignored unknown fields `sandboxPolicy.networkAccess` (`network_access`?), `colour`",
        "resumeConversation: ignored unknown field `overrides.sandboxMode` (`sandbox`?)",
    ]


@pytest.mark.requirement("client:ask")
async def test_ask_returns_the_answer_or_says_why_there_is_none(home: Home, model: OfflineModel) -> None:
    model.add([{"say": "Four."}], [{"fail": 400, "message": "no such luck"}], [{"wait": 30}])
    async with serving(home) as client:
        conversation = await client.new_conversation()
        assert await conversation.ask("2 + 2?") == "Four."
        with pytest.raises(TurnFailed, match="no such luck") as failed:
            await conversation.ask("again")
        assert failed.value.reason == "error"
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_interrupt_when_begun, conversation, model)
            with pytest.raises(TurnFailed) as failed:
                await conversation.ask("wait")
        assert failed.value.reason == "interrupted"


async def _interrupt_when_begun(conversation: ClientConversation, model: OfflineModel) -> None:
    with anyio.fail_after(20):
        while len(model.requests) < 3:
            await anyio.lowlevel.checkpoint()
    await conversation.interrupt()


async def test_a_turn_does_not_begin_with_what_was_left_of_another(home: Home, model: OfflineModel) -> None:
    model.add([{"say": "one"}], [{"say": "two"}])
    async with serving(home) as client:
        conversation = await client.new_conversation()
        await conversation.send("first")
        await conversation.interrupt()  # answered when it is over; nobody took its events
        assert await conversation.ask("second") in ("one", "two")
        leftover = [event async for event in conversation.turn("third")]
        assert len([event for event in leftover if event.ends_turn]) == 1


async def test_a_kept_conversation_is_listed_resumed_with_its_history_and_archived(
    home: Home, model: OfflineModel
) -> None:
    model.add([{"say": "The word is plum."}], [{"say": "Plum."}])
    async with serving(home) as client:
        first = await client.new_conversation(config={"model_reasoning_effort": "low"})
        await first.ask([text("remember plum"), local_image(str(home.workspace / "none.png"))])
    async with serving(home) as client:
        (listed,) = (await client.list_conversations(page_size=5)).items
        assert listed.conversation_id == first.id
        second = await client.resume_conversation(first.id, sandbox="read-only")
        assert second.info.reasoning_effort == "low"
        assert [m.message for m in of(second.history, ev.AgentMessage)] == ["The word is plum."]
        assert await second.ask("which word?") == "Plum."
        await client.archive_conversation(listed.conversation_id, listed.path)
        assert (await client.list_conversations()).items == []
        assert "gpt-5.5" in [model.id for model in await client.models()]


@pytest.mark.requirement("client:server-ended")
async def test_a_server_that_is_killed_in_mid_turn_is_an_exception_everywhere(home: Home, model: OfflineModel) -> None:
    model.add([{"say": "begun"}, {"wait": 60}])
    command = [sys.executable, "-m", "codex_mcp"]
    async with (
        start_process(command, cwd=home.workspace, env=home.environment()) as server,
        connect_client(server.receive, server.send, why_ended=server.why_ended) as client,
    ):
        conversation = await client.new_conversation()
        with pytest.raises(ServerEnded) as ended:
            await _kill_in_mid_turn(server, conversation)
        assert ended.value.status == -signal.SIGKILL
        assert "SIGKILL" in str(ended.value)
        assert "resume" in ended.value.advice
        with pytest.raises(PeerClosed):
            await conversation.ask("anybody?")
        with pytest.raises(PeerClosed):
            await client.list_conversations()


async def _kill_in_mid_turn(server: ServerProcess, conversation: ClientConversation) -> None:
    async for event in conversation.turn("go"):
        if isinstance(event.msg, ev.AgentMessage):
            server.process.kill()
    pytest.fail("the turn ended as if it were complete")


@pytest.mark.requirement("client:not-started")
@pytest.mark.parametrize(
    ("command", "said", "advice"),
    [
        (["/nowhere/codex-mcp-server"], "cannot run `/nowhere/codex-mcp-server`: No such file", "whole path"),
        (["/"], "Permission denied", "executable"),
        ([sys.executable, "-m", "codex_mcp", "--log-level", "nonsense"], "status 2: .*nonsense", "doctor"),
        ([sys.executable, "-c", "print('hello')"], "status 0", "doctor"),
        ([sys.executable, "-c", 'input(); print(\'{"id": 0, "error": {"message": "no"}}\')'], "no", "doctor"),
        ([sys.executable, "-c", 'input(); print(\'{"id": 0, "result": []}\')'], "handshake", "doctor"),
    ],
)
async def test_every_failure_to_start_is_one_exception_with_reason_and_advice(
    home: Home, command: list[str], said: str, advice: str
) -> None:
    with pytest.raises(ServerNotStarted, match=said) as failed:
        async with start_client(command=command, cwd=home.workspace, env=home.environment()):
            pytest.fail("it started")
    assert advice in str(failed.value)


@pytest.mark.requirement("client:not-started")
async def test_a_working_directory_that_is_not_there_is_named(home: Home) -> None:
    with pytest.raises(ServerNotStarted, match=r"gone: No such file.* Give a `cwd`"):
        async with start_client(cwd=home.root / "gone"):
            pytest.fail("it started")


@pytest.mark.parametrize("hidden", [False, True])
async def test_the_log_of_the_server_is_shown_unless_it_is_not_wanted(
    home: Home, capfd: pytest.CaptureFixture[str], hidden: bool
) -> None:
    script = "import sys; print('a word', file=sys.stderr); sys.exit(3)"
    with pytest.raises(ServerNotStarted, match="a word") as failed:
        async with start_client(command=[sys.executable, "-c", script], stderr=subprocess.DEVNULL if hidden else None):
            pytest.fail("it started")
    assert failed.value.status == 3
    assert failed.value.stderr == ["a word"]
    assert ("a word" in capfd.readouterr().err) is not hidden


async def test_the_advice_of_a_python_that_lacks_the_package_names_it(home: Home, tmp_path: pathlib.Path) -> None:
    command = [sys.executable, "-I", "-S", "-m", "codex_mcp"]
    with pytest.raises(ServerNotStarted, match="No module named codex_mcp"):
        async with start_client(command=command, cwd=tmp_path, env=home.environment(), stderr=subprocess.DEVNULL):
            pytest.fail("it started")
