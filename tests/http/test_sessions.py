"""What is let in, whose a session is, and what is left of it: over plain HTTP."""

from __future__ import annotations

from typing import Any

import anyio
import httpx2
import pytest

from codex_mcp.offline import OfflineModel
from tests.support.home import Home
from tests.support.http_server import HEADERS, INITIALIZE, Json, begin, http_serving, message_of

pytestmark = pytest.mark.anyio


def request(id: Any, method: str, **params: Any) -> Json:
    return {"jsonrpc": "2.0", "id": id, "method": method, "params": params}


def tool(id: Any, name: str = "codex", **arguments: Any) -> Json:
    return request(id, "tools/call", name=name, arguments=arguments)


@pytest.mark.requirement("http:closed:host")
@pytest.mark.requirement("http:closed:origin")
@pytest.mark.requirement("http:input")
@pytest.mark.requirement("http:versions")
@pytest.mark.requirement("http:health")
async def test_what_is_refused_is_told_and_leaves_nothing_behind(home: Home) -> None:
    async with http_serving(home, "--max-body", "100000", "--max-sessions", "3") as server, server.raw() as client:
        for host in ("evil.example", "evil.example:8210", "", "localhost.evil.example", "["):
            refused = await client.post("/mcp", json=INITIALIZE, headers={**HEADERS, "Host": host})
            assert refused.status_code in (400, 421), host
        for origin in ("https://evil.example", "null", "http://localhost:1"):
            refused = await client.post("/mcp", json=INITIALIZE, headers={**HEADERS, "Origin": origin})
            assert refused.status_code == 403
        assert (await client.get("/health")).json()["status"] == "ok"
        assert (await client.get("/ready")).status_code in (200, 503)

        for body, code in {
            b"{": -32700,
            b"[]": -32600,
            b"\xff": -32700,
            b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":NaN}}': -32700,
            b'{"jsonrpc":"2.0","id":null,"method":"ping"}': -32600,
            b'{"jsonrpc":"2.0","id":true,"method":"ping"}': -32600,
            b'{"jsonrpc":"2.0","method":"notifications/initialized"}': -32600,
            b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}': -32600,
            b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":7}}': -32602,
        }.items():
            refused = await client.post("/mcp", content=body, headers=HEADERS)
            assert refused.status_code == 400
            assert refused.json()["error"]["code"] == code, body
            assert "mcp-session-id" not in refused.headers
        assert (await client.post("/mcp", content=b"x" * 100001, headers=HEADERS)).status_code == 413
        newer = {**HEADERS, "MCP-Protocol-Version": "2026-07-28"}
        refused = await client.post("/mcp", json=request(5, "server/discover"), headers=newer)
        assert (refused.status_code, refused.json()["id"], refused.json()["error"]["code"]) == (400, 5, -32022)
        assert "2025-11-25" in refused.json()["error"]["data"]["supported"]
        for accept in ("application/json", "text/html"):
            refused = await client.post("/mcp", json=INITIALIZE, headers={**HEADERS, "Accept": accept})
            assert refused.status_code == 406
            assert "mcp-session-id" not in refused.headers
        plain = await client.post("/mcp", json=INITIALIZE, headers={**HEADERS, "Content-Type": "text/plain"})
        assert plain.status_code == 400
        unknown = {**HEADERS, "Mcp-Session-Id": "f" * 32}
        assert (await client.post("/mcp", json=request(1, "ping"), headers=unknown)).status_code == 404
        assert (await client.get("/mcp", headers=HEADERS)).status_code == 400
        assert (await client.put("/mcp", headers=unknown)).status_code == 404

        # all of it has left room for as many sessions as there may be, and no more
        sessions = [await begin(client) for _ in range(3)]
        full = await client.post("/mcp", json=INITIALIZE, headers=HEADERS)
        assert (full.status_code, full.headers["retry-after"]) == (503, "60")
        assert (await client.delete("/mcp", headers=sessions[0])).status_code == 200
        assert (await client.post("/mcp", json=request(1, "ping"), headers=sessions[0])).status_code == 404
        pong = await client.post("/mcp", json=request(1, "ping"), headers=sessions[1])
        assert message_of(pong)["result"] == {}


@pytest.mark.requirement("http:ids")
@pytest.mark.requirement("http:work-goes-on")
@pytest.mark.requirement("http:delete")
async def test_a_call_goes_on_when_its_connection_breaks_and_ends_with_its_session(
    home: Home, model: OfflineModel
) -> None:
    begun, done = home.root / "begun", home.root / "done"
    free = {"sandbox": "danger-full-access", "approval-policy": "never"}
    model.add([{"run": f"touch {begun}; sleep 3; touch {done}"}], [{"say": "one"}], [{"run": f"rm {begun}; sleep 60"}])

    async def exists(path: Any, *, there: bool = True) -> None:
        while path.exists() is not there:
            await anyio.sleep(0.02)

    async with http_serving(home) as server, server.raw() as client:
        session = await begin(client)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: client.post("/mcp", json=tool(7, prompt="go", **free), headers=session))
            await exists(begun)
            for id in (7, "7"):
                taken = await client.post("/mcp", json=request(id, "ping"), headers=session)
                assert (taken.status_code, taken.json()["id"]) == (400, id)
            tasks.cancel_scope.cancel()
        await exists(done)
        async with anyio.create_task_group() as tasks:

            async def call() -> None:
                with pytest.raises(httpx2.RemoteProtocolError):
                    raise httpx2.RemoteProtocolError(
                        (await client.post("/mcp", json=tool(8, prompt="go", **free), headers=session)).text
                    )

            tasks.start_soon(call)
            await exists(begun, there=False)
            assert (await client.delete("/mcp", headers=session)).status_code == 200
        await server.logged("session ended")
        assert not any("Traceback" in line for line in server.log)


@pytest.mark.requirement("http:shutdown")
async def test_at_the_end_calls_are_interrupted_and_answered(home: Home, model: OfflineModel) -> None:
    begun = home.root / "begun"
    model.add([{"run": f"touch {begun}; sleep 60"}])
    free = {"sandbox": "danger-full-access", "approval-policy": "never"}
    answers: list[Json] = []
    async with http_serving(home, "--grace", "0.5") as server, server.raw() as client:
        session = await begin(client)
        async with anyio.create_task_group() as tasks:

            async def call() -> None:
                answer = await client.post("/mcp", json=tool(1, prompt="go", **free), headers=session)
                answers.append(message_of(answer))

            tasks.start_soon(call)
            while not begun.exists():
                await anyio.sleep(0.02)
            server.process.terminate()
        assert await server.process.wait() == 128 + 15
        await server.logged("the server ends: a turn was interrupted conversation=")
        assert not any("Traceback" in line or "without completing" in line for line in server.log), server.log
    assert answers[0]["result"]["structuredContent"]["status"] == "interrupted"


@pytest.mark.slow
@pytest.mark.requirement("http:idle")
async def test_a_session_ends_when_it_is_idle(home: Home) -> None:
    async with http_serving(home, "--session-idle", "0.2") as server, server.raw() as client:
        session = await begin(client)
        await server.logged("session ended")
        assert (await client.post("/mcp", json=request(1, "ping"), headers=session)).status_code == 404
        assert not any("Traceback" in line for line in server.log)


@pytest.mark.requirement("http:closed:address")
async def test_an_address_of_other_machines_is_refused_without_authentication(home: Home) -> None:
    import subprocess
    import sys

    command = [sys.executable, "-m", "codex_mcp", "http", "--host", "0.0.0.0", "--port", "0"]
    refused = await anyio.run_process(command, env=home.environment(), check=False, stderr=subprocess.PIPE)
    assert refused.returncode == 1
    assert b"tokens create" in refused.stderr


@pytest.mark.slow
@pytest.mark.requirement("http:socket")
async def test_a_unix_socket_is_its_users_alone_and_gone_afterwards(home: Home) -> None:
    path = home.root / "socket"
    path.touch()
    path.unlink()
    async with http_serving(home, "--socket", str(path)) as server:
        assert server.url == f"unix:{path}"
        assert path.stat().st_mode & 0o777 == 0o600
        transport = httpx2.AsyncHTTPTransport(uds=str(path))
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            assert (await client.get("/health")).status_code == 200
    assert not path.exists()
