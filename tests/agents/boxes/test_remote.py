"""A box that is there already: the engine's own exec-server behind a WebSocket address."""

from __future__ import annotations

import pathlib
import subprocess
import tempfile
from collections.abc import Iterator

import pytest

from codex_mcp.agents.boxes.engine_files import engine_files
from codex_mcp.agents.boxes.remote import RemoteBox
from codex_mcp.agents.opening import create_agent
from codex_mcp.agents.registry import Registry, Settings
from codex_mcp.engine.home import CodexHome
from codex_mcp.offline import OfflineModel
from codex_mcp.protocol import events as ev
from tests.agents.conftest import new_spec
from tests.support.home import Home
from tests.support.server import of, serving, turn


@pytest.fixture
def address(playground: pathlib.Path) -> Iterator[str]:
    """Where an exec-server listens."""
    home = tempfile.mkdtemp(dir=playground)
    with subprocess.Popen(
        [engine_files(None).codex, "exec-server", "--listen", "ws://127.0.0.1:0"],
        env={"CODEX_HOME": home, "HOME": home, "PATH": "/usr/bin:/bin"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
        server.kill()


@pytest.mark.requirement("agents:remote")
async def test_commands_run_behind_the_address(home: Home, model: OfflineModel, address: str) -> None:
    home.variables["CODEX_MCP_DATA"] = str(home.root / "data")
    registry = Registry(home.root / "data")
    settings = Settings(isolation="remote", workspace="empty", options={"url": address})
    await create_agent(registry, "one", settings, CodexHome({"CODEX_HOME": str(home.path)}, str(home.workspace)))
    model.add([{"run": "echo $HOME", "yield_ms": 20000}])
    model.add([{"say": "done"}])
    async with serving(home, "--agent", "one", "-a", "never") as client:
        events = await turn(await client.new_conversation(), "go")
        running = registry.running("one")
    assert running is not None
    assert (running.isolation, running.isolates) == ("remote", [])
    [end] = of(events, ev.ExecCommandEnd)
    assert end.exit_code == 0
    assert end.aggregated_output.strip() not in ("", str(home.root))


@pytest.mark.requirement("agents:remote")
async def test_what_is_no_exec_server_is_said(playground: pathlib.Path, model: OfflineModel, address: str) -> None:
    async def probe(**options: str) -> str:
        return (await RemoteBox().probe(new_spec(playground, options=options))).reason

    assert "what it isolates is up to the other side" in await probe(url=address)
    assert "needs the option url" in await probe(url="http://x")
    assert "instead of a WebSocket" in await probe(url=model.base_url.replace("http", "ws"))
    assert "refused" in await probe(url="ws://127.0.0.1:1")
    assert "token of the remote box cannot be read" in await probe(url=address, token_file="/nowhere")
