"""The tools that have Codex work while their caller waits: `codex` and `codex-reply`."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import anyio
from msgspec import UNSET

from codex_mcp.errors import CallerError, CodexMcpError
from codex_mcp.protocol import tools as t
from codex_mcp.surfaces.mcp import message, structured
from codex_mcp.surfaces.mcp.call import ToolCall
from codex_mcp.surfaces.mcp.results import failure, failure_of, turn_result
from codex_mcp.surfaces.mcp.work import Work
from codex_mcp.wire.messages import JsonObject


async def codex(call: ToolCall, arguments: t.CodexArguments) -> JsonObject:
    """Begin a thread, run a turn in it, answer with its end."""
    with call.signs_of_life() as progress:
        work = Work(call.surface, progress, call.id)
        return await result_of(work, work.begin(arguments), arguments, call.notes)


async def reply(call: ToolCall, arguments: t.ReplyArguments) -> JsonObject:
    """Run a turn in a thread that exists, after those that are already waiting for it."""
    id = arguments.thread_id or arguments.conversation_id
    if id is None:
        raise CallerError(
            "Failed to parse thread_id: either threadId or conversationId must be provided", code="invalid_arguments"
        )
    with call.signs_of_life() as progress:
        work = Work(call.surface, progress, call.id, thread_id=id)
        return await result_of(work, work.go_on(arguments), arguments, call.notes)


async def result_of(work: Work, running: Awaitable[None], arguments: t.TurnArguments, notes: list[str]) -> JsonObject:
    """Wait for the end of the turn, no longer than its time limit; what came of it as a tool's result."""
    try:
        with anyio.move_on_after(arguments.timeout_seconds) as limit:
            await running
    except CodexMcpError as error:
        return failure_of(error, work.thread_id)
    turn, failed = work.turn, None
    output: Any = UNSET
    if limit.cancelled_caught:
        failed = ("timeout", f"The time limit of {arguments.timeout_seconds:g} seconds is over: the turn was stopped.")
    if turn is None:
        assert failed is not None
        return failure(*failed, work.thread_id)
    if failed is None and turn.status == "completed" and arguments.output_schema is not None:
        try:
            output = structured.parse_answer(turn.message, arguments.output_schema)
        except CodexMcpError as error:
            failed = (error.code, error.message)
    return turn_result(
        turn,
        show_thread_id=work.surface.shows_thread_id,
        notes=[*notes, *message.notes(arguments)],
        failed=failed,
        output=output,
    )
