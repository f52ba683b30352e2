"""Agents from their making to their removal, in real boxes."""

from __future__ import annotations

import pathlib
import tempfile
import tomllib

import pytest

from codex_mcp.agents.boxes.local import labelled
from codex_mcp.agents.errors import AgentBusy, UnsavedWork
from codex_mcp.agents.opening import create_agent, open_agent, reach_agent, remove_agent
from codex_mcp.agents.registry import Registry, Settings
from codex_mcp.engine.home import CodexHome
from tests.agents.workspaces.test_workspaces import git, repository

__all__ = ["repository"]


@pytest.fixture
def user(playground: pathlib.Path, repository: pathlib.Path) -> CodexHome:
    """With a login, and settings of which some are not for agents."""
    home = pathlib.Path(tempfile.mkdtemp(dir=playground))
    (home / "auth.json").write_text('{"OPENAI_API_KEY": "sk-planted-in-auth-json"}')
    (home / "config.toml").write_text(
        'model = "gpt-5.5"\n[mcp_servers.x]\ncommand = "x"\n[projects."/x"]\ntrust_level = "trusted"\n'
    )
    return CodexHome({"CODEX_HOME": str(home)}, str(repository))


@pytest.fixture
def registry(playground: pathlib.Path) -> Registry:
    return Registry(pathlib.Path(tempfile.mkdtemp(dir=playground)) / "data")


@pytest.mark.requirement("agents:life:made")
async def test_an_agent_has_the_users_settings_and_nothing_of_the_users_login(
    registry: Registry, user: CodexHome
) -> None:
    await create_agent(registry, "one", Settings(), user)
    root = registry.root("one")
    assert tomllib.loads((root / "codex" / "config.toml").read_text()) == {"model": "gpt-5.5"}
    assert not [path for path in root.rglob("*") if path.is_file() and b"sk-planted" in path.read_bytes()]
    async with open_agent(registry, "one") as agent:
        environments = tomllib.loads((root / "codex" / "environments.toml").read_text())
        assert environments["include_local"] is False
        assert [entry["id"] for entry in environments["environments"]] == [environments["default"]]
        assert agent.home().path == root / "codex"
        assert agent.home().cwd == str(root / "ws")


@pytest.mark.requirement("agents:life:held")
async def test_an_agent_that_is_open_cannot_be_opened_or_removed(registry: Registry, user: CodexHome) -> None:
    await create_agent(registry, "one", Settings(), user)
    async with open_agent(registry, "one"):
        with pytest.raises(AgentBusy):
            async with open_agent(registry, "one"):
                pass
        with pytest.raises(AgentBusy):
            await remove_agent(registry, "one")


@pytest.mark.requirement("agents:life:held")
@pytest.mark.slow
async def test_the_work_of_an_agent_that_is_open_can_be_looked_at(registry: Registry, user: CodexHome) -> None:
    await create_agent(registry, "one", Settings(pids=64), user)
    async with open_agent(registry, "one") as agent:
        await agent.box.run(["bash", "-c", "echo work > work.txt"])
        async with reach_agent(registry, "one") as visited:
            assert b"+work" in await visited.diff()
        assert b"+work" in await agent.diff()


@pytest.mark.requirement("agents:life:unsaved")
async def test_removing_refuses_to_lose_work_and_keeps_a_patch_if_forced(
    registry: Registry, user: CodexHome, repository: pathlib.Path
) -> None:
    await create_agent(registry, "one", Settings(), user)
    async with open_agent(registry, "one") as agent:
        await agent.box.run(["bash", "-c", "echo work > work.txt"])
    with pytest.raises(UnsavedWork, match=r"1 file changed.*agents apply one"):
        await remove_agent(registry, "one")
    assert registry.names() == ["one"]
    kept = await remove_agent(registry, "one", force=True)
    assert kept is not None
    assert b"+work" in kept.read_bytes()
    assert registry.names() == []
    assert "codex-agents" not in git(repository, "for-each-ref")


@pytest.mark.requirement("agents:life:unsaved")
@pytest.mark.slow
async def test_an_agent_without_work_is_removed_at_once(registry: Registry, user: CodexHome) -> None:
    await create_agent(registry, "one", Settings(), user)
    assert await remove_agent(registry, "one") is None
    assert not registry.root("one").exists()


@pytest.mark.requirement("agents:life:left-over")
@pytest.mark.slow
async def test_what_an_earlier_server_left_running_is_ended_first(registry: Registry, user: CodexHome) -> None:
    import anyio

    await create_agent(registry, "one", Settings(), user)
    async with open_agent(registry, "one") as agent:
        argv = agent.box.argv(["sleep", "100"])
        agent_id = agent.record.id
    left = await anyio.open_process(argv)  # as if that server had been killed
    async with left:
        while not list(labelled(agent_id)):
            await anyio.sleep(0.01)
        async with open_agent(registry, "one"):
            assert list(labelled(agent_id)) == []
