"""A server that is listed among the MCP servers of its own engine."""

from __future__ import annotations

import pathlib
import sys

import pytest

from codex_mcp.engine.home import CodexHome
from codex_mcp.engine.recursion import own_entries, started_by_our_engine
from codex_mcp.offline import OfflineModel
from tests.support.home import Home
from tests.support.mcp_client import mcp_serving, text
from tests.support.processes import engines, processes


def listed(home: Home, name: str) -> tuple[pathlib.Path, pathlib.Path]:
    """A script of that name that runs the server, and the file that tells that it ran."""
    script, ran = home.root / name, home.root / "ran"
    script.write_text(f"#!/bin/sh\necho >> {ran}\nexport CODEX_HOME={home.path}\nexec {sys.executable} -m codex_mcp\n")
    script.chmod(0o755)
    return script, ran


@pytest.mark.anyio
@pytest.mark.requirement("engine:recursion")
@pytest.mark.parametrize("name", ["me", '"codex.local"', '"with \\"quotes\\" and ü"'])
async def test_an_entry_of_the_configuration_that_runs_the_server_is_switched_off(
    home: Home, model: OfflineModel, name: str
) -> None:
    model.add([{"say": "done"}])
    script, ran = listed(home, "codex-mcp-server")
    home.configure(tail=f'[mcp_servers.{name}]\ncommand = "{script}"\n')
    async with mcp_serving(home) as client:
        assert text(await client.call("codex", prompt="go")) == "done"
    assert not ran.exists()


@pytest.mark.anyio
@pytest.mark.requirement("engine:recursion")
async def test_a_server_that_the_engine_of_another_starts_ends_by_itself(home: Home, model: OfflineModel) -> None:
    model.add([{"say": "done"}])
    script, ran = listed(home, "by-another-name")
    home.configure(tail=f'[mcp_servers.me]\ncommand = "{script}"\n')
    async with mcp_serving(home) as client:
        assert text(await client.call("codex", prompt="go")).startswith("done")
        while not ran.exists() or len(processes(home)) > 2:
            await client.request("ping")
        assert len(engines(home)) == 1
    assert ran.read_text() == "\n"


@pytest.mark.requirement("engine:recursion")
def test_entries_are_known_by_what_they_run(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODEX_HOME", str(home.path))
    assert own_entries(CodexHome.of_process()) == []
    entries = (
        '[mcp_servers.a]\ncommand = "/opt/bin/codex-mcp-server"\n'
        '[mcp_servers.b]\ncommand = "python3"\nargs = ["-m", "codex_mcp"]\n'
        '[mcp_servers.c]\ncommand = "uvx"\nargs = ["codex-mcp-server", "-m", "x"]\n'
        '[mcp_servers.d]\ncommand = "codex"\nargs = ["mcp-server"]\n'
        '[mcp_servers.e]\ncommand = "docs-mcp-server"\nargs = []\n'
        '[mcp_servers.f]\nurl = "https://example.com/mcp"\n'
    )
    home.configure(tail=entries)
    assert own_entries(CodexHome.of_process()) == ["a", "b", "c", "d"]


@pytest.mark.requirement("engine:recursion")
def test_a_server_that_a_person_starts_is_served() -> None:
    assert started_by_our_engine() is False
