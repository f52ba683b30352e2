"""The commands of `codex-mcp-server agents`, run as a person runs them."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import time
from typing import Any

import pytest

from codex_mcp.agents.registry import Registry
from tests.agents.workspaces.test_workspaces import git, repository
from tests.support.home import Home

__all__ = ["repository"]


class Shell:
    """A terminal in a repository."""

    def __init__(self, home: Home, cwd: pathlib.Path) -> None:
        self.data = home.root / "data"
        self.cwd = cwd
        self.environment = home.environment(CODEX_MCP_DATA=str(self.data))

    def __call__(self, *arguments: str, status: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "codex_mcp", "agents", *arguments],
            cwd=self.cwd,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stderr
        return done.stdout + done.stderr

    def json(self, *arguments: str) -> Any:
        return json.loads(self(*arguments, "--json"))

    def work(self, name: str) -> pathlib.Path:
        return self.data / "agents" / name / "ws"


@pytest.fixture
def shell(home: Home, repository: pathlib.Path) -> Shell:
    return Shell(home, repository)


@pytest.mark.requirement("agents:cli")
@pytest.mark.slow
def test_an_agent_from_its_making_to_its_removal(shell: Shell, repository: pathlib.Path) -> None:
    assert "there are no agents" in shell("list")
    assert "one: bwrap (isolates files, network, processes)" in shell("create", "one")
    assert "there is an agent 'one' already" in shell("create", "one", status=1)
    assert [agent["agent_id"] for agent in shell.json("list")["agents"]] == ["one"]
    assert shell("list").split("\n")[1].split()[:2] == ["one", "stopped"]
    shown = shell.json("show", "one")
    assert (shown["status"], shown["workspace"], shown["origin"]) == ("stopped", "clone", str(repository))
    assert shell("diff", "one") == ""
    (shell.work("one") / "new.txt").write_text("new\n")
    assert "+new" in shell("diff", "one")
    assert "1 file changed" in shell("diff", "one", "--stat")
    assert "it fits" in shell("apply", "one", "--check")
    assert not (repository / "new.txt").exists()
    shell("apply", "one")
    assert (repository / "new.txt").read_text() == "new\n"
    assert git(repository, "show", f"{shell('fetch', 'one').strip()}:new.txt") == "new\n"
    assert "would be lost" in shell("remove", "one", status=1)
    assert "is kept in" in shell("remove", "one", "--force")
    assert shell.json("list") == {"agents": []}
    assert "there is no agent 'one'" in shell("show", "one", status=1)


@pytest.mark.requirement("agents:cli")
@pytest.mark.slow
def test_agents_are_cleaned_up_when_nobody_has_used_them(shell: Shell) -> None:
    for name in ("old", "new", "working"):
        shell("create", name, "--workspace", "empty")
    registry = Registry(shell.data)
    for name in ("old", "working"):
        record = registry.load(name)
        record.last_active = time.time() - 25 * 3600
        registry.save(record)
    (shell.work("working") / "work.txt").write_text("work")
    done = json.loads(shell("cleanup", "--json", status=1))
    assert done["removed_agents"] == ["old"]
    assert [failure["agent_id"] for failure in done["failed_removals"]] == ["working"]
    assert registry.names() == ["new", "working"]
    assert shell.json("cleanup", "--inactive-hours", "0", "--force")["total_removed"] == 2
    assert len(os.listdir(shell.data / "patches")) == 1


@pytest.mark.requirement("agents:cli")
@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["create", "Big"], "is no name of an agent"),
        (["create", "x", "--box-option", "image"], "takes KEY=VALUE"),
        (["create", "x", "--isolation", "firejail"], "there are auto, bwrap, command, container, none, remote"),
        (["create", "x", "--isolation", "remote"], "needs the option url"),
        (["create", "x", "--isolation", "command"], "needs the option command"),
        (["create", "x", "--network", "outbound", "--isolation", "bwrap"], "has no network 'outbound'"),
    ],
)
@pytest.mark.slow
def test_what_cannot_be_done_says_what_to_do(shell: Shell, arguments: list[str], complaint: str) -> None:
    assert complaint in shell(*arguments, status=1)
    assert shell.json("list") == {"agents": []}


@pytest.mark.requirement("agents:variables:limits")
@pytest.mark.slow
def test_variables_set_the_limits_of_new_agents(shell: Shell) -> None:
    shell.environment |= {"CONTAINER_CPU_LIMIT": "0.5", "CONTAINER_MEMORY_LIMIT": "512m"}
    shell("create", "one", "--workspace", "empty")
    limits = shell.json("show", "one")["limits"]
    assert (limits["cpus"], limits["memory_mb"]) == (0.5, 512.0)
    shell.environment["CONTAINER_CPU_LIMIT"] = "many"
    assert "CONTAINER_CPU_LIMIT has to be a number above 0, not 'many'" in shell("create", "two", status=1)
