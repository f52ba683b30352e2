"""`--agent NAME` on stdio: the real server and engine, commands in a real box."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import signal
import socket

import anyio
import pytest

from codex_mcp.agents.boxes.local import labelled
from codex_mcp.agents.errors import AgentBusy
from codex_mcp.agents.registry import AgentRecord, Registry
from codex_mcp.offline import OfflineModel
from codex_mcp.protocol import events as ev
from codex_mcp.protocol.sandbox import FullAccessPolicy, ReadOnlyPolicy, SandboxPolicy, WorkspaceWritePolicy
from codex_mcp.wire.errors import RpcError
from tests.agents.workspaces.test_workspaces import repository
from tests.support.home import Home
from tests.support.processes import processes
from tests.support.server import of, serving, turn

__all__ = ["repository"]

PLANTED = "sk-planted-0123456789abcdef"


@pytest.fixture
def registry(home: Home) -> Registry:
    home.variables["CODEX_MCP_DATA"] = str(home.root / "data")
    return Registry(home.root / "data")


def one(registry: Registry) -> AgentRecord:
    return registry.load("one")


@pytest.mark.requirement("agents:serve:box")
async def test_commands_run_in_the_box_and_the_work_is_in_the_workspace(
    home: Home, model: OfflineModel, registry: Registry
) -> None:
    model.add([{"run": "echo made > made.txt; pwd; id -u", "yield_ms": 20000}])
    model.add([{"say": "done"}])
    async with serving(home, "--agent", "one", "-s", "workspace-write", "-a", "never") as client:
        conversation = await client.new_conversation()
        events = await turn(conversation, "go")
    [end] = of(events, ev.ExecCommandEnd)
    workspace = registry.root("one") / "ws"
    assert end.aggregated_output.split() == [str(workspace), "1000"]
    assert (workspace / "made.txt").read_text() == "made\n"
    assert (one(registry).metrics.turns, one(registry).metrics.failed) == (1, 0)
    assert registry.running("one") is None
    assert processes(home) == {}


@pytest.mark.requirement("agents:s3-8")
@pytest.mark.requirement("agents:s3-12")
@pytest.mark.parametrize(
    "policy",
    [
        pytest.param(ReadOnlyPolicy(), id="read-only", marks=pytest.mark.slow),
        pytest.param(WorkspaceWritePolicy(), id="workspace-write", marks=pytest.mark.slow),
        pytest.param(WorkspaceWritePolicy(network_access=True), id="with network", marks=pytest.mark.slow),
        pytest.param(FullAccessPolicy(), id="full access"),
    ],
)
async def test_no_mode_lets_a_command_see_the_login_or_another_agent(
    home: Home, model: OfflineModel, registry: Registry, policy: SandboxPolicy
) -> None:
    (home.path / "auth.json").write_text(json.dumps({"OPENAI_API_KEY": PLANTED}))
    home.variables["OPENAI_API_KEY"] = PLANTED
    secret = "the work of another agent"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        attack = (
            f"echo ran; env; cat /proc/*/environ; cat {home.path}/auth.json ~/.codex/auth.json $CODEX_HOME/auth.json; "
            f"grep -rs 'sk-plante[d]' / --include=*.json --include=environ; cat {registry.root('two')}/ws/*; "
            f"ls {registry.root('one')}/codex {registry.root('two')} && echo sees-folders; "
            f"(exec 3<>/dev/tcp/127.0.0.1/{listener.getsockname()[1]}) && echo connected"
        )
        model.add([{"say": "made"}])
        async with serving(home, "--agent", "two") as client:
            await turn(await client.new_conversation(), "go")
        (registry.root("two") / "ws" / "secret.txt").write_text(secret)
        model.add([{"run": f"({attack}) 2>/dev/null; sleep 1; exit 0", "yield_ms": 20000}])
        async with serving(home, "--agent", "one") as client:
            conversation = await client.new_conversation()
            await conversation.send_turn(
                "go", cwd=str(registry.root("one") / "ws"), approval_policy="never", sandbox_policy=policy
            )
            events = [event.msg async for event in conversation.until_turn_end()]
    [end] = of(events, ev.ExecCommandEnd)
    assert "ran" in end.aggregated_output
    for found in ("planted", secret, "sees-folders", "connected"):
        assert found not in end.aggregated_output
    kept = [path for path in registry.data.rglob("*") if path.is_file() and PLANTED.encode() in path.read_bytes()]
    assert kept == []


@pytest.mark.requirement("agents:serve:key")
async def test_the_key_reaches_the_engine_and_no_file_or_command_line(
    home: Home, model: OfflineModel, registry: Registry
) -> None:
    home.variables["OPENAI_API_KEY"] = PLANTED
    async with serving(home, "--agent", "one") as client:
        await client.new_conversation()
        status = await client.request("getAuthStatus", {"includeToken": True, "refreshToken": False})
        lines = [" ".join(command) for command in processes(home).values()]
        [engine] = [pid for pid, _ in labelled(one(registry).id) if b"app-server" in command_line(pid)]
        environment = pathlib.Path(f"/proc/{engine}/environ").read_bytes()
    assert status["authMethod"] == "apikey" or status["requiresOpenaiAuth"] is False
    assert PLANTED not in "".join(lines)
    assert PLANTED.encode() not in environment
    assert not [path for path in registry.data.rglob("*") if path.is_file() and PLANTED.encode() in path.read_bytes()]


def command_line(pid: int) -> bytes:
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


@pytest.mark.requirement("agents:serve:directory")
@pytest.mark.slow
async def test_directories_of_the_repository_are_those_of_the_workspace(
    home: Home, model: OfflineModel, registry: Registry, repository: pathlib.Path
) -> None:
    (repository / "deep").mkdir()
    (repository / "deep" / "file").write_text("x")
    home.workspace = repository
    model.add([{"run": "pwd; ls", "yield_ms": 20000}])
    async with serving(home, "--agent", "one") as client:
        events = await turn(await client.new_conversation(cwd=str(repository / "deep")), "go")
        with pytest.raises(RpcError, match="is not in the agent's workspace"):
            await client.new_conversation(cwd="/etc")
    [end] = of(events, ev.ExecCommandEnd)
    assert end.aggregated_output.split() == [str(registry.root("one") / "ws" / "deep"), "file"]


@pytest.mark.requirement("agents:serve:persists")
@pytest.mark.slow
async def test_a_conversation_of_an_agent_goes_on_after_a_kill(
    home: Home, model: OfflineModel, registry: Registry
) -> None:
    model.add([{"run": "setsid sleep 300 & echo $! > pid; echo working; sleep 300", "yield_ms": 60000}])
    async with serving(home, "--agent", "one", "-s", "workspace-write", "-a", "never") as client:
        conversation = await client.new_conversation()
        async for event in conversation.turn("begin"):
            if event.msg.type == "exec_command_begin":
                break
        running = registry.running("one")
        assert running is not None
        assert (running.isolation, running.isolates) == ("bwrap", ["files", "network", "processes"])
        os.kill(running.pid, signal.SIGKILL)
    with anyio.fail_after(10):
        while list(labelled(one(registry).id)):
            await anyio.sleep(0.02)
    model.add([{"say": "going on"}])
    async with serving(home, "--agent", "one") as client:
        resumed = await client.resume_conversation(conversation_id=conversation.id)
        events = await turn(resumed, "go on")
    assert [event.message for event in of(events, ev.AgentMessage)] == ["going on"]
    assert "begin" in json.dumps(model.requests[-1])


@pytest.mark.requirement("agents:serve:box-dies")
async def test_a_box_that_dies_ends_the_turn_and_comes_back(
    home: Home, model: OfflineModel, registry: Registry
) -> None:
    model.add([{"run": "echo working; sleep 300", "yield_ms": 60000}])
    async with serving(home, "--agent", "one", "-s", "workspace-write", "-a", "never") as client:
        conversation = await client.new_conversation()
        killed, events = False, []
        async for event in conversation.turn("begin"):
            events.append(event.msg)
            if event.msg.type == "exec_command_begin" and not killed:
                killed = True
                for pid in [pid for pid, _ in labelled(one(registry).id) if b"bwrap" in command_line(pid)[:200]]:
                    with contextlib.suppress(ProcessLookupError):  # it went with another of them
                        os.kill(pid, signal.SIGKILL)
        assert events[-1].type in ("turn_aborted", "task_complete")
        model.requests.clear()
        model.add([{"run": "echo again", "yield_ms": 20000}])
        model.add([{"say": "here again"}])
        with anyio.fail_after(20):
            while True:
                events = await turn(conversation, "go on")
                if of(events, ev.ExecCommandEnd):
                    break
    assert of(events, ev.ExecCommandEnd)[0].aggregated_output.strip() == "again"


@pytest.mark.requirement("agents:serve:idle")
@pytest.mark.slow
async def test_engine_and_box_rest_while_nobody_needs_them(home: Home, model: OfflineModel, registry: Registry) -> None:
    home.variables["SESSION_TIMEOUT"] = "0.3"
    model.add([{"run": "echo one", "yield_ms": 20000}])
    model.add([{"say": "first"}])
    async with serving(home, "--agent", "one") as client:
        conversation = await client.new_conversation()
        await turn(conversation, "go")
        with anyio.fail_after(10):
            while list(labelled(one(registry).id)):
                await anyio.sleep(0.02)
        model.add([{"say": "second"}])
        events = await turn(conversation, "again")
    assert [event.message for event in of(events, ev.AgentMessage)] == ["second"]
    assert "first" in json.dumps(model.requests[-1])


@pytest.mark.requirement("agents:serve:one")
@pytest.mark.slow
async def test_an_agent_that_is_served_is_not_served_twice(home: Home, registry: Registry) -> None:
    async with serving(home, "--agent", "one") as client:
        await client.new_conversation()
        second = await anyio.run_process(
            [*server_command(), "--agent", "one"], env=home.environment(), check=False, cwd=home.workspace
        )
        with pytest.raises(AgentBusy):
            registry.hold("one").__enter__()
    assert second.returncode == 1
    assert re.search(rb"served by process \d+", second.stderr)


@pytest.mark.requirement("agents:serve:most")
@pytest.mark.slow
async def test_no_more_agents_are_served_than_allowed(home: Home, registry: Registry) -> None:
    home.variables["MAX_CONCURRENT_SESSIONS"] = "1"
    async with serving(home, "--agent", "one") as client:
        await client.new_conversation()
        second = await anyio.run_process(
            [*server_command(), "--agent", "two"], env=home.environment(), check=False, cwd=home.workspace
        )
    assert second.returncode == 1
    assert b"MAX_CONCURRENT_SESSIONS allows 1: stop one of one" in second.stderr


def server_command() -> list[str]:
    import sys

    return [sys.executable, "-m", "codex_mcp"]
