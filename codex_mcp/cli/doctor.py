"""`codex-mcp-server doctor`: what a client would meet on this machine, one check a line, and what to do about it."""

from __future__ import annotations

import os
import pathlib
import platform
import shlex
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TextIO

import anyio

from codex_mcp import __version__, invocation
from codex_mcp.cli.arguments import ServeOptions, parse_arguments
from codex_mcp.cli.output import say
from codex_mcp.client import CodexClient, start_client
from codex_mcp.engine.home import CodexHome
from codex_mcp.engine.launch import start_engine
from codex_mcp.engine.link import EngineLink
from codex_mcp.engine.locate import EngineBinary, find_engines, install_advice
from codex_mcp.engine.recursion import own_entries
from codex_mcp.errors import CallerError, CodexMcpError, EngineError, EngineUnavailable
from codex_mcp.protocol import account, registry, utilities
from codex_mcp.protocol.sandbox import ReadOnlyPolicy
from codex_mcp.redaction import redact
from codex_mcp.wire.errors import PeerClosed, RpcError
from codex_mcp.wire.messages import JsonObject
from codex_mcp.wire.peer import IncomingCall

_LIMIT = 60.0  # seconds for one check; the longest starts an engine from a cold disk


def doctor(arguments: list[str]) -> int:
    """Run the checks; `arguments` are the server's own. Returns 0 if a client can work here, 1 otherwise."""
    options = parse_arguments(arguments, "codex-mcp-server doctor")
    with open(os.devnull, "w") as nowhere:
        return anyio.run(_Doctor(arguments, options, nowhere).run)


class _Doctor:
    def __init__(self, arguments: Sequence[str], options: ServeOptions, nowhere: TextIO) -> None:
        """`nowhere`: for the logs of the servers that are tried."""
        self._arguments = arguments
        self._home = CodexHome.of_process()
        self._nowhere = nowhere
        self._options = options
        self._failed = False

    async def run(self) -> int:
        self._say("codex-mcp-server", f"{__version__}, Python {platform.python_version()}, {platform.platform()}")
        self._configuration()
        await self._engines()
        await self._try("server", self._server)
        await self._try("MCP", self._mcp)
        return 1 if self._failed else 0

    def _say(self, what: str, found: str) -> None:
        say(f"ok    {what}: {found}\n")

    def _note(self, what: str, found: str) -> None:
        say(f"note  {what}: {found}\n")

    def _fail(self, what: str, found: str) -> None:
        self._failed = True
        say(f"FAIL  {what}: {redact(found)}\n")

    async def _try(self, what: str, check: Callable[[], Awaitable[None]]) -> None:
        try:
            with anyio.fail_after(_LIMIT):
                await check()
        except TimeoutError:
            self._fail(what, f"no answer within {_LIMIT:.0f} seconds")
        except (CodexMcpError, RpcError, PeerClosed, OSError) as error:
            self._fail(what, str(error))

    def _configuration(self) -> None:
        if not self._home.path.is_dir():
            advice = f"`{invocation.command('login')}` makes it"
            self._note("configuration", f"{self._home.path} does not exist yet; {advice}")
            return
        try:
            config = self._home.read_config()
        except CallerError as error:
            self._fail("configuration", error.message)
            return
        self._say("configuration", str(self._home.config_path) if config else f"no settings in {self._home.path}")
        if self._home.refused_policy():
            self._note(
                self._home.setting_location("approval_policy"),
                "current engines refuse `untrusted` as the default; this server gives it with each conversation",
            )
        if "profile" in config:
            self._note(
                self._home.setting_location("profile"),
                "current engines refuse a default profile: use `-p NAME` of this server",
            )
        for name in own_entries(self._home):
            self._note(f"mcp_servers.{name}", "runs this server: it is off for the engines that this server starts")

    async def _engines(self) -> None:
        found = find_engines(self._options.codex)
        if not found:
            self._fail("engine", f"none was found. {install_advice()}")
        used = False
        for binary in found:
            try:
                version = await _version_of(binary, self._options.engine_overrides)
            except (EngineUnavailable, OSError) as error:
                (self._note if used else self._fail)("engine", f"{binary}: {error}")
                continue
            self._say("engine", f"{version}, {binary}" + (", not used" if used else ""))
            used = True

    async def _server(self) -> None:
        async with start_client(self._arguments, stderr=self._nowhere) as client:
            await self._account(client)
            await self._sandbox(client)

    async def _account(self, client: CodexClient) -> None:
        status = await client.call(registry.GET_AUTH_STATUS, account.GetAuthStatusParams())
        if status.auth_method is not None:
            self._say("account", f"signed in by {status.auth_method}")
        elif status.requires_openai_auth is False:
            self._say("account", "the configured model provider needs no OpenAI account")
        else:
            self._fail("account", f"not signed in: run `{invocation.command('login')}`, or configure a model provider")

    async def _sandbox(self, client: CodexClient) -> None:
        """A command runs in the read-only sandbox, and cannot write there."""
        with tempfile.TemporaryDirectory(dir=self._home.path if self._home.path.is_dir() else None) as directory:
            mark = pathlib.Path(directory) / "mark"
            script = f"touch {shlex.quote(str(mark))}; echo ran"
            result = await client.call(
                registry.EXEC_ONE_OFF_COMMAND,
                utilities.ExecOneOffCommandParams(
                    command=["/bin/sh", "-c", script], cwd=directory, sandbox_policy=ReadOnlyPolicy()
                ),
            )
            if mark.exists():
                self._fail("sandbox", "a command wrote although it was told read-only: there is no sandbox here")
            elif "ran" not in result.stdout:
                self._fail("sandbox", f"a command cannot run in it: {(result.stderr or result.stdout).strip()[:300]}")
            else:
                self._say("sandbox", "commands run in it, and cannot write when they may not")

    async def _mcp(self) -> None:
        """As the official SDK's client sees it."""
        from mcp import StdioServerParameters
        from mcp.client.client import Client
        from mcp.client.stdio import stdio_client

        parameters = StdioServerParameters(
            command=sys.executable, args=["-m", "codex_mcp", *self._arguments], env=dict(os.environ)
        )
        began = time.perf_counter()
        async with Client(stdio_client(parameters, errlog=self._nowhere)) as client:
            tools = [tool.name for tool in (await client.list_tools()).tools]
            seconds = time.perf_counter() - began
            self._say("MCP", f"version {client.protocol_version}, {', '.join(tools)}, after {seconds:.2f} s")


async def _version_of(binary: EngineBinary, overrides: Sequence[str]) -> str:
    """Start it and ask. Raises EngineUnavailable, OSError."""
    link = EngineLink(start_engine(binary, CodexHome.of_process(), overrides), _Nobody(), anyio.lowlevel.checkpoint)
    failure: EngineError | None = None
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(link.serve)
        try:
            await link.handshake()
        except EngineUnavailable as error:  # raised outside of the task group, so that nobody has to look into a group
            failure = error
        await link.stop()
        tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure
    return link.version


class _Nobody:
    """Listens to an engine that is only asked for its version."""

    def on_engine_notification(self, method: str, params: JsonObject) -> None:
        """Nothing of it matters."""

    def on_engine_request(self, call: IncomingCall) -> None:
        raise CallerError(f"{call.method}: no conversation was begun")

    def on_engine_lost(self, reason: str) -> None:
        """It is about to be stopped anyway."""
