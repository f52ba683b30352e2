"""What is done to agents from outside: stop, restart, clean up. Whoever serves them may be another process."""

from __future__ import annotations

import contextlib
import os
import signal
import time

import anyio

from codex_mcp.agents.boxes.container import Container
from codex_mcp.agents.boxes.local import end_boxes
from codex_mcp.agents.errors import AgentBusy
from codex_mcp.agents.opening import remove_agent
from codex_mcp.agents.registry import AgentRecord, Registry
from codex_mcp.errors import CodexMcpError
from codex_mcp.wire.messages import JsonObject

_GRACE = 10.0  # seconds for a server to end its turns and its engine
_POLL = 0.05


async def stop_agent(registry: Registry, name: str) -> bool:
    """End the server of an agent, with engine and box; whether there was one. Raises NoSuchAgent.

    A server that serves more than this agent is not ended: AgentBusy.
    """
    record = registry.load(name)
    running = registry.running(name)
    if running is None:
        await _end_boxes(record)
        return False
    if running.shared:
        raise AgentBusy(f"the agent {name!r} is one of several that process {running.pid} serves: stop it there")
    with contextlib.suppress(ProcessLookupError):
        os.kill(running.pid, signal.SIGTERM)
    with anyio.move_on_after(_GRACE):
        while registry.running(name) is not None:  # noqa: ASYNC110 - nothing tells of the end of a stranger
            await anyio.sleep(_POLL)
    if registry.running(name) is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(running.pid, signal.SIGKILL)
    await _end_boxes(record)
    return True


async def restart_agent(registry: Registry, name: str) -> bool:
    """End engine and box of an agent that is served; its server starts them anew. Whether it is served."""
    record = registry.load(name)
    if registry.running(name) is None:
        return False
    await _end_boxes(record)
    return True


async def cleanup(registry: Registry, inactive_hours: float, *, force: bool = False) -> JsonObject:
    """Remove agents that were last used so long ago, except for those that are served or have work to lose.

    Answers as `cleanup_inactive_agents`.
    """
    await registry.sweep()
    removed, failed = [], []
    for name in registry.names():
        try:
            record = registry.load(name)
            if time.time() - record.last_active < inactive_hours * 3600 or registry.running(name) is not None:
                continue
            await remove_agent(registry, name, force=force)
            removed.append(name)
        except CodexMcpError as error:
            failed.append({"agent_id": name, "error": error.message})
    return {
        "success": not failed,
        "removed_agents": removed,
        "failed_removals": failed,
        "total_removed": len(removed),
        "total_failed": len(failed),
    }


async def _end_boxes(record: AgentRecord) -> None:
    await end_boxes(record.id, 0)
    for ref in await Container().find():
        if ref.agent == record.id:
            await Container().stop(ref, 0)
