"""Boxes on the nodes of a real Slurm: the engine and the thread stay with the server."""

from __future__ import annotations

import os
import pathlib
import subprocess
import tempfile
from collections.abc import Iterator

import anyio
import pytest

from codex_mcp.agents.boxes.local import labelled
from codex_mcp.agents.opening import create_agent
from codex_mcp.agents.registry import Registry, Settings
from codex_mcp.engine.home import CodexHome
from codex_mcp.offline import OfflineModel
from codex_mcp.protocol import events as ev
from tests.support.home import Home
from tests.support.server import of, serving, turn
from tests.support.slurm import NODES, Slurm, cluster

pytestmark = [pytest.mark.slow, pytest.mark.timeout(170)]
COMMAND = "srun -n1 -c{cpus} --mem={memory_mb} --unbuffered --job-name={agent} {argv}"
MANY = 20


@pytest.fixture(scope="module")
def slurm(playground: pathlib.Path) -> Iterator[Slurm]:
    with cluster(pathlib.Path(tempfile.mkdtemp(dir=playground))) as (slurm, problem):
        if problem is not None:
            pytest.skip(problem)
        before = dict(os.environ)
        os.environ.update(slurm.environment)  # boxes are probed in this process
        yield slurm
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture
def registry(home: Home, slurm: Slurm) -> Registry:
    home.variables |= {"CODEX_MCP_DATA": str(home.root / "data"), **slurm.environment}
    return Registry(home.root / "data")


async def make(registry: Registry, home: Home, name: str) -> None:
    settings = Settings(
        isolation="command",
        workspace="empty",
        cpus=1.0,
        memory=300 * 2**20,
        options={"command": COMMAND, "within": "bwrap"},
    )
    await create_agent(registry, name, settings, CodexHome({"CODEX_HOME": str(home.path)}, str(home.workspace)))


def nodes(slurm: Slurm) -> dict[str, str]:
    """Where the job of each agent runs."""
    said = subprocess.run(
        ["squeue", "-h", "-o", "%j %N"],
        env={**os.environ, **slurm.environment},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    jobs = [line.split() for line in said.splitlines()]
    return {job[0].rsplit("-", 1)[0]: job[1] for job in jobs if len(job) == 2}


@pytest.mark.requirement("agents:slurm:limits")
async def test_the_control_groups_of_slurm_hold_an_agent_to_its_memory(
    home: Home, model: OfflineModel, registry: Registry
) -> None:
    await make(registry, home, "one")
    eat = "(head -c 800000000 /dev/zero | tail -c 800000000 >/dev/null); echo ended $?; exit 0"
    model.add([{"run": eat, "yield_ms": 60000}])
    model.add([{"say": "done"}])
    async with serving(home, "--agent", "one", "-a", "never") as client:
        conversation = await client.new_conversation()
        events = await turn(conversation, "go")
        running = registry.running("one")
    assert running is not None
    assert running.enforced_by == "command: cpus, memory"
    assert running.isolates == ["files", "network", "processes"]
    assert "ended 0" not in of(events, ev.ExecCommandEnd)[0].aggregated_output


@pytest.mark.requirement("agents:slurm:many")
async def test_20_agents_are_spread_over_the_nodes_each_with_a_turn(
    home: Home, model: OfflineModel, registry: Registry, slurm: Slurm
) -> None:
    names = [f"many{number}" for number in range(MANY)]
    for name in names:
        await make(registry, home, name)
    model.add(*({"when": "please", "steps": [{"run": "pwd", "yield_ms": 60000}]} for _ in range(MANY)))
    places: dict[str, str] = {}
    ran: dict[str, str] = {}
    all_ran = anyio.Event()

    async def one(name: str) -> None:
        async with serving(home, "--agent", name, "-a", "never") as client:
            conversation = await client.new_conversation()
            [end] = of(await turn(conversation, "please"), ev.ExecCommandEnd)
            ran[name] = end.aggregated_output.strip()
            if len(ran) == MANY:
                places.update({agent: node for agent, node in nodes(slurm).items() if agent in names})
                all_ran.set()
            await all_ran.wait()

    async with anyio.create_task_group() as tasks:
        for name in names:
            tasks.start_soon(one, name)
    assert ran == {name: str(registry.root(name) / "ws") for name in names}
    assert set(places) == set(names)
    assert set(places.values()) == set(NODES)


@pytest.mark.requirement("agents:slurm:node-dies")
async def test_when_a_node_dies_in_a_turn_the_next_one_works_on_the_other(
    home: Home, model: OfflineModel, registry: Registry, slurm: Slurm
) -> None:
    await make(registry, home, "one")
    model.add([{"run": "echo working; sleep 300", "yield_ms": 120000}])
    async with serving(home, "--agent", "one", "-a", "never") as client:
        conversation = await client.new_conversation()
        died = ""
        async for event in conversation.turn("begin"):
            if event.msg.type == "exec_command_begin" and not died:
                died = nodes(slurm)["one"]
                slurm.kill(died)
        model.requests.clear()
        model.add([{"run": "echo elsewhere", "yield_ms": 60000}])
        model.add([{"say": "done"}])
        with anyio.fail_after(100):
            while not of(events := await turn(conversation, "go on"), ev.ExecCommandEnd):
                model.add([{"run": "echo elsewhere", "yield_ms": 60000}])
                model.add([{"say": "done"}])
        place = nodes(slurm)["one"]
    assert of(events, ev.ExecCommandEnd)[0].aggregated_output.strip() == "elsewhere"
    assert {died, place} == set(NODES)
    assert list(labelled(registry.load("one").id)) == []
