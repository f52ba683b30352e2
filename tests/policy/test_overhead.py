"""What a policy costs is measured by a benchmark; here it is held that it measures what it says."""

from __future__ import annotations

import pathlib

import pytest

from tests.benchmarks.policy import at_the_gate
from tests.support.governed import Governed
from tests.support.raw import MCP_INITIALIZE, RawServer

pytestmark = pytest.mark.anyio


@pytest.mark.requirement("policy:P-25")
async def test_every_command_of_the_benchmark_passes_the_gate_and_is_recorded(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert len(await at_the_gate(tmp_path, 3)) == 3
    [trail] = (tmp_path / "audit").glob("20*.jsonl")
    assert trail.read_text().count('"event":"decided"') == 6


@pytest.mark.requirement("policy:P-25")
def test_the_handshake_does_not_wait_for_the_policy(governed: Governed) -> None:
    """Nor do the tools: the front desk filters them, before there is an engine or a trail."""
    governed.write('[methods]\ntools = ["codex"]\n')
    with RawServer(governed.home, *governed.options) as server:
        server.send(MCP_INITIALIZE)
        assert server.answer(1)["result"]["serverInfo"]["name"] == "codex-mcp-server"
        server.send({"jsonrpc": "2.0", "id": 2, "method": "tools/list"})
        assert [tool["name"] for tool in server.answer(2)["result"]["tools"]] == ["codex"]
