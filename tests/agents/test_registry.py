"""Agents on disk: what is there after a kill at any point, and what two servers do to each other."""

from __future__ import annotations

import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile

import anyio
import pytest

from codex_mcp.agents.errors import AgentBusy, NoSuchAgent
from codex_mcp.agents.opening import create_agent
from codex_mcp.agents.registry import AgentRecord, Registry, Settings, data_directory
from codex_mcp.engine.home import CodexHome
from codex_mcp.errors import CallerError
from tests.agents.workspaces.test_workspaces import git, repository

__all__ = ["repository"]


@pytest.fixture
def registry(playground: pathlib.Path) -> Registry:
    return Registry(pathlib.Path(tempfile.mkdtemp(dir=playground)) / "data")


async def furnish(root: pathlib.Path, record: AgentRecord) -> None:
    (root / "ws").mkdir()


def other_process(script: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    )


def end(process: subprocess.Popen[str]) -> None:
    with process:
        process.send_signal(signal.SIGKILL)


@pytest.mark.requirement("agents:registry:survives")
async def test_an_agent_is_there_after_a_restart(registry: Registry) -> None:
    made = await registry.create("one", Settings(cpus=0.5, options={"image": "x"}), furnish)
    assert Registry(registry.data).load("one") == made
    assert registry.names() == ["one"]
    assert oct((registry.root("one") / "agent.json").stat().st_mode)[-3:] == "600"


SAVES = """
import sys, pathlib, itertools
from codex_mcp.agents.registry import Registry
registry = Registry(pathlib.Path(sys.argv[1])); record = registry.load("one")
print("up", flush=True)
for n in itertools.count():
    record.metrics.turns = n; record.origin = "x" * (n % 5000); registry.save(record)
"""


@pytest.mark.requirement("agents:registry:survives")
async def test_a_kill_while_it_is_written_leaves_the_old_or_the_new(registry: Registry) -> None:
    await registry.create("one", Settings(), furnish)
    chance = random.Random(7)
    for _ in range(5):
        process = other_process(SAVES, registry.data)
        assert process.stdout is not None
        process.stdout.readline()
        with anyio.move_on_after(chance.uniform(0, 0.05)):
            await anyio.sleep_forever()
        end(process)
        assert registry.load("one").name == "one"


CREATES = """
import sys, pathlib, anyio, os
from codex_mcp.agents import opening
from codex_mcp.agents.registry import Registry, Settings
from codex_mcp.engine.home import CodexHome
data, cwd, where = sys.argv[1:]
real = opening.seed_configuration if where == "late" else opening.make_workspace
def killed(*_):
    os.kill(os.getpid(), 9)
setattr(opening, "seed_configuration" if where == "late" else "default_kind", killed)
anyio.run(opening.create_agent, Registry(pathlib.Path(data)), "one", Settings(), CodexHome({"CODEX_HOME": cwd}, cwd))
"""


@pytest.mark.requirement("agents:registry:survives")
@pytest.mark.parametrize("where", ["early", "late"])
async def test_a_kill_while_it_is_made_leaves_nothing(registry: Registry, repository: pathlib.Path, where: str) -> None:
    with other_process(CREATES, registry.data, repository, where) as process:
        pass
    assert process.returncode == -signal.SIGKILL
    assert registry.names() == []
    with pytest.raises(NoSuchAgent, match="there are: none yet"):
        registry.load("one")
    await registry.sweep()
    assert os.listdir(registry.data / "agents") == []
    assert "codex-agents" not in git(repository, "for-each-ref")
    await create_agent(registry, "one", Settings(), CodexHome({"CODEX_HOME": str(repository)}, str(repository)))
    assert registry.load("one").workspace == "clone"


HOLDS = """
import sys, pathlib
from codex_mcp.agents.registry import Registry
with Registry(pathlib.Path(sys.argv[1])).hold("one"):
    print("held", flush=True); input()
"""


@pytest.mark.requirement("agents:registry:two-servers")
async def test_an_agent_is_served_by_one_process_and_free_again_when_that_is_killed(registry: Registry) -> None:
    await registry.create("one", Settings(), furnish)
    process = other_process(HOLDS, registry.data)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    with pytest.raises(AgentBusy, match=f"served by process {process.pid}"), registry.hold("one"):
        pass
    owner = registry.running("one")
    assert owner is not None
    assert owner.pid == process.pid
    end(process)
    assert registry.running("one") is None
    with registry.hold("one"):
        pass


@pytest.mark.requirement("agents:registry:two-servers")
async def test_of_two_that_make_the_same_agent_one_does(registry: Registry) -> None:
    outcomes: list[str] = []

    async def make() -> None:
        async def slowly(root: pathlib.Path, record: AgentRecord) -> None:
            await anyio.lowlevel.checkpoint()

        try:
            outcomes.append((await registry.create("one", Settings(), slowly)).id)
        except AgentBusy as error:
            outcomes.append(error.code)

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(make)
    assert outcomes.count("exists") == 4
    assert registry.load("one").id in outcomes
    assert os.listdir(registry.data / "agents") == ["one"]


@pytest.mark.requirement("agents:registry:files")
async def test_a_file_of_another_version_is_said_to_be_unreadable(registry: Registry) -> None:
    await registry.create("one", Settings(), furnish)
    path = registry.root("one") / "agent.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": 2}))
    with pytest.raises(CallerError, match=r"agent\.json cannot be read") as refused:
        registry.load("one")
    assert refused.value.code == "agent_unreadable"
    path.write_text("{")
    with pytest.raises(CallerError, match="cannot be read"):
        registry.load("one")


@pytest.mark.requirement("agents:registry:files")
@pytest.mark.parametrize("name", ["", "../x", "a/b", ".new-x", "A", "x" * 41, "-x"])
def test_a_name_leads_nowhere_else(registry: Registry, name: str) -> None:
    with pytest.raises(CallerError, match="is no name of an agent"):
        registry.root(name)


@pytest.mark.requirement("agents:registry:files")
def test_data_lie_where_the_platform_has_them(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    monkeypatch.delenv("CODEX_MCP_DATA", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert data_directory().name == "codex-mcp-server"
    monkeypatch.setenv("CODEX_MCP_DATA", str(tmp_path / "mine"))
    assert data_directory() == tmp_path / "mine"
