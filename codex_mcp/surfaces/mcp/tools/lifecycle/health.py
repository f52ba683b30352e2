"""`health_check`: whether Codex can work for this client, from what is really there."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Literal

import anyio

from codex_mcp import __version__
from codex_mcp.agents.variables import AgentVariables
from codex_mcp.bridge import account
from codex_mcp.errors import CodexMcpError
from codex_mcp.surfaces.mcp.context import CallContext
from codex_mcp.surfaces.mcp.tools.declare import Tool
from codex_mcp.surfaces.mcp.tools.lifecycle.forms import Answer
from codex_mcp.surfaces.mcp.tools.lifecycle.sessions import NoArguments
from codex_mcp.surfaces.mcp.tools.lifecycle.work import fail, handler

_LIMIT = 20.0


class EngineHealth(Answer):
    """`problem` says why it does not serve."""

    state: Literal["ready", "unavailable"]
    version: str | None
    problem: str | None


class AuthHealth(Answer):
    """How Codex is signed in; `method` is null without a sign-in."""

    state: Literal["signed_in", "signed_out", "not_required", "unknown"]
    method: str | None


class HealthCheckResponse(Answer):
    """`unhealthy`: no engine; `degraded`: an engine that is not signed in where it has to be. `not_honoured` are
    variables of the environment that are set and cannot be obeyed, with the reason."""

    status: Literal["healthy", "degraded", "unhealthy"]
    version: str
    uptime_seconds: float
    active_sessions: int
    timestamp: str
    engine: EngineHealth
    auth: AuthHealth
    isolation: str
    not_honoured: dict[str, str]
    problems: list[str]


async def health_check(call: CallContext, _arguments: NoArguments) -> HealthCheckResponse:
    agent = call.connection.agent
    problems: list[str] = []
    engine = EngineHealth(state="unavailable", version=None, problem=None)
    auth = AuthHealth(state="unknown", method=None)
    try:
        with anyio.fail_after(_LIMIT):
            link = await agent.engine.link()
            engine = EngineHealth(state="ready", version=link.version, problem=None)
            auth = await auth_health(call)
    except (CodexMcpError, TimeoutError) as error:
        reason = error.message if isinstance(error, CodexMcpError) else f"no answer within {_LIMIT:.0f} s"
        problems.append(reason)
        if engine.version is None:
            engine = EngineHealth(state="unavailable", version=None, problem=reason)
    variables = AgentVariables(os.environ)
    try:
        variables.overrides()
    except CodexMcpError as error:
        problems.append(error.message)
    if auth.state == "signed_out":
        problems.append("Codex is not signed in")
    status: Literal["healthy", "degraded", "unhealthy"] = "degraded" if problems else "healthy"
    return HealthCheckResponse(
        status=status if engine.state == "ready" else "unhealthy",
        version=__version__,
        uptime_seconds=agent.uptime,
        active_sessions=len(agent.sessions),
        timestamp=datetime.now(UTC).isoformat(timespec="seconds"),
        engine=engine,
        auth=auth,
        isolation=call.mcp.record.agent.isolation,
        not_honoured=variables.not_honoured(),
        problems=problems,
    )


async def auth_health(call: CallContext) -> AuthHealth:
    """How Codex is signed in."""
    status = await account.auth_status(call.engine, include_token=False, refresh_token=False)
    if status["authMethod"] is not None:
        return AuthHealth(state="signed_in", method=status["authMethod"])
    if status["requiresOpenaiAuth"] is False:
        return AuthHealth(state="not_required", method=None)
    return AuthHealth(state="signed_out", method=None)


TOOL = Tool(
    "health_check",
    "Health check",
    "Whether Codex can work: engine, sign-in, isolation, sessions.",
    NoArguments,
    HealthCheckResponse,
    handler(health_check),
    fail=fail,
    read_only=True,
    idempotent=True,
)
