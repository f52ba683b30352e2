"""`codex-mcp-server --agent NAME`: the engine room of an agent, which is made on its first use.

As for the plain server, the engine is started before the rest is loaded.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio

from codex_mcp.agents.opening import OVERRIDES, OpenAgent, create_agent, open_agent, remove_agent
from codex_mcp.agents.registry import Registry, Settings, check_room
from codex_mcp.agents.variables import AgentVariables
from codex_mcp.cli.arguments import ServeOptions
from codex_mcp.cli.signals import held_signals
from codex_mcp.engine.home import CodexHome
from codex_mcp.engine.launch import EngineProcess, try_start_engine
from codex_mcp.surfaces.front_desk import FrontDesk
from codex_mcp.surfaces.handshake import Handshake


def run_agent_room(
    options: ServeOptions,
    name: str,
    handshake: Handshake,
    desk: FrontDesk,
    wire: tuple[int, int],
    policies: list[str],
) -> int:
    """Serve the agent of that name on the descriptors `wire`. Returns the exit status, as `run_room`.

    Raises CodexMcpError if it cannot be served: another process has it, no isolation works, a limit is reached.
    """
    return anyio.run(_serve, options, name, handshake, desk, wire, policies)


async def _serve(
    options: ServeOptions,
    name: str,
    handshake: Handshake,
    desk: FrontDesk,
    wire: tuple[int, int],
    policies: list[str],
) -> int:
    registry, variables, user = Registry(), AgentVariables(), CodexHome.of_process()
    with held_signals() as signals:
        if not registry.exists(name):
            directory = user.absolute(options.cwd) if options.cwd is not None else user.cwd
            await create_agent(registry, name, new_settings(variables, directory), user)
        check_room(registry, name, variables.most_agents)
        async with open_agent(registry, name, codex=options.codex) as agent:
            options.codex = str(agent.engine.codex)
            options.overrides[:0] = [*OVERRIDES, *variables.overrides()]
            # under a policy it is started once it can be held to it
            first = None if policies else try_start_engine(options.codex, agent.home(), options.engine_overrides)
            status = await _serve_open(agent, first, variables, user, signals, options, handshake, desk, wire, policies)
        if not variables.persistent:
            await remove_agent(registry, name, force=True)
    return status


async def _serve_open(
    agent: OpenAgent,
    first: EngineProcess | None,
    variables: AgentVariables,
    user: CodexHome,
    signals: AsyncIterator[int],
    options: ServeOptions,
    handshake: Handshake,
    desk: FrontDesk,
    wire: tuple[int, int],
    policies: list[str],
) -> int:
    try:
        from codex_mcp import logs
        from codex_mcp.agents.serving import ServedAgent
        from codex_mcp.agents.status import LOG
        from codex_mcp.cli.room import prepare, serve_client

        prepare(options)
        served = ServedAgent(agent, user, variables.idle_limit)
        log = logs.also_to(agent.root / LOG)
    except BaseException:
        if first is not None:
            first.discard()
        raise
    with log:
        return await serve_client(
            signals,
            options,
            agent.home(),
            handshake,
            desk,
            wire,
            policies,
            first=first,
            seams=served.seams,
            attend=served.attend,
        )


def new_settings(variables: AgentVariables, directory: str) -> Settings:
    """Of an agent that is made because it is used."""
    return Settings(cpus=variables.cpus, memory=variables.memory, pids=variables.processes, directory=directory)
