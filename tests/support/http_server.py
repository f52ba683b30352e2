"""A server on loopback, at a port that is free, and official clients of it."""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from subprocess import PIPE
from typing import Any, Literal

import anyio
import httpx2
from anyio.abc import Process
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client

from tests.support.home import Home

Json = dict[str, Any]


@dataclass
class HttpServer:
    """A process that serves `home` at `url`."""

    url: str
    process: Process
    log: list[str]

    @asynccontextmanager
    async def raw(self, **options: Any) -> AsyncIterator[httpx2.AsyncClient]:
        """A plain HTTP client."""
        async with httpx2.AsyncClient(base_url=self.url, timeout=30, **options) as client:
            yield client

    @asynccontextmanager
    async def client(
        self, mode: Literal["legacy", "auto"] = "legacy", headers: dict[str, str] | None = None, **callbacks: Any
    ) -> AsyncIterator[Client]:
        """The official SDK's client, at /mcp."""
        async with (
            httpx2.AsyncClient(headers=headers or {}, timeout=60) as http,
            Client(
                streamable_http_client(f"{self.url}/mcp", http_client=http),
                mode=mode,
                read_timeout_seconds=60,
                **callbacks,
            ) as client,
        ):
            yield client

    async def logged(self, pattern: str) -> None:
        """Wait for a line on its stderr."""
        while not any(re.search(pattern, line) for line in self.log):
            await anyio.sleep(0.02)


@asynccontextmanager
async def http_serving(home: Home, *arguments: str, **environment: str) -> AsyncIterator[HttpServer]:
    """A server of that home; it is told to end afterwards."""
    command = [sys.executable, "-m", "codex_mcp", "http", "--port", "0", "--log-level", "info", *arguments]
    async with await anyio.open_process(
        command, cwd=home.workspace, env=home.environment(**environment), stdout=PIPE, stderr=PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        log: list[str] = []
        errors = process.stderr

        async def keep_log() -> None:
            async for chunk in errors:
                log.extend(chunk.decode(errors="replace").splitlines())

        failure: Exception | None = None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(keep_log)
            try:
                yield HttpServer(await _address(process, log), process, log)
            except Exception as error:  # raised outside of the task group, so that the test shows it and not a group
                failure = error
            finally:
                if process.returncode is None:
                    process.terminate()
                with anyio.CancelScope(shield=True), anyio.move_on_after(20):
                    await process.wait()
                tasks.cancel_scope.cancel()
        if failure is not None:
            failure.add_note("\n".join(log))
            raise failure


async def _address(process: Process, log: list[str]) -> str:
    """What the server says once it listens."""
    assert process.stdout is not None
    line = ""
    while "\n" not in line:
        try:
            line += (await process.stdout.receive()).decode()
        except anyio.EndOfStream:
            raise AssertionError(f"the server did not come up: {log}") from None
    return line.split()[-1]


INITIALIZE: Json = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}},
}
HEADERS = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}


def message_of(response: httpx2.Response) -> Json:
    """The last message of an answer, whether it came as a stream or as JSON."""
    if response.headers["content-type"].startswith("application/json"):
        body: Json = response.json()
        return body
    import json

    data = [line[6:] for line in response.text.splitlines() if line.startswith("data: ") and len(line) > 6]
    last: Json = json.loads(data[-1])
    return last


async def begin(client: httpx2.AsyncClient, **headers: str) -> dict[str, str]:
    """Open a session by hand; the headers for its requests."""
    response = await client.post("/mcp", json=INITIALIZE, headers={**HEADERS, **headers})
    assert response.status_code == 200, response.text
    session = {**HEADERS, **headers, "Mcp-Session-Id": response.headers["mcp-session-id"]}
    await client.post("/mcp", json={"jsonrpc": "2.0", "method": "notifications/initialized"}, headers=session)
    return session
