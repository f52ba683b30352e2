"""The endpoints that need no MCP: tools by POST, figures, their description."""

from __future__ import annotations

import anyio
import pytest
from prometheus_client.parser import text_string_to_metric_families

from codex_mcp.offline import OfflineModel
from tests.support.home import Home
from tests.support.http_server import begin, http_serving

pytestmark = pytest.mark.anyio


@pytest.mark.requirement("http:tools")
@pytest.mark.requirement("http:metrics")
@pytest.mark.requirement("http:openapi")
async def test_tools_are_called_by_post_and_described_and_counted(home: Home, model: OfflineModel) -> None:
    begun = home.root / "begun"
    model.add([{"say": "one"}], [{"run": f"touch {begun}; sleep 60"}])
    free = {"sandbox": "danger-full-access", "approval-policy": "never"}
    async with http_serving(home, "--tools", "threads") as server, server.raw() as client:
        answer = await client.post("/tools/codex", json={"prompt": "go"})
        assert (answer.status_code, answer.json()["content"]) == (200, "one")
        for path, body, status, code in (
            ("nothing", b"{}", 404, "not_found"),
            ("codex", b"{}", 400, "invalid_arguments"),
            ("codex", b"[1]", 400, "invalid_arguments"),
            ("codex", b"{", 400, "invalid_arguments"),
            ("codex", b'{"prompt": NaN}', 400, "invalid_arguments"),
        ):
            refused = await client.post(f"/tools/{path}", content=body, headers={"Content-Type": "application/json"})
            assert (refused.status_code, refused.json()["error"]["code"]) == (status, code)
        form = {"Content-Type": "application/x-www-form-urlencoded"}  # what a page of somebody else could send
        assert (await client.post("/tools/codex", content=b"{}", headers=form)).status_code == 415
        assert (await client.get("/tools/codex")).status_code == 405

        description = (await client.get("/openapi.json")).json()
        assert "/tools/codex" in description["paths"]
        for name in ("codex", "codex-threads"):
            schema = description["paths"][f"/tools/{name}"]["post"]["requestBody"]["content"]["application/json"]
            assert schema["schema"]["type"] == "object"

        await begin(client)
        figures = (await client.get("/metrics")).text
        found = {s.name: s.value for family in text_string_to_metric_families(figures) for s in family.samples}
        assert found["codex_mcp_sessions"] == 1
        assert found["codex_mcp_engine_up"] == 1
        assert 'path="/tools/{name}",status="404"' in figures

        # whoever goes away stops what it asked for
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: client.post("/tools/codex", json={"prompt": "go", **free}))
            while not begun.exists():
                await anyio.sleep(0.02)
            tasks.cancel_scope.cancel()
        while "codex_mcp_turns_running 0.0" not in (await client.get("/metrics")).text:
            await anyio.sleep(0.05)
        assert not any("Traceback" in line for line in server.log), server.log
