"""The gate on a real engine: what goes wrong with it stops the model, not the server."""

from __future__ import annotations

import os
import pathlib
import signal

import pytest

from codex_mcp.offline import OfflineModel
from tests.support.governed import Governed
from tests.support.mcp_client import mcp_serving

pytestmark = pytest.mark.anyio

WRITE = {"approval_policy": "never", "sandbox": "workspace-write"}
POLICY = '[ceilings]\nsandbox = "workspace-write"\n'


@pytest.fixture
def run(governed: Governed) -> pathlib.Path:
    """Where the gate's folder is made."""
    path = governed.home.root / "run"
    path.mkdir(mode=0o700)
    return path


@pytest.mark.requirement("policy:P-8")
async def test_without_its_gate_the_model_can_do_nothing(
    governed: Governed, model: OfflineModel, run: pathlib.Path
) -> None:
    governed.write(POLICY)
    model.add([{"run": "touch before"}], [{"say": "one"}], [{"run": "touch after"}], [{"say": "two"}])
    async with mcp_serving(governed.home, *governed.options, XDG_RUNTIME_DIR=str(run)) as client:
        first = await client.call("codex", prompt="go", **WRITE)
        [gate] = run.iterdir()
        (gate / "calls").unlink()
        await client.call("codex-reply", prompt="go on", threadId=first["structuredContent"]["threadId"])
    assert (governed.home.workspace / "before").exists()
    assert not (governed.home.workspace / "after").exists()
    assert "the policy gate did not answer" in str(model.requests[-1])
    assert list(run.iterdir()) == []


@pytest.mark.requirement("policy:P-8")
async def test_a_hook_that_is_killed_lets_nothing_through(
    governed: Governed, model: OfflineModel, run: pathlib.Path
) -> None:
    governed.write(POLICY + '[[high_impact]]\ncategory = "x"\ncommands = ["touch"]\n')
    model.add([{"run": "touch made"}], [{"say": "done"}])
    async with mcp_serving(governed.home, *governed.options, answer=lambda _: None, XDG_RUNTIME_DIR=str(run)) as client:
        pending = client.begin("codex", prompt="go", **WRITE)
        await client.until(lambda: client.questions)
        [gate] = run.iterdir()
        [number] = [path.stem for path in gate.glob("*.call")]
        os.kill(int(number), signal.SIGKILL)
        await client.result("tools/call", pending)
    assert not (governed.home.workspace / "made").exists()
