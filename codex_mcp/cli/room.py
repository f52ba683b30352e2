"""The engine room: everything behind the front desk, on one event loop.

Ends when the client's stream ends or a signal asks for it; either way the engine and what it runs are gone first.
"""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import anyio

from codex_mcp import logs
from codex_mcp.bridge.agent import NO_SEAMS, Agent, AgentSeams
from codex_mcp.bridge.options import ServerDefaults, override_to_config
from codex_mcp.cli.arguments import ServeOptions
from codex_mcp.cli.signals import held_signals, until_ending
from codex_mcp.engine.home import CodexHome
from codex_mcp.engine.launch import EngineProcess
from codex_mcp.surfaces.front_desk import FrontDesk
from codex_mcp.surfaces.handshake import Dialect, Handshake
from codex_mcp.surfaces.mcp.options import McpOptions
from codex_mcp.surfaces.session import Session
from codex_mcp.wire import codec
from codex_mcp.wire.fd_streams import FdReceiveStream, FdSendStream
from codex_mcp.wire.peer import Peer

# Seconds for which calls in flight may still end after the client closed its side of a pipe, and the time that they
# get to be answered once they are interrupted; then the engine ends. SDK clients send SIGTERM two seconds after they
# have closed it.
_LINGER = 1.2
_LAST_ANSWERS = 0.3
_PATIENCE = 1.5  # seconds from the end of input for which what was sent may wait to be read


def run_room(
    options: ServeOptions,
    home: CodexHome,
    handshake: Handshake,
    desk: FrontDesk,
    first: EngineProcess | None,
    wire: tuple[int, int],
    policies: list[str],
) -> int:
    """Serve on the descriptors `wire` (in, out). `first` is the engine process that was started early;
    `policies` are the policy files that count.

    Returns the exit status: 0 when the client went, 128 plus the number of a signal that ended the server.
    """
    prepare(options)
    return anyio.run(_serve_until_signal, options, home, handshake, desk, first, wire, policies)


def prepare(options: ServeOptions) -> None:
    """Set what counts for the whole process."""
    logs.configure(options.log_level)
    codec.speed_up()


async def _serve_until_signal(
    options: ServeOptions,
    home: CodexHome,
    handshake: Handshake,
    desk: FrontDesk,
    first: EngineProcess | None,
    wire: tuple[int, int],
    policies: list[str],
) -> int:
    """Hold the signals until the engine is gone, not only until the first has come."""
    with held_signals() as signals:
        return await serve_client(signals, options, home, handshake, desk, wire, policies, first=first)


async def serve_client(
    signals: AsyncIterator[int],
    options: ServeOptions,
    home: CodexHome,
    handshake: Handshake,
    desk: FrontDesk,
    wire: tuple[int, int],
    policies: list[str],
    *,
    first: EngineProcess | None = None,
    seams: AgentSeams = NO_SEAMS,
    attend: Callable[[Agent], Coroutine[Any, Any, None]] | None = None,
) -> int:
    """Serve the client on `wire` with an agent in `home`; the exit status. `attend` runs beside, while it does."""
    defaults = ServerDefaults(dict(map(override_to_config, options.overrides)), options.cwd, options.profile)
    mcp_options = McpOptions(
        options.tool_sets,
        options.events,
        options.approval_timeout,
        options.show_thread_id,
        options.prompts,
        allow_config=options.allow_config,
    )
    under = None
    if policies:
        from codex_mcp.cli.under_policy import govern

        under = govern(policies, home, defaults)
        seams = seams.then(under.seams)
        home = under.home(home)
    loop = asyncio.get_running_loop()

    def take_over() -> bytes:  # on the reading thread
        leftover = desk.join()
        if desk.unsent:
            loop.call_soon_threadsafe(peer.write, desk.unsent)
        return leftover

    peer = Peer(
        FdReceiveStream(wire[0], name="client-in", first=take_over),
        FdSendStream(wire[1], name="client-out"),
        jsonrpc=handshake.jsonrpc,
        takes_batches=lambda: handshake.takes_batches,
        observer=None if under is None else under.observer,
    )
    # A regular file ends although somebody still wants the answers; the end of a pipe means that the client left.
    patient = stat.S_ISREG(os.fstat(wire[0]).st_mode)
    status = 0
    async with anyio.create_task_group() as tasks:
        agent = Agent(
            home,
            defaults,
            tasks,
            named=options.codex,
            overrides=(*options.engine_overrides, *(() if under is None else under.engine_settings)),
            first=first,
            before_read=peer.writable,
            seams=seams,
        )
        session = Session(peer, handshake, agent, mcp_options, door=None if under is None else under.door)
        if under is not None:
            under.attach(agent, handshake)
            if under.guard is not None:
                tasks.start_soon(under.guard.run)

        async def end_on_signal() -> None:
            nonlocal status
            status = 128 + await until_ending(signals)
            agent.conversations.abort_all()
            tasks.cancel_scope.cancel()

        async def linger() -> None:
            mcp = handshake.dialect is Dialect.MCP and not patient
            if mcp:  # the Python SDK raises over what comes when it has left
                peer.answers_only = True
            with anyio.move_on_after(None if patient else _LINGER):
                await peer.calls_done()
                if patient:
                    await agent.conversations.idle()
            if mcp:
                peer.close()
            agent.conversations.abort_all()
            with anyio.move_on_after(_LAST_ANSWERS):
                await peer.calls_done()

        tasks.start_soon(end_on_signal)
        if under is None or under.guard is not None:
            tasks.start_soon(agent.run)
        tasks.start_soon(session.warm_up)
        if attend is not None:
            tasks.start_soon(attend, agent)
        await peer.run(session, linger, patience=None if patient else _PATIENCE)
        session.close()
        tasks.cancel_scope.cancel()
    return status
