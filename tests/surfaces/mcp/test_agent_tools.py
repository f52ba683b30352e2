"""Agents as tools, beside agents that other servers serve."""

from __future__ import annotations

import datetime
import pathlib
import time
from typing import Any

import jsonschema
import pytest

from codex_mcp.agents.opening import create_agent
from codex_mcp.agents.registry import Registry, Settings
from codex_mcp.engine.home import CodexHome
from codex_mcp.offline import OfflineModel
from codex_mcp.surfaces.mcp import catalog
from tests.agents.workspaces.test_workspaces import repository
from tests.support.home import Home
from tests.support.mcp_client import McpClient, mcp_serving, text

__all__ = ["repository"]
pytestmark = pytest.mark.anyio


@pytest.fixture
def registry(home: Home, repository: pathlib.Path) -> Registry:
    home.variables["CODEX_MCP_DATA"] = str(home.root / "data")
    home.workspace = repository
    return Registry(home.root / "data")


async def make(registry: Registry, home: Home, *names: str) -> None:
    user = CodexHome({"CODEX_HOME": str(home.path)}, str(home.workspace))
    for name in names:
        await create_agent(registry, name, Settings(cpus=1.0, memory=2**29, pids=256), user)


async def ask(client: McpClient, tool: str, **arguments: Any) -> Any:
    """The structured answer, which fits the schema that the tool was listed with."""
    result = await client.request("tools/call", {"name": tool, "arguments": arguments})
    assert not result.get("isError"), text(result)
    [listed] = [entry for entry in catalog.list_tools(("agents",)) if entry["name"] == tool]
    jsonschema.validate(result["structuredContent"], listed["outputSchema"])
    return result["structuredContent"]


async def refused(client: McpClient, tool: str, **arguments: Any) -> tuple[str, str]:
    result = await client.request("tools/call", {"name": tool, "arguments": arguments})
    assert result["isError"]
    return result["structuredContent"]["error"]["code"], text(result)


@pytest.mark.requirement("agents:s3-9")
@pytest.mark.slow
async def test_a_clean_up_takes_the_idle_agents_and_spares_the_one_that_is_served(
    home: Home, model: OfflineModel, registry: Registry
) -> None:
    await make(registry, home, "first", "second")
    model.add([{"say": "at work"}])
    async with (
        mcp_serving(home, "--agent", "busy", "-s", "workspace-write") as served,
        mcp_serving(home, "--tools", "agents") as client,
    ):
        await served.call("codex", prompt="go")
        status = await ask(client, "get_agent_status", agent_id="busy")
        assert (status["success"], status["status"], status["isolation"]) == (True, "running", "bwrap")
        assert status["memory_usage_mb"] > 0
        assert status["limits"]["memory_mb"] == status["memory_limit_mb"] == 2048.0
        assert datetime.datetime.fromisoformat(status["last_active"]).tzinfo is not None
        assert status["workspace_path"] == str(registry.root("busy") / "ws")
        assert any("engine ready" in line for line in status["recent_logs"])
        listed = (await ask(client, "list_active_agents"))["agents"]
        assert [(agent["agent_id"], agent["status"]) for agent in listed] == [
            ("busy", "running"),
            ("first", "stopped"),
            ("second", "stopped"),
        ]
        done = await ask(client, "cleanup_inactive_agents", inactive_hours=0)
        assert (done["removed_agents"], done["total_failed"]) == (["first", "second"], 0)
        assert registry.names() == ["busy"]
        code, _ = await refused(client, "remove_agent_container", agent_id="busy")
        assert code == "agent_busy"
        assert "starts anew" in (await ask(client, "restart_agent_container", agent_id="busy"))["message"]
        model.add([{"say": "after a restart"}])
        assert "after a restart" in text(await served.call("codex", prompt="go"))
    assert (await_stopped := registry.running("busy")) is None, await_stopped


@pytest.mark.requirement("agents:tools:work")
@pytest.mark.slow
async def test_the_work_is_shown_and_taken_over(home: Home, registry: Registry, repository: pathlib.Path) -> None:
    await make(registry, home, "one")
    (registry.root("one") / "ws" / "new.txt").write_text("new\n")
    async with mcp_serving(home, "--tools", "agents") as client:
        assert "+new" in (await ask(client, "get_agent_diff", agent_id="one"))["patch"]
        assert "1 file changed" in (await ask(client, "get_agent_diff", agent_id="one", stat=True))["patch"]
        assert (await ask(client, "apply_agent_changes", agent_id="one", check=True))["success"]
        assert not (repository / "new.txt").exists()
        assert (await ask(client, "apply_agent_changes", agent_id="one"))["applied_to"] == str(repository)
        assert (repository / "new.txt").read_text() == "new\n"
        again = await ask(client, "apply_agent_changes", agent_id="one")
        assert (again["success"], "new.txt" in again["message"]) == (False, True)
        code, _ = await refused(client, "remove_agent_container", agent_id="one")
        assert code == "unsaved_work"
        assert "is kept in" in (await ask(client, "remove_agent_container", agent_id="one", force=True))["message"]
        assert (await refused(client, "get_agent_status", agent_id="one"))[0] == "not_found"


@pytest.mark.requirement("agents:s3-10")
@pytest.mark.slow
async def test_agents_and_their_figures_are_there_after_a_restart(
    home: Home, model: OfflineModel, registry: Registry
) -> None:
    model.add([{"say": "one"}])
    async with mcp_serving(home, "--agent", "one") as client:
        await client.call("codex", prompt="go")
    record = registry.load("one")
    record.last_active = time.time() - 25 * 3600
    registry.save(record)
    async with mcp_serving(home, "--tools", "agents") as client:
        status = await ask(client, "get_agent_status", agent_id="one")
        assert (status["status"], status["turns"], status["failed_turns"]) == ("stopped", 1, 0)
        assert (await ask(client, "cleanup_inactive_agents"))["removed_agents"] == ["one"]


@pytest.mark.requirement("agents:s3-15")
@pytest.mark.slow
async def test_agents_are_served_and_listed_without_docker(
    home: Home, model: OfflineModel, registry: Registry, tmp_path: pathlib.Path
) -> None:
    for program in ("git", "bash", "sh", "env"):
        (tmp_path / program).symlink_to(pathlib.Path("/usr/bin") / program)
    home.variables["PATH"] = str(tmp_path)
    model.add([{"say": "without docker"}])
    async with mcp_serving(home, "--agent", "one", "--tools", "agents") as client:
        assert "without docker" in text(await client.call("codex", prompt="go"))
        assert (await ask(client, "list_active_agents"))["agents"][0]["isolation"] == "bwrap"
