"""The engine's life: found, started, lost, started again; as its users see it over the wire."""

from __future__ import annotations

import json
import os
import pathlib
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import anyio
import pytest

from codex_mcp.client import ApprovalRequest, ClientConversation, CodexClient
from codex_mcp.engine import link
from codex_mcp.engine.home import CodexHome
from codex_mcp.engine.link import EngineLink, EngineLost
from codex_mcp.engine.locate import find_engines
from codex_mcp.engine.supervisor import Engine
from codex_mcp.offline import OfflineModel
from codex_mcp.protocol import events as ev
from codex_mcp.protocol.approvals import Decision
from codex_mcp.wire.errors import RpcError
from tests.support.engine_in_use import version
from tests.support.home import Home
from tests.support.listener import Listener
from tests.support.processes import engines
from tests.support.scripted_engine import ScriptedEngine
from tests.support.server import of, serving, turn, types


async def replace_engine(home: Home, client: CodexClient) -> None:
    """Kill the engine; return when another one has been started."""
    killed = engines(home)
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    while not set(engines(home)) - set(killed):
        await client.request("getUserAgent", None)


@pytest.mark.requirement("engine:missing")
@pytest.mark.parametrize("path", ["/no/such/codex", "not-an-executable"])
async def test_without_an_engine_the_handshake_works_and_calls_say_what_to_install(home: Home, path: str) -> None:
    (home.workspace / "not-an-executable").write_text("nothing")
    async with serving(home, "--codex", path) as client:
        for _ in range(2):
            with pytest.raises(RpcError) as error:
                await client.new_conversation()
            assert error.value.code == -32603
            assert path in error.value.message
            assert "-m pip install openai-codex-cli-bin" in error.value.message
            assert error.value.data == {"code": "engine_unfit"}
        assert (await client.request("getUserAgent", None))["userAgent"]


@pytest.mark.requirement("engine:too-old")
async def test_an_engine_that_is_too_old_is_named_with_its_version(home: Home) -> None:
    engine = ScriptedEngine(home.root, version="0.53.0")
    async with serving(home, "--codex", str(engine.path)) as client:
        with pytest.raises(RpcError, match=r"version 0\.53\.0; 0\.144\.0 or newer is needed"):
            await client.new_conversation()


@pytest.mark.requirement("engine:not-codex")
async def test_a_program_that_is_no_engine_is_refused(home: Home) -> None:
    engine = ScriptedEngine(home.root, version="unknown")
    async with serving(home, "--codex", str(engine.path)) as client:
        with pytest.raises(RpcError, match="is not a Codex engine"):
            await client.new_conversation()


@pytest.mark.requirement("engine:start-fails")
async def test_an_engine_that_ends_at_start_is_tried_five_times_and_its_words_are_passed_on(home: Home) -> None:
    engine = ScriptedEngine(home.root, "dies-at-start")
    async with serving(home, "--codex", str(engine.path)) as client:
        with pytest.raises(RpcError) as error:
            await client.new_conversation()
    assert "5 attempts" in error.value.message
    assert "scripted engine: cannot start" in error.value.message
    assert engine.starts == 5


@pytest.mark.requirement("engine:start-fails")
async def test_the_reason_why_an_engine_does_not_start_is_given_whatever_it_says_after_it(home: Home) -> None:
    engine = ScriptedEngine(home.root, "dies-at-start", "tells-frames")
    async with serving(home, "--codex", str(engine.path)) as client:
        with pytest.raises(RpcError, match=r"scripted engine: cannot start \| .*49: a frame"):
            await client.new_conversation()


@pytest.mark.requirement("engine:start-fails")
async def test_a_wish_for_backtraces_does_not_hide_why_the_real_engine_does_not_start(home: Home) -> None:
    home.variables["RUST_BACKTRACE"] = "full"
    home.configure('model_provider = "nowhere"')
    async with serving(home) as client:
        with pytest.raises(RpcError) as error:
            await client.new_conversation()
    assert "`nowhere`" in error.value.message
    assert "backtrace" not in error.value.message.lower()


@pytest.mark.requirement("engine:untrusted-default")
async def test_untrusted_as_a_flag_is_given_with_each_conversation(home: Home, model: OfflineModel) -> None:
    model.add([{"run": "touch asked.txt"}], [{"say": "done"}])
    asked = []

    def approve(request: ApprovalRequest) -> Decision:
        asked.append(request)
        return "denied"

    async with serving(home, "-a", "untrusted", approve=approve) as client:
        conversation = await client.new_conversation(sandbox="danger-full-access")
        assert types(await turn(conversation, "go"))[-1] == "task_complete"
    assert len(asked) == 1
    assert not (home.workspace / "asked.txt").exists()


@pytest.mark.requirement("engine:loopback")
@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
async def test_a_model_on_loopback_is_not_asked_for_through_a_proxy(home: Home, model: OfflineModel, name: str) -> None:
    model.add([{"say": "done"}])
    home.variables |= {name: "http://127.0.0.1:9", "NO_PROXY": "example.org"}
    async with serving(home) as client:
        events = await turn(await client.new_conversation(), "go")
    assert of(events, ev.AgentMessage)[0].message == "done"


@pytest.mark.requirement("engine:cwd-removed")
async def test_a_working_directory_that_is_removed_takes_nothing_down_but_itself(
    home: Home, model: OfflineModel
) -> None:
    model.add([{"say": "one"}], [{"say": "two"}], [{"say": "three"}])
    elsewhere = str(home.root)
    async with serving(home) as client:
        before = await client.new_conversation()
        assert of(await turn(before, "go"), ev.AgentMessage)[0].message == "one"
        after = await client.new_conversation(cwd=elsewhere)
        home.workspace.rmdir()
        if version() >= (0, 163):  # 0.144 begins none until it is started again
            after = await client.new_conversation(cwd=elsewhere)
        assert of(await turn(after, "go"), ev.AgentMessage)[0].message == "two"
        result = await client.request("execOneOffCommand", {"command": ["pwd"], "cwd": elsewhere})
        assert result["stdout"].strip() == elsewhere
        with pytest.raises(RpcError, match="No such file or directory") as error:
            await client.request("execOneOffCommand", {"command": ["pwd"]})
        assert error.value.data == {"code": "exec_failed"}
        with pytest.raises(RpcError, match="failed to compute git diff"):
            await client.request("gitDiffToRemote", {"cwd": str(home.workspace)})
        await replace_engine(home, client)
        assert of(await turn(after, "go"), ev.AgentMessage)[0].message == "three"


@pytest.mark.requirement("engine:start-fails")
async def test_a_start_that_fails_once_is_tried_again_unnoticed(home: Home) -> None:
    engine = ScriptedEngine(home.root, "dies-at-first-start")
    async with serving(home, "--codex", str(engine.path)) as client:
        events = await turn(await client.new_conversation(), "go")
    assert of(events, ev.AgentMessage)[0].message == "hello"
    assert engine.starts == 2


@pytest.mark.requirement("engine:garbage")
async def test_lines_of_the_engine_that_are_no_messages_are_ignored(home: Home) -> None:
    engine = ScriptedEngine(home.root, "garbage")
    async with serving(home, "--codex", str(engine.path)) as client:
        assert types(await turn(await client.new_conversation(), "go"))[-1] == "task_complete"


@pytest.mark.requirement("events:unknown-kinds")
@pytest.mark.parametrize("fault", ["unknown-kinds", "malformed-item"])
async def test_kinds_that_this_server_does_not_know_never_break_a_turn(home: Home, fault: str) -> None:
    engine = ScriptedEngine(home.root, fault)
    async with serving(home, "--codex", str(engine.path)) as client:
        events = await turn(await client.new_conversation(), "go")
    assert of(events, ev.AgentMessage)[0].message == "hello"
    assert types(events)[-1] == "task_complete"


@pytest.mark.requirement("conversations:new:early-events")
async def test_what_the_engine_says_of_a_conversation_before_it_answers_is_not_lost(home: Home) -> None:
    engine = ScriptedEngine(home.root, "speaks-early")
    async with serving(home, "--codex", str(engine.path)) as client:
        conversation = await client.new_conversation()
        first, *_ = [event async for event in conversation.turn("go")]
    assert (first.id, first.msg) == ("", ev.BackgroundEvent(message="early"))


@pytest.mark.requirement("engine:does-not-end-turn")
async def test_an_interrupt_is_answered_even_if_the_engine_does_not_end_the_turn(home: Home) -> None:
    engine = ScriptedEngine(home.root, "never-ends-turn")
    async with serving(home, "--codex", str(engine.path)) as client:
        conversation = await client.new_conversation()
        await conversation.send("go")
        assert (await conversation.interrupt()).abort_reason == "interrupted"
        events = [event.msg async for event in conversation.until_turn_end()]
    assert types(events)[-1] == "turn_aborted"


@pytest.mark.requirement("conversations:interrupt:waiting")
async def test_an_interrupt_gives_up_a_message_that_waits_for_the_engine(home: Home) -> None:
    engine = ScriptedEngine(home.root, "dies-in-turn", "silent-at-second-start")
    refusals = []

    async def send(conversation: ClientConversation) -> None:
        with pytest.raises(RpcError) as error:
            await conversation.send("again")
        refusals.append(error.value)

    async with serving(home, "--codex", str(engine.path)) as client, anyio.create_task_group() as tasks:
        conversation = await client.new_conversation()
        await turn(conversation, "go")
        assert (await conversation.interrupt()).abort_reason == "interrupted"  # nothing to stop, and no engine
        tasks.start_soon(send, conversation)
        while not refusals:  # the first may be there before the message
            assert (await conversation.interrupt()).abort_reason == "interrupted"
    assert "interrupted before the engine was ready" in refusals[0].message
    assert refusals[0].code == -32603


@pytest.mark.requirement("engine:death:in-turn")
async def test_an_engine_that_dies_in_a_turn_ends_it_with_an_error_and_the_conversation_goes_on(home: Home) -> None:
    engine = ScriptedEngine(home.root, "dies-in-turn")
    async with serving(home, "--codex", str(engine.path)) as client:
        conversation = await client.new_conversation()
        events = await turn(conversation, "go")
        assert types(events)[-2:] == ["error", "turn_aborted"]
        assert "ended unexpectedly" in of(events, ev.ErrorEvent)[0].message
        assert types(await turn(conversation, "again"))[-1] == "task_complete"
    assert engine.starts == 2


@pytest.mark.requirement("engine:death:in-turn")
async def test_the_real_engine_killed_in_a_turn_is_replaced_and_the_history_is_kept(
    home: Home, model: OfflineModel
) -> None:
    model.add([{"say": "remember 42"}], [{"say": "part", "pieces": 2}, {"wait": 30}], [{"say": "went on"}])
    async with serving(home) as client:
        conversation = await client.new_conversation()
        await turn(conversation, "first")
        await conversation.send("second")
        events = []
        async for event in conversation.until_turn_end():
            events.append(event.msg)
            if isinstance(event.msg, ev.AgentMessageDelta):
                for pid in engines(home):
                    os.kill(pid, signal.SIGKILL)
        assert types(events)[-2:] == ["error", "turn_aborted"]
        assert of(await turn(conversation, "third"), ev.AgentMessage)[0].message == "went on"
        history = json.dumps(model.requests[-1]["input"])
        assert "remember 42" in history
        assert "second" in history
        assert history.count("third") == 1


@pytest.mark.requirement("engine:death:idle")
async def test_the_real_engine_killed_while_idle_goes_unnoticed(home: Home, model: OfflineModel) -> None:
    model.add([{"say": "one"}], [{"say": "two"}])
    async with serving(home) as client:
        conversation = await client.new_conversation()
        await turn(conversation, "first")
        await replace_engine(home, client)
        events = await turn(conversation, "second")
    assert of(events, ev.AgentMessage)[0].message == "two"
    assert not of(events, ev.ErrorEvent)


@pytest.mark.requirement("engine:death:before-first-turn")
async def test_a_conversation_without_a_turn_survives_the_engine(home: Home, model: OfflineModel) -> None:
    model.add([{"say": "one"}], [{"say": "two"}])
    async with serving(home) as client:
        conversation = await client.new_conversation(model="other-model")
        await replace_engine(home, client)
        assert of(await turn(conversation, "first"), ev.AgentMessage)[0].message == "one"
        assert of(await turn(conversation, "second"), ev.AgentMessage)[0].message == "two"
    assert model.requests[0]["model"] == "other-model"


@pytest.mark.requirement("engine:order")
def test_a_named_engine_is_the_only_one_tried(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    engine = ScriptedEngine(tmp_path)
    monkeypatch.setenv("CODEX_MCP_ENGINE", "/from/environment")
    assert [(b.path, b.origin) for b in find_engines("/named")] == [("/named", "--codex")]
    assert [(b.path, b.origin) for b in find_engines(None)] == [("/from/environment", "CODEX_MCP_ENGINE")]
    monkeypatch.delenv("CODEX_MCP_ENGINE")
    engine.path.rename(tmp_path / "codex")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert [b.origin for b in find_engines(None)] == ["PATH", "openai-codex-cli-bin"]


@pytest.mark.requirement("engine:order")
async def test_a_codex_on_path_that_is_too_old_gives_way_to_the_wheel(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CODEX_MCP_ENGINE", raising=False)
    old = ScriptedEngine(home.root, version="0.99.0")
    old.path.rename(home.root / "codex")
    monkeypatch.setenv("PATH", f"{home.root}{os.pathsep}{os.environ['PATH']}")
    async with serving(home) as client:
        conversation = await client.new_conversation()
        assert conversation.info.model != "scripted"
    assert old.starts == 1


@asynccontextmanager
async def running(engine: Engine) -> AsyncIterator[Engine]:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(engine.run)
        yield engine
        tasks.cancel_scope.cancel()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine counts as hung after a tenth of a second."""
    monkeypatch.setattr(link, "_QUIET", 0.05)
    monkeypatch.setattr(link, "_PROBE_LIMIT", 0.05)


@pytest.mark.requirement("engine:hung")
@pytest.mark.usefixtures("impatient")
async def test_an_engine_that_hangs_is_replaced_like_one_that_died(home: Home) -> None:
    hung, listener = ScriptedEngine(home.root, "hangs-in-turn"), Listener()
    async with running(Engine(CodexHome.of_process(), str(hung.path), (), listener)) as engine:
        first = await engine.link()
        with pytest.raises(EngineLost):
            await first.request("turn/start", {"threadId": "t"})
        while (second := await engine.link()) is first:
            await anyio.lowlevel.checkpoint()
        assert (await second.request("turn/start", {"threadId": "t"}))["turn"]
    assert "did not answer any more and was ended" in listener.lost[0]
    assert hung.starts == 2


@pytest.mark.requirement("engine:hung")
@pytest.mark.usefixtures("impatient")
async def test_an_engine_that_is_slow_with_one_request_is_kept(home: Home) -> None:
    slow, listener = ScriptedEngine(home.root, "ignores-turns"), Listener()
    async with running(Engine(CodexHome.of_process(), str(slow.path), (), listener)) as engine:
        used = await engine.link()
        with pytest.raises(EngineLost, match="within 1 s"):
            await used.request("turn/start", {"threadId": "t"}, limit=1.0)
        assert await engine.link() is used
    assert not listener.lost


@pytest.mark.requirement("engine:hung")
@pytest.mark.usefixtures("impatient")
async def test_an_engine_that_is_not_read_from_is_not_taken_for_one_that_hangs(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine_, listener = ScriptedEngine(home.root), Listener()
    go, judged, asked = anyio.Event(), anyio.Event(), []
    is_silent = EngineLink._is_silent

    def judge(self: EngineLink, heard: int) -> bool:
        asked.append(heard)
        if len(asked) > 3:
            judged.set()
        return is_silent(self, heard)

    async def hold() -> None:
        if held:
            await go.wait()

    held = False
    monkeypatch.setattr(EngineLink, "_is_silent", judge)
    supervised = Engine(CodexHome.of_process(), str(engine_.path), (), listener, before_read=hold)
    async with running(supervised) as engine, anyio.create_task_group() as tasks:
        used = await engine.link()
        held = True
        await used.request("turn/start", {"threadId": "t"})  # what was being read is read
        tasks.start_soon(used.request, "turn/start", {"threadId": "t"})
        await judged.wait()
        go.set()
    assert not listener.lost


@pytest.mark.slow
@pytest.mark.requirement("engine:hung")
async def test_the_real_engine_that_is_stopped_is_replaced(home: Home, model: OfflineModel) -> None:
    model.add([{"say": "one"}], [{"say": "two"}], [{"say": "three"}])
    async with serving(home) as client:
        conversation = await client.new_conversation()
        await turn(conversation, "first")
        [stopped] = engines(home)
        os.kill(stopped, signal.SIGSTOP)
        with anyio.fail_after(25):
            with suppress(RpcError):
                await conversation.send("second")
            while engines(home) == [stopped]:
                await anyio.sleep(0.1)
            await client.request("model/list", {})
        another = await client.new_conversation()
        assert types(await turn(another, "third"))[-1] == "task_complete"
