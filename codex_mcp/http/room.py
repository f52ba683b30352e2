"""The engine room of the HTTP server: the agent, the sessions and the web server on one event loop."""

from __future__ import annotations

import logging
import pathlib
from collections.abc import Awaitable, Callable, Sequence

import anyio

from codex_mcp.bridge.options import ServerDefaults
from codex_mcp.engine.home import CodexHome
from codex_mcp.engine.launch import EngineProcess
from codex_mcp.http import server
from codex_mcp.http.app import make_app
from codex_mcp.http.auth import Authentication
from codex_mcp.http.options import HttpOptions
from codex_mcp.http.service import Service
from codex_mcp.http.sessions import Governance
from codex_mcp.http.tokens import TokenFile
from codex_mcp.surfaces.mcp.options import McpOptions
from codex_mcp.wire import codec


async def serve(
    options: HttpOptions,
    mcp_options: McpOptions,
    home: CodexHome,
    defaults: ServerDefaults,
    until_signal: Callable[[], Awaitable[int]],
    listening: Callable[[str], None],
    *,
    named: str | None = None,
    overrides: Sequence[str] = (),
    first: EngineProcess | None = None,
    under: Governance | None = None,
) -> int:
    """Serve until a signal comes; a second one ends the wait for what runs. Returns 128 plus the number of the signal.

    `listening` hears the address. Raises OSError, CallerError: see `server.run`.
    """
    codec.speed_up()
    server.quiet_libraries(logging.getLogger("codex_mcp").handlers[0])
    authentication = None
    if options.tokens is not None:
        authentication = Authentication(TokenFile(pathlib.Path(options.tokens)), options.oauth)
    status = 0

    async def until_end() -> None:
        nonlocal status
        status = 128 + await until_signal()

    async with anyio.create_task_group() as tasks:
        service = Service(
            tasks, options, mcp_options, home, defaults, named=named, overrides=overrides, first=first, under=under
        )

        async def end() -> None:
            async with anyio.create_task_group() as ending:

                async def hurry() -> None:
                    await until_signal()
                    service.hurry()

                ending.start_soon(hurry)
                await service.end(options.grace)
                ending.cancel_scope.cancel()

        tasks.start_soon(service.run)
        await server.run(make_app(service, options, authentication), options, listening, until_end, end)
        tasks.cancel_scope.cancel()
    return status
