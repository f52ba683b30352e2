"""A server process of one's own to talk to."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import IO, Any

import anyio

from codex_mcp import __version__
from codex_mcp.client.client import Approve, CodexClient, Trace, connect_client, deny
from codex_mcp.client.errors import ServerEnded, ServerNotStarted
from codex_mcp.wire.fd_streams import FdReceiveStream, FdSendStream

THIS_SERVER = (sys.executable, "-m", "codex_mcp")

_EXIT_LIMIT = 5.0  # seconds from the end of its input to the server's exit
_LAST_WORDS_LIMIT = 1.0  # seconds from the end of its output to its exit, and to the end of its stderr
_KEPT_LINES = 50


@asynccontextmanager
async def start_client(
    arguments: Sequence[str] = (),
    *,
    command: Sequence[str] = THIS_SERVER,
    cwd: str | os.PathLike[str] | None = None,
    env: Mapping[str, str] | None = None,
    stderr: IO[Any] | int | None = None,
    approve: Approve = deny,
    mcp: bool = False,
    name: str = "codex-mcp-client",
    version: str = __version__,
    trace: Trace = None,
) -> AsyncIterator[CodexClient]:
    """Start a server and talk to it; at the end it is told so and waited for.

    Args:
        arguments: Options of the server, for example `["--offline", "script.json"]`.
        command: The server to start; this package's, if not given.
        cwd: Its working directory, where conversations without a `cwd` work.
        env: Its environment; this process' own, if not given.
        stderr: Where its log goes: as for `subprocess`, by default to this process' stderr.
        approve: Answers approvals; may be a coroutine function. Without it everything is denied.
        mcp: Open the connection as MCP; the methods are the same.
        name: Who connects, for the user agent.
        version: Its version.
        trace: Sees every line: `<` and what came, `>` and what goes.

    Raises:
        ServerNotStarted: There is no such command, it exited before it was ready, or it is no server.
        ServerEnded: It ended later, while something was waited for.
    """
    async with (
        start_process([*command, *arguments], cwd=cwd, env=env, stderr=stderr) as server,
        connect_client(
            server.receive,
            server.send,
            approve=approve,
            mcp=mcp,
            name=name,
            version=version,
            trace=trace,
            why_ended=server.why_ended,
        ) as client,
    ):
        yield client


class ServerProcess:
    """A server: what it says (`receive`), what it is told (`send`), and why it ended."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        cwd: str | os.PathLike[str] | None,
        env: Mapping[str, str] | None,
        stderr: IO[Any] | int | None,
    ) -> None:
        """Raises ServerNotStarted."""
        self._command = list(command)
        try:
            self.process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE if stderr in (None, subprocess.DEVNULL) else stderr,
                cwd=cwd,
                env=env,
                bufsize=0,
            )
        except OSError as error:
            raise ServerNotStarted(*_not_run(self._command, error)) from None
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.receive = FdReceiveStream(os.dup(self.process.stdout.fileno()), name="server-stdout")
        self.send = FdSendStream(os.dup(self.process.stdin.fileno()), name="server-stdin")
        self.process.stdin.close()
        self.process.stdout.close()
        self._last_words: deque[str] = deque(maxlen=_KEPT_LINES)
        self._copier = threading.Thread(target=self._copy, args=(stderr is None,), name="server-stderr", daemon=True)
        if self.process.stderr is not None:
            self._copier.start()

    def _copy(self, show: bool) -> None:
        """Keep the last lines of its stderr; `show`: put them on ours, too."""
        assert self.process.stderr is not None
        with self.process.stderr as lines:
            for line in lines:
                self._last_words.append(line.decode(errors="replace").rstrip())
                if show:
                    try:
                        os.write(2, line)
                    except OSError:  # ours is closed: nobody wants it
                        show = False

    async def why_ended(self) -> ServerEnded:
        """To be called when its output has ended."""
        with anyio.move_on_after(_LAST_WORDS_LIMIT):
            await anyio.to_thread.run_sync(self.process.wait, abandon_on_cancel=True)
        if self._copier.is_alive():
            await anyio.to_thread.run_sync(self._copier.join, _LAST_WORDS_LIMIT)
        status = self.process.poll()
        reason = f"`{shlex.join(self._command)}` {_how_it_ended(status)}"
        said = [line for line in self._last_words if line]
        if said:
            reason += f": {said[-1].rstrip('.')}"
        advice = "Begin a new client and resume the conversation: what was completed is kept."
        return ServerEnded(reason, advice, status=status, stderr=said)

    async def end(self) -> None:
        """Tell it that nothing more comes, and wait; kill it if that takes too long."""
        with anyio.CancelScope(shield=True):
            await self.send.aclose()
            with anyio.move_on_after(_EXIT_LIMIT) as limit:
                await anyio.to_thread.run_sync(self.process.wait, abandon_on_cancel=True)
            if limit.cancelled_caught:
                self.process.kill()
                self.process.wait()
            if self._copier.is_alive():  # a process that outlives the server may hold its stderr
                await anyio.to_thread.run_sync(self._copier.join, _LAST_WORDS_LIMIT)


@asynccontextmanager
async def start_process(
    command: Sequence[str],
    *,
    cwd: str | os.PathLike[str] | None = None,
    env: Mapping[str, str] | None = None,
    stderr: IO[Any] | int | None = None,
) -> AsyncIterator[ServerProcess]:
    """Start a server. At the end it is told so and waited for. Raises ServerNotStarted."""
    server = ServerProcess(command, cwd=cwd, env=env, stderr=stderr)
    try:
        yield server
    finally:
        await server.end()


def _not_run(command: list[str], error: OSError) -> tuple[str, str]:
    """Why a command could not be run, and what to do."""
    if error.filename is not None and error.filename != command[0]:  # its working directory
        return f"cannot start a server in {error.filename}: {error.strerror}", "Give a `cwd` that exists."
    reason = f"cannot run `{command[0]}`: {error.strerror}"
    if isinstance(error, FileNotFoundError):
        return reason, "Install codex-mcp-server, or give the whole path of its command."
    return reason, "Give the path of the command codex-mcp-server, which must be executable."


def _how_it_ended(status: int | None) -> str:
    if status is None:
        return "closed its output"
    if status < 0:
        return f"was killed by {signal.Signals(-status).name}"
    return f"exited with status {status}"
