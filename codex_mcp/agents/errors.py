"""What can go wrong with agents. Each says what to do next; the codes are stable."""

from __future__ import annotations

from codex_mcp.errors import CallerError, EngineError


class BoxError(EngineError):
    """A box could not be made, started or asked."""

    code = "box_failed"


class NoIsolation(BoxError):
    """No way of isolating agents works on this machine, or not the one that was asked for."""

    code = "no_isolation"


class NoLimits(BoxError):
    """Limits were required and nothing on this machine can hold an agent to them."""

    code = "no_limits"


class WorkspaceError(CallerError):
    """A workspace cannot be made, read or given back as asked."""

    code = "workspace"


class UnsavedWork(WorkspaceError):
    """Removing the agent would lose what it has done."""

    code = "unsaved_work"


class NoSuchAgent(CallerError):
    """There is no agent of that name."""

    code = "not_found"


class AgentBusy(CallerError):
    """Another process serves the agent, or works on its folder."""

    code = "agent_busy"


class OutsideWorkspace(CallerError):
    """A directory that the box of the agent does not have."""

    code = "outside_workspace"
