"""The names that earlier servers of this kind had, for callers that still use them: the same work as the new ones."""

from __future__ import annotations

import os
from typing import Annotated

from msgspec import Meta

from codex_mcp.bridge import threads
from codex_mcp.bridge.options import ThreadOptions
from codex_mcp.errors import CallerError
from codex_mcp.protocol.choices import ApprovalPolicy
from codex_mcp.surfaces.mcp.context import CallContext
from codex_mcp.surfaces.mcp.tools.declare import Tool
from codex_mcp.surfaces.mcp.tools.lifecycle.chat import ChatArguments, ChatResponse, chat
from codex_mcp.surfaces.mcp.tools.lifecycle.forms import Answer, Arguments
from codex_mcp.surfaces.mcp.tools.lifecycle.health import AuthHealth, auth_health
from codex_mcp.surfaces.mcp.tools.lifecycle.sessions import NoArguments
from codex_mcp.surfaces.mcp.tools.lifecycle.work import fail, handler

_MODES: dict[str, ApprovalPolicy] = {"suggest": "on-request", "auto": "never", "manual": "untrusted"}

AgentId = Annotated[str | None, Meta(description="The agent that serves this connection; no other can be named here.")]
SessionId = Annotated[str | None, Meta(description="A `session_id` or `conversation_id` of an earlier answer.")]


class CodexChatArguments(Arguments, kw_only=True):
    """Arguments of `codex_chat`."""

    message: Annotated[str, Meta(min_length=1, description="What to say.")]
    session_id: SessionId = None
    agent_id: AgentId = None


class GenerateArguments(Arguments, kw_only=True):
    """Arguments of `codex_generate_code`."""

    prompt: Annotated[str, Meta(min_length=1, description="What the code is to do.")]
    language: Annotated[str, Meta(description="The language to write it in.")] = "python"
    session_id: SessionId = None
    agent_id: AgentId = None


class CreateArguments(Arguments, kw_only=True):
    """Arguments of `create_codex_session`."""

    agent_id: AgentId = None
    model: Annotated[str | None, Meta(description="Model name; the configured one if not given.")] = None
    provider: Annotated[str | None, Meta(description="Model provider; the configured one if not given.")] = None
    approval_mode: Annotated[str | None, Meta(description=f"{', '.join(_MODES)}; as configured if not given.")] = None


class EndArguments(Arguments, kw_only=True):
    """Arguments of `end_codex_session`."""

    session_id: Annotated[str, Meta(description="Of `create_codex_session`, or the id of a conversation.")]


class CreatedSession(Answer):
    """A conversation that was begun."""

    session_id: str
    agent_id: str
    model: str
    provider: str


class EndedSession(Answer):
    """A conversation that was put away."""

    session_id: str
    ended: bool


def _own_agent(call: CallContext, agent_id: str | None) -> None:
    """`default_agent` is what callers that know of no agents say."""
    own = call.mcp.record.agent.name
    if agent_id not in (None, own, "default_agent"):
        raise CallerError(f"this connection is served by the agent {own!r}, not {agent_id!r}", code="not_found")


async def codex_chat(call: CallContext, arguments: CodexChatArguments) -> ChatResponse:
    """As `chat`."""
    _own_agent(call, arguments.agent_id)
    return await chat(call, ChatArguments(message=arguments.message, conversation_id=arguments.session_id))


async def codex_generate_code(call: CallContext, arguments: GenerateArguments) -> ChatResponse:
    """As `chat`, asked for code."""
    _own_agent(call, arguments.agent_id)
    message = f"Write {arguments.language} code for this, and answer with the code alone: {arguments.prompt}"
    return await chat(call, ChatArguments(message=message, conversation_id=arguments.session_id))


async def create_codex_session(call: CallContext, arguments: CreateArguments) -> CreatedSession:
    """A thread without a turn."""
    _own_agent(call, arguments.agent_id)
    mode = arguments.approval_mode
    if mode is not None and mode not in _MODES:
        raise CallerError(f"`approval_mode` is one of {', '.join(_MODES)}", code="invalid_arguments")
    options = ThreadOptions(
        model=arguments.model,
        model_provider=arguments.provider,
        approval_policy=None if mode is None else _MODES[mode],
        cwd=os.curdir,
    )
    conversation = await call.conversations.start(
        options, call.connection.delivery, call.mcp.turns.open_thread, raw_items=False
    )
    return CreatedSession(
        session_id=conversation.id,
        agent_id=call.mcp.record.agent.name,
        model=conversation.model,
        provider=conversation.model_provider,
    )


async def end_codex_session(call: CallContext, arguments: EndArguments) -> EndedSession:
    """As `codex-archive`."""
    id = threads.check_id(arguments.session_id)
    if call.conversations.find(id) is None:
        await threads.read_thread(call.engine, id, turns=False)  # an id that nobody knows is an error
    await call.conversations.archive(id)
    return EndedSession(session_id=id, ended=True)


async def get_auth_status(call: CallContext, _arguments: NoArguments) -> AuthHealth:
    """How Codex is signed in; never a token."""
    return await auth_health(call)


TOOLS = (
    Tool(
        "codex_chat",
        "Chat (older name)",
        "As `chat`.",
        CodexChatArguments,
        ChatResponse,
        handler(codex_chat),
        fail=fail,
        read_only=True,
        open_world=True,
    ),
    Tool(
        "codex_generate_code",
        "Generate code (older name)",
        "As `chat`, asked for code. Changes nothing.",
        GenerateArguments,
        ChatResponse,
        handler(codex_generate_code),
        fail=fail,
        read_only=True,
        open_world=True,
    ),
    Tool(
        "create_codex_session",
        "Begin a conversation (older name)",
        "Begin a conversation without saying anything.",
        CreateArguments,
        CreatedSession,
        handler(create_codex_session),
        fail=fail,
    ),
    Tool(
        "end_codex_session",
        "End a conversation (older name)",
        "As `codex-archive`.",
        EndArguments,
        EndedSession,
        handler(end_codex_session),
        fail=fail,
        destructive=True,
    ),
    Tool(
        "get_auth_status",
        "How Codex is signed in (older name)",
        "How Codex is signed in; `health_check` says more.",
        NoArguments,
        AuthHealth,
        handler(get_auth_status),
        fail=fail,
        read_only=True,
        idempotent=True,
    ),
)
