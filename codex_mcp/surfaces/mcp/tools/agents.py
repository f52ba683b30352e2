"""Agents as tools: their state, their work, their end."""

from __future__ import annotations

import msgspec

from codex_mcp.agents import keeping
from codex_mcp.agents.opening import reach_agent, remove_agent
from codex_mcp.agents.registry import Registry
from codex_mcp.agents.status import describe
from codex_mcp.agents.workspaces import result
from codex_mcp.errors import CallerError
from codex_mcp.protocol import agent_tools as t
from codex_mcp.surfaces.mcp.context import CallContext
from codex_mcp.surfaces.mcp.results import as_data, success
from codex_mcp.surfaces.mcp.tools.declare import Tool
from codex_mcp.wire.messages import JsonObject


async def get_status(_call: CallContext, arguments: t.AgentArguments) -> JsonObject:
    """Everything that is known of an agent."""
    return as_data(msgspec.convert(await describe(Registry(), arguments.agent_id), t.AgentStatus))


async def list_agents(_call: CallContext, _arguments: t.NoArguments) -> JsonObject:
    """All agents of the data directory."""
    registry = Registry()
    found = [msgspec.convert(await describe(registry, name), t.AgentInfo) for name in registry.names()]
    return as_data(t.AgentList(agents=found))


async def cleanup(_call: CallContext, arguments: t.CleanupArguments) -> JsonObject:
    """Remove agents that nobody has used for a while."""
    done = await keeping.cleanup(Registry(), arguments.inactive_hours, force=arguments.force)
    return as_data(msgspec.convert(done, t.CleanupResult))


async def stop(_call: CallContext, arguments: t.AgentArguments) -> JsonObject:
    """End the server of an agent; it stays."""
    stopped = await keeping.stop_agent(Registry(), arguments.agent_id)
    return _done(f"The agent {arguments.agent_id} {'has been stopped' if stopped else 'was not running'}.")


async def restart(_call: CallContext, arguments: t.AgentArguments) -> JsonObject:
    """Start engine and box of an agent anew."""
    served = await keeping.restart_agent(Registry(), arguments.agent_id)
    return _done(
        f"The agent {arguments.agent_id} {'starts anew' if served else 'is not served: it starts with its next use'}."
    )


async def remove(_call: CallContext, arguments: t.RemoveArguments) -> JsonObject:
    """Take an agent away."""
    kept = await remove_agent(Registry(), arguments.agent_id, force=arguments.force)
    return _done(
        f"The agent {arguments.agent_id} has been removed" + (f"; its work is kept in {kept}." if kept else ".")
    )


async def diff(_call: CallContext, arguments: t.DiffArguments) -> JsonObject:
    """An agent's work."""
    async with reach_agent(Registry(), arguments.agent_id) as agent:
        patch = (await agent.diff(stat=arguments.stat)).decode(errors="replace")
    return success(t.AgentDiff(agent_id=arguments.agent_id, patch=patch), patch or "The agent has changed nothing.")


async def apply(_call: CallContext, arguments: t.ApplyArguments) -> JsonObject:
    """Take an agent's work over."""
    async with reach_agent(Registry(), arguments.agent_id) as agent:
        target = agent.workspace.origin
        if target is None:
            raise CallerError("the agent was not made from a repository: take the patch of get_agent_diff")
        patch = await agent.diff()
        summary = (await agent.diff(stat=True)).decode(errors="replace")
        reason = await result.check(patch, target)
        if reason is None and not arguments.check:
            await result.apply(patch, target)
    if reason is not None:
        return as_data(t.ApplyResult(success=False, message=f"It does not fit, and nothing was changed: {reason}"))
    text = "It fits." if arguments.check else summary or "There is nothing to apply."
    return as_data(t.ApplyResult(success=True, message=text, applied_to=None if arguments.check else str(target)))


def _done(text: str) -> JsonObject:
    return as_data(t.AgentDone(success=True, message=text))


_MISSING = "the `agent_id` field is required"
TOOLS = (
    Tool(
        "get_agent_status",
        "Show an agent",
        "Everything that is known of an agent: state, box, limits, use of the machine, workspace, last log lines.",
        t.AgentArguments,
        t.AgentStatus,
        get_status,
        missing=_MISSING,
        read_only=True,
        idempotent=True,
    ),
    Tool(
        "list_active_agents",
        "List agents",
        "All agents, with their state and their use of the machine.",
        t.NoArguments,
        t.AgentList,
        list_agents,
        read_only=True,
        idempotent=True,
    ),
    Tool(
        "cleanup_inactive_agents",
        "Clean up agents",
        "Remove agents that had no turn for some hours. Those that are served, or have work to lose, stay.",
        t.CleanupArguments,
        t.CleanupResult,
        cleanup,
        destructive=True,
        idempotent=True,
    ),
    Tool(
        "stop_agent_container",
        "Stop an agent",
        "End the server, the engine and the box of an agent. The agent stays, with its workspace and its threads.",
        t.AgentArguments,
        t.AgentDone,
        stop,
        missing=_MISSING,
        destructive=True,
        idempotent=True,
    ),
    Tool(
        "restart_agent_container",
        "Restart an agent",
        "End what runs in the box of an agent that is served, and start engine and box anew.",
        t.AgentArguments,
        t.AgentDone,
        restart,
        missing=_MISSING,
        destructive=True,
    ),
    Tool(
        "remove_agent_container",
        "Remove an agent",
        "Take an agent away with its workspace. Refused while it has work that was not taken over, unless forced.",
        t.RemoveArguments,
        t.AgentDone,
        remove,
        missing=_MISSING,
        destructive=True,
    ),
    Tool(
        "get_agent_diff",
        "Show an agent's work",
        "What an agent has changed since it was made, as a patch: commits, untracked and binary files included.",
        t.DiffArguments,
        t.AgentDiff,
        diff,
        missing=_MISSING,
        read_only=True,
        idempotent=True,
    ),
    Tool(
        "apply_agent_changes",
        "Apply an agent's work",
        "Apply what an agent has changed to the repository that it was made from: all of it, or nothing if it does not "
        "fit. Nothing is staged or committed.",
        t.ApplyArguments,
        t.ApplyResult,
        apply,
        missing=_MISSING,
        destructive=True,
    ),
)
