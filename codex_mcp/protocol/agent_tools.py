"""Arguments and results of the tools for agents. Names are in snake_case, as other servers of this kind have them."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from codex_mcp.protocol.tools import Data, ToolArguments, ToolResult

AgentId = Annotated[str, Meta(description="The name of the agent.")]


class AgentArguments(ToolArguments, rename="lower"):
    """Arguments of tools that take nothing but an agent."""

    agent_id: AgentId


class NoArguments(ToolArguments):
    """Arguments of tools that take none."""


class CleanupArguments(ToolArguments, rename="lower"):
    """Which agents go."""

    inactive_hours: Annotated[float, Meta(description="Hours since the last turn.", ge=0)] = 24.0
    force: Annotated[bool, Meta(description="Also agents with work that was not taken over; a patch is kept.")] = False


class RemoveArguments(AgentArguments, rename="lower"):
    """Which agent goes."""

    force: Annotated[bool, Meta(description="Also with work that was not taken over; a patch is kept.")] = False


class DiffArguments(AgentArguments, rename="lower"):
    """Whose work."""

    stat: Annotated[bool, Meta(description="A summary instead of the patch.")] = False


class ApplyArguments(AgentArguments, rename="lower"):
    """Whose work."""

    check: Annotated[bool, Meta(description="Only say whether it fits.")] = False


class _Result(ToolResult, rename="lower", kw_only=True):
    pass


class AgentLimits(Data, rename="lower"):
    """Limits of an agent, as the kernel says them while it runs."""

    cpus: float | None = None
    memory_mb: float | None = None
    processes: int | None = None
    enforced_by: str | None = None


class AgentInfo(_Result, kw_only=True):
    """An agent. Times are ISO 8601 in UTC; what is measured is left out while the agent is stopped."""

    agent_id: str
    status: str
    created_at: str
    last_active: str
    workspace_path: str
    config_path: str
    container_id: str | None = None
    container_name: str | None = None
    model: str | None = None
    provider: str | None = None
    cpu_percent: float | None = None
    memory_usage_mb: float | None = None
    memory_limit_mb: float | None = None
    isolation: str | None = None
    isolates: list[str]
    nested_sandbox: bool | None = None
    network: str | None = None
    workspace: str | None = None
    origin: str | None = None
    limits: AgentLimits | None = None
    served_by: int | None = None
    turns: int
    failed_turns: int
    turn_seconds: float


class AgentStatus(AgentInfo, kw_only=True):
    """An agent, with the last lines of its log."""

    success: bool
    recent_logs: list[str]


class AgentList(_Result, kw_only=True):
    """All agents, by name."""

    agents: list[AgentInfo]


class FailedRemoval(Data, rename="lower"):
    """An agent that stays, and why."""

    agent_id: str
    error: str


class CleanupResult(_Result, kw_only=True):
    """What became of the agents that were inactive."""

    success: bool
    removed_agents: list[str]
    failed_removals: list[FailedRemoval]
    total_removed: int
    total_failed: int


class AgentDone(_Result, kw_only=True):
    """What was done to an agent."""

    success: bool
    message: str
    container_id: str | None = None


class AgentDiff(_Result, kw_only=True):
    """An agent's work since it began, as a patch for `git apply`."""

    agent_id: str
    patch: str


class ApplyResult(_Result, kw_only=True):
    """Whether the work fits, and where it was applied."""

    success: bool
    message: str
    applied_to: str | None = None
