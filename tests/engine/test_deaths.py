"""The real engine killed at every point of its life, and what it leaves behind."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
from typing import Any

import anyio
import pytest

from codex_mcp.client import ApprovalRequest, ClientConversation
from codex_mcp.offline import OfflineModel
from codex_mcp.protocol import events as ev
from codex_mcp.protocol.approvals import Decision
from codex_mcp.wire.errors import RpcError
from tests.support.home import Home
from tests.support.processes import (
    children,
    commands,
    engines,
    processes,
    server,
    until_gone,
    until_no_process_has,
    with_word,
)
from tests.support.scripted_engine import ScriptedEngine
from tests.support.server import of, serving, turn, types

ENDED_WITHIN = 1.0  # seconds that a promise of the documentation names, not a benchmark


def kill_engine(home: Home) -> list[int]:
    """Its process ids, which are those of nothing soon."""
    killed = engines(home)
    assert killed
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    return killed


@pytest.mark.requirement("reliability:engine:accepted")
async def test_a_message_that_was_accepted_and_not_begun_is_reported_as_not_run(home: Home) -> None:
    engine = ScriptedEngine(home.root, "dies-after-accepting")
    async with serving(home, "--codex", str(engine.path)) as client:
        conversation = await client.new_conversation()
        events = await turn(conversation, "go")
        assert types(events) == ["error", "turn_aborted"]
        assert "Send the message again" in of(events, ev.ErrorEvent)[0].message
        assert types(await turn(conversation, "go"))[-1] == "task_complete"


@pytest.mark.requirement("reliability:engine:accepted")
async def test_the_real_engine_killed_as_it_takes_a_message_ends_the_turn_and_runs_nothing_twice(
    home: Home, model: OfflineModel
) -> None:
    async with serving(home) as client:
        conversation = await client.new_conversation()
        await turn(conversation, "message A")
        for attempt in range(3):
            await conversation.send(f"message {attempt}")
            kill_engine(home)
            with anyio.fail_after(ENDED_WITHIN):
                events = [event.msg async for event in conversation.until_turn_end()]
            assert types(events)[-2:] == ["error", "turn_aborted"]
        assert types(await turn(conversation, "message Z"))[-1] == "task_complete"
    history = json.dumps(model.requests[-1]["input"])
    assert history.count("message A") == history.count("message Z") == 1
    assert all(history.count(f"message {attempt}") <= 1 for attempt in range(3))


@pytest.mark.requirement("reliability:engine:mid-approval")
async def test_the_real_engine_killed_while_a_question_is_open_does_nothing_of_it(
    home: Home, model: OfflineModel
) -> None:
    model.add([{"run": "touch asked.txt", "id": "call"}], [{"say": "went on"}])
    over, answered = anyio.Event(), anyio.Event()

    async def approve(_request: ApprovalRequest) -> Decision:
        kill_engine(home)
        await over.wait()
        answered.set()
        return "approved"

    async with serving(home, approve=approve) as client:
        conversation = await client.new_conversation(approval_policy="untrusted", sandbox="danger-full-access")
        events = await turn(conversation, "go")
        assert types(events)[-2:] == ["error", "turn_aborted"]
        over.set()
        await answered.wait()
        assert of(await turn(conversation, "again"), ev.AgentMessage)[0].message == "went on"
    assert not (home.workspace / "asked.txt").exists()


@pytest.mark.requirement("reliability:engine:at-start")
async def test_the_real_engine_killed_while_it_starts_is_started_again(home: Home) -> None:
    async with serving(home) as client:
        async with anyio.create_task_group() as tasks:

            async def kill_first() -> None:
                while not engines(home):
                    await anyio.sleep(0)
                kill_engine(home)

            tasks.start_soon(kill_first)
            conversation = await client.new_conversation()
        assert types(await turn(conversation, "go"))[-1] == "task_complete"


@pytest.mark.requirement("reliability:engine:at-start")
async def test_the_real_engine_that_ends_five_times_in_a_row_is_reported_and_tried_again_later(home: Home) -> None:
    async with serving(home) as client:
        conversation = await client.new_conversation()
        killed: set[int] = set()
        for _ in range(5):
            while not set(engines(home)) - killed:
                await anyio.sleep(0.01)
            await client.request("model/list", {})  # it is ready
            killed.update(kill_engine(home))
        reasons: list[str] = []
        while (events := await turn_or_reason(conversation, reasons)) is None:
            await anyio.sleep(0.05)
    assert types(events)[-1] == "task_complete"
    assert "the Codex engine does not start (5 attempts): it ends right after it started" in reasons


async def turn_or_reason(conversation: ClientConversation, reasons: list[str]) -> list[Any] | None:
    """The events of a turn, or None and one more reason why there is none."""
    try:
        return await turn(conversation, "go")
    except RpcError as error:
        reasons.append(error.message)
        return None


@pytest.mark.requirement("reliability:engine:orphans")
@pytest.mark.parametrize("end", ["engine killed", "signal", "end of input"])
async def test_a_command_that_left_its_session_ends_with_the_engine(home: Home, model: OfflineModel, end: str) -> None:
    ready = home.workspace / "ready"
    model.add([{"run": "setsid sleep 4711 & setsid sleep 4712 & touch ready; wait", "yield_ms": 30000}])
    async with serving(home) as client:
        conversation = await client.new_conversation(approval_policy="never", sandbox="danger-full-access")
        await conversation.send("go")
        while not ready.exists() or len(commands(home, "sleep 471")) < 2:
            await anyio.sleep(0.01)
        if end == "engine killed":
            kill_engine(home)
            await anyio.to_thread.run_sync(until_gone, home, "sleep 471")
            assert types([event.msg async for event in conversation.until_turn_end()])[-1] == "turn_aborted"
        elif end == "signal":
            os.kill(server(home), signal.SIGTERM)
            await anyio.to_thread.run_sync(until_gone, home)
    await anyio.to_thread.run_sync(until_gone, home)


def daemon(word: str) -> str:
    """A command that leaves a process behind with neither its parent, nor its session, nor its environment."""
    return f"env -i setsid sh -c 'sleep {word} & sleep {word} &'"


@pytest.mark.requirement("reliability:engine:daemons")
@pytest.mark.parametrize("end", ["engine killed", "SIGTERM again and again", "SIGHUP", "end of input"])
async def test_a_daemon_without_our_environment_ends_with_the_engine(home: Home, model: OfflineModel, end: str) -> None:
    word = f"{random.randrange(10**9)}s"
    model.add([{"run": f"{daemon(word)}; touch ready; sleep 60", "yield_ms": 30000}])
    async with serving(home) as client:
        conversation = await client.new_conversation(approval_policy="never", sandbox="danger-full-access")
        await conversation.send("go")
        while not (home.workspace / "ready").exists() or len(with_word(word)) < 2:
            await anyio.sleep(0.01)
        if end == "engine killed":
            kill_engine(home)
            await anyio.to_thread.run_sync(until_no_process_has, word)
            assert types([event.msg async for event in conversation.until_turn_end()])[-1] == "turn_aborted"
        elif end == "SIGHUP":
            os.kill(server(home), signal.SIGHUP)
        elif end == "SIGTERM again and again":
            pid = server(home)
            with contextlib.suppress(ProcessLookupError):
                while pid in processes(home):
                    os.kill(pid, signal.SIGTERM)
        if end not in ("end of input", "engine killed"):
            await anyio.to_thread.run_sync(until_gone, home)
            await anyio.to_thread.run_sync(until_no_process_has, word)
    await anyio.to_thread.run_sync(until_no_process_has, word)


@pytest.mark.requirement("reliability:engine:daemons")
async def test_helpers_that_the_engine_leaves_behind_end_with_it(home: Home) -> None:
    engine = ScriptedEngine(home.root, "leaves-helpers")
    async with serving(home, "--codex", str(engine.path)) as client:
        await client.new_conversation()
        assert len(with_word(engine.word)) == 2
    await anyio.to_thread.run_sync(until_no_process_has, engine.word)


@pytest.mark.requirement("reliability:engine:daemons")
async def test_daemons_that_end_by_themselves_leave_no_zombies(home: Home, model: OfflineModel) -> None:
    word = f"{random.randrange(10**9)}"
    daemons = f"env -i setsid sh -c 'sleep 0.{word} & sleep 0.{word} &'"
    model.add([{"run": f"{daemons}; touch ready"}], [{"say": "done"}])
    async with serving(home) as client:
        conversation = await client.new_conversation(approval_policy="never", sandbox="danger-full-access")
        await turn(conversation, "go")
        assert (home.workspace / "ready").exists()
        own = server(home)
        with anyio.fail_after(5):
            while [pid for pid in children(own) if pid not in engines(home)]:
                await anyio.sleep(0.01)
