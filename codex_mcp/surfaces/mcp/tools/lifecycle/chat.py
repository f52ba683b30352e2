"""`chat`: a conversation about the code, kept by the engine: its id goes on in `chat` and in `codex-reply`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from msgspec import Meta

from codex_mcp.surfaces.mcp.context import CallContext
from codex_mcp.surfaces.mcp.tools.declare import Tool
from codex_mcp.surfaces.mcp.tools.lifecycle.files import read_files
from codex_mcp.surfaces.mcp.tools.lifecycle.forms import Answer, Confidence, Part, Paths, WorkArguments
from codex_mcp.surfaces.mcp.tools.lifecycle.work import fail, handler, prompt, time_limit, work, workspace


class ChatArguments(WorkArguments, kw_only=True):
    """Arguments of `chat`."""

    message: Annotated[str, Meta(min_length=1, description="What to say.")]
    context: Annotated[str | None, Meta(description="What one has to know for it.")] = None
    previous_messages: Annotated[
        list[str] | None, Meta(description="What was said elsewhere before; not needed with `conversation_id`.")
    ] = None
    reference_files: Annotated[Paths | None, Meta(description="Files to look at.")] = None
    conversation_id: Annotated[str | None, Meta(description="Go on with this conversation.")] = None


class Reply(Part):
    """What the model answers."""

    response: str
    suggestions: list[str]
    follow_up_questions: list[str]
    confidence_score: Confidence


class ChatResponse(Answer):
    """A reply. `context_used` names what was given to the model, `timestamp` is ISO 8601 UTC."""

    response: str
    suggestions: list[str]
    follow_up_questions: list[str]
    conversation_id: str
    timestamp: str
    context_used: list[str]
    confidence_score: Confidence


async def chat(call: CallContext, arguments: ChatArguments) -> ChatResponse:
    files = read_files(arguments.reference_files, workspace(call, arguments))
    inputs = [
        ("what one has to know", arguments.context or ""),
        *((f"earlier message {number}", text) for number, text in enumerate(arguments.previous_messages or (), 1)),
        *((f"file {file.path}", file.text) for file in files),
    ]
    given = [title for title, text in inputs if text]
    message = prompt(call, "chat", *inputs) + f"\n\n{arguments.message}"
    answer, done = await work(
        call,
        arguments,
        message,
        Reply,
        thread_id=arguments.conversation_id or "",
        limit=time_limit(arguments, variable="CODEX_MESSAGE_TIMEOUT"),
    )
    return ChatResponse(
        response=answer.response,
        suggestions=answer.suggestions,
        follow_up_questions=answer.follow_up_questions,
        conversation_id=done.thread_id,
        timestamp=datetime.now(UTC).isoformat(timespec="seconds"),
        context_used=given,
        confidence_score=answer.confidence_score,
    )


TOOL = Tool(
    "chat",
    "Chat about the code",
    "Talk with Codex about the code. Go on with `conversation_id`, also after a restart. Changes nothing.",
    ChatArguments,
    ChatResponse,
    handler(chat),
    fail=fail,
    read_only=True,
    open_world=True,
)
