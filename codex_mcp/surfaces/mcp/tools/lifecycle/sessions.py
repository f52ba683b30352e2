"""`list_sessions` and `get_my_session_info`: who is connected, since when, and how their calls went."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from codex_mcp.bridge.sessions import SessionRecord, iso
from codex_mcp.surfaces.mcp.context import CallContext
from codex_mcp.surfaces.mcp.tools.declare import Tool
from codex_mcp.surfaces.mcp.tools.lifecycle.forms import Answer, Arguments
from codex_mcp.surfaces.mcp.tools.lifecycle.work import fail, handler


class ListSessionsArguments(Arguments):
    """Arguments of `list_sessions`."""

    agent_id: Annotated[str | None, Meta(description="Only sessions of this agent.")] = None


class NoArguments(Arguments):
    """A tool that takes none."""


class Metrics(Answer):
    """How the calls of a session went; times in seconds."""

    total_requests: int
    successful_requests: int
    failed_requests: int
    success_rate: float
    average_execution_time: float
    total_execution_time: float


class SessionEntry(Answer):
    """A session. `container` is the box's id, if the agent has one."""

    session_id: str
    agent_id: str
    status: str
    created_at: str
    last_activity: str
    age_seconds: float
    idle_seconds: float
    config: dict[str, Any]
    metrics: Metrics
    container: str | None


class ListSessionsResponse(Answer):
    """Sessions, oldest first."""

    total_sessions: int
    sessions: list[SessionEntry]
    filtered_by_agent: str | None


class SessionInfo(Answer):
    """The session of the caller."""

    mcp_session_id: str
    agent_id: str
    container_id: str | None
    created_at: str
    last_activity: str
    active: bool
    duration_seconds: float


async def list_sessions(call: CallContext, arguments: ListSessionsArguments) -> ListSessionsResponse:
    agent = call.connection.agent
    wanted = arguments.agent_id
    sessions = [_entry(record) for record in agent.sessions if wanted in (None, record.agent.name)]
    return ListSessionsResponse(total_sessions=len(sessions), sessions=sessions, filtered_by_agent=wanted)


def _entry(record: SessionRecord) -> SessionEntry:
    rate = record.successful / record.requests if record.requests else 0.0
    average = record.seconds / record.requests if record.requests else 0.0
    return SessionEntry(
        session_id=record.id,
        agent_id=record.agent.name,
        status="active" if record.running else "idle",
        created_at=iso(record.created),
        last_activity=iso(record.last_activity),
        age_seconds=record.age,
        idle_seconds=record.idle,
        config={"client": record.client},
        metrics=Metrics(
            total_requests=record.requests,
            successful_requests=record.successful,
            failed_requests=record.failed,
            success_rate=rate,
            average_execution_time=average,
            total_execution_time=record.seconds,
        ),
        container=record.agent.box,
    )


async def get_my_session_info(call: CallContext, _arguments: NoArguments) -> SessionInfo:
    record = call.mcp.record
    return SessionInfo(
        mcp_session_id=record.id,
        agent_id=record.agent.name,
        container_id=record.agent.box,
        created_at=iso(record.created),
        last_activity=iso(record.last_activity),
        active=True,
        duration_seconds=record.age,
    )


TOOLS = (
    Tool(
        "list_sessions",
        "List sessions",
        "The sessions of this server: agent, times, how their calls went.",
        ListSessionsArguments,
        ListSessionsResponse,
        handler(list_sessions),
        fail=fail,
        read_only=True,
        idempotent=True,
    ),
    Tool(
        "get_my_session_info",
        "My session",
        "The session of this client.",
        NoArguments,
        SessionInfo,
        handler(get_my_session_info),
        fail=fail,
        read_only=True,
        idempotent=True,
    ),
)
