"""A server process of one's own to talk to."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import IO, Any

import anyio

from codex_mcp import __version__
from codex_mcp.client.client import Approve, CodexClient, Trace, _deny, connect_client
from codex_mcp.wire.fd_streams import FdReceiveStream, FdSendStream

_EXIT_LIMIT = 5.0  # seconds from the end of its input to the server's exit


@asynccontextmanager
async def start_client(
    arguments: Sequence[str] = (),
    *,
    command: Sequence[str] = (sys.executable, "-m", "codex_mcp"),
    cwd: str | os.PathLike[str] | None = None,
    env: Mapping[str, str] | None = None,
    stderr: IO[Any] | int | None = None,
    approve: Approve = _deny,
    mcp: bool = False,
    name: str = "codex-mcp-client",
    version: str = __version__,
    trace: Trace = None,
) -> AsyncIterator[CodexClient]:
    """Start a server and talk to it; at the end it is told so and waited for.

    `command` is the server, by default this package's; `arguments` are appended. `stderr` is as for `subprocess`.
    """
    async with (
        start_process([*command, *arguments], cwd=cwd, env=env, stderr=stderr) as (receive, send),
        connect_client(receive, send, approve=approve, mcp=mcp, name=name, version=version, trace=trace) as client,
    ):
        yield client


@asynccontextmanager
async def start_process(
    command: Sequence[str],
    *,
    cwd: str | os.PathLike[str] | None = None,
    env: Mapping[str, str] | None = None,
    stderr: IO[Any] | int | None = None,
) -> AsyncIterator[tuple[FdReceiveStream, FdSendStream]]:
    """Start a server; what it says, and what it is told. At the end it is told so and waited for."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        cwd=cwd,
        env=env,
        bufsize=0,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    receive = FdReceiveStream(os.dup(process.stdout.fileno()), name="server-stdout")
    send = FdSendStream(os.dup(process.stdin.fileno()), name="server-stdin")
    process.stdin.close()
    process.stdout.close()
    try:
        yield receive, send
    finally:
        with anyio.CancelScope(shield=True):
            await send.aclose()
            with anyio.move_on_after(_EXIT_LIMIT) as limit:
                await anyio.to_thread.run_sync(process.wait, abandon_on_cancel=True)
            if limit.cancelled_caught:
                process.kill()
                process.wait()
