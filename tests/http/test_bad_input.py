"""Clients that do not read, do not finish, or send what is no request: they harm themselves alone."""

from __future__ import annotations

import random
import re
import socket
from typing import Any
from urllib.parse import urlsplit

import anyio
import anyio.to_thread
import pytest

from codex_mcp.offline import OfflineModel
from tests.support.home import Home
from tests.support.http_server import HEADERS, begin, http_serving, message_of

pytestmark = [pytest.mark.anyio, pytest.mark.slow, pytest.mark.timeout(120)]

PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
_PIECES = [
    *(b"GET POST DELETE PUT OPTIONS TRACE HEAD PRI".split()),
    *(b"/mcp /sse /messages/ /tools/codex / /answer /live /threads/x /static/.. //evil".split()),
    b" HTTP/1.1\r\n",
    b" HTTP/9.9\r\n",
    b"Host: localhost\r\n",
    b"Content-Type: application/json\r\n",
    b"Content-Length: 12\r\n",
    b"Content-Length: -1\r\n",
    b"Content-Length: 99999999999999999999\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Mcp-Session-Id: \xff\xfe\r\n",
    b"Mcp-Session-Id: " + b"a" * 5000 + b"\r\n",
    b"Last-Event-ID: 1.1\r\n",
    b"Authorization: Bearer \x00\r\n",
    b"Cookie: codex_mcp_login=x; ;;=\r\n",
    b"Accept: application/json, text/event-stream\r\n",
    b"\r\n",
    b"\r\n\r\n",
    b"ffffffff\r\n",
    b"0\r\n\r\n",
    b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":',
    b'{"jsonrpc":"2.0","id":7,"method":"ping"}',
    b"[[[[[[" * 2000,
    b"\x00\xff\x16\x03\x01",
]


@pytest.mark.requirement("http:bad-input")
async def test_garbage_half_requests_and_refusals_leave_nothing_behind(home: Home) -> None:
    async with http_serving(home, "--rate", "100000") as server, server.raw() as client:
        session = await begin(client)
        address = (urlsplit(server.url).hostname, urlsplit(server.url).port)
        dice = random.Random(7)

        def throw() -> None:
            for _ in range(300):
                with socket.create_connection(address, timeout=5) as wire:
                    wire.settimeout(0.02)
                    try:
                        wire.sendall(b"".join(dice.choices(_PIECES, k=dice.randint(1, 12))))
                        wire.recv(4096)
                    except OSError:  # it waits for more, or has hung up
                        pass

        await anyio.to_thread.run_sync(throw)
        before = await figures(client)
        for number in range(2000):
            body: Any = [{"id": None}, {"method": 7}, [], {"jsonrpc": "2.0", "id": number, "method": "initialize"}]
            refused = await client.post("/mcp", json=body[number % 4], headers=HEADERS)
            assert refused.status_code == 400
        after = await figures(client)
        assert message_of(await client.post("/mcp", json=PING, headers=session))["result"] == {}
        assert after["codex_mcp_sessions"] == before["codex_mcp_sessions"] == 1
        assert not any("Traceback" in line for line in server.log), server.log


async def figures(client: Any) -> dict[str, float]:
    text = (await client.get("/metrics")).text
    return {name: float(value) for name, value in re.findall(r"^(codex_mcp_\w+) ([\d.]+)$", text, re.M)}


@pytest.mark.requirement("http:stalled")
async def test_a_client_that_does_not_read_harms_nobody_else(home: Home, model: OfflineModel) -> None:
    """Its call prints more than fits between the two; meanwhile others are served, and their turns are not held up."""
    many = [{"say": "words " * 30000}]  # each word a delta, and each delta two events
    model.add(many, [{"say": "quick"}])
    async with http_serving(home, "--events", "on") as server, server.raw() as client:
        session = await begin(client)
        address = (urlsplit(server.url).hostname, urlsplit(server.url).port)
        wire = socket.socket()
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        wire.connect(address)
        body = b'{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"codex","arguments":{"prompt":"go"}}}'
        head = "".join(f"{name}: {value}\r\n" for name, value in session.items())
        wire.sendall(
            f"POST /mcp HTTP/1.1\r\nHost: localhost\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
        )
        while not model.requests:
            await anyio.sleep(0.05)
        with anyio.fail_after(60):
            answer = await client.post("/tools/codex", json={"prompt": "go"})
        assert answer.json()["content"] == "quick"
        assert message_of(await client.post("/mcp", json=PING, headers=await begin(client)))["result"] == {}
        wire.close()
        assert not any("Traceback" in line for line in server.log), server.log
