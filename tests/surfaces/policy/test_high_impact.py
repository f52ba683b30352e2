"""What is of high impact is a person's to approve: each time, whatever the client's policy."""

from __future__ import annotations

import pytest

from codex_mcp.offline import OfflineModel
from tests.support.governed import Governed
from tests.support.mcp_client import ACCEPT, mcp_serving, text

pytestmark = pytest.mark.anyio

POLICY = """
[ceilings]
sandbox = "danger-full-access"
network = true
[[high_impact]]
category = "production"
commands = ['\\btouch\\b.*\\bdeployed\\b']
paths = ["deploy/**"]
"""
COMMAND = {"run": "touch deployed"}
PATCH = {"patch": "*** Begin Patch\n*** Add File: deploy/x\n+x\n*** End Patch"}


@pytest.mark.requirement("policy:P-4")
@pytest.mark.parametrize(("act", "made"), [(COMMAND, "deployed"), (PATCH, "deploy/x")])
@pytest.mark.parametrize("sandbox", ["workspace-write", "danger-full-access"])
async def test_a_person_is_asked_although_the_client_said_never(
    governed: Governed, model: OfflineModel, act: dict[str, str], made: str, sandbox: str
) -> None:
    governed.write(POLICY)
    model.add([act], [{"say": "done"}])
    async with mcp_serving(governed.home, *governed.options, answer=lambda _: ACCEPT) as client:
        result = await client.call("codex", prompt="go", approval_policy="never", sandbox=sandbox)
        assert text(result) == "done"
        assert (governed.home.workspace / made).exists()
        [question] = client.questions
        assert "high_impact.production" in question["message"]
    assert [r["decision"] for r in governed.records(event="decided", approver="elicitation")] == ["approved"]
    governed.verify()
