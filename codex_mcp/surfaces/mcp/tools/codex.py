"""The tools that have Codex work while their caller waits: `codex` and `codex-reply`."""

from __future__ import annotations

from codex_mcp.errors import CallerError
from codex_mcp.protocol import tools as t
from codex_mcp.surfaces.mcp.context import CallContext
from codex_mcp.surfaces.mcp.outcome import result_of
from codex_mcp.surfaces.mcp.tools.declare import Tool
from codex_mcp.surfaces.mcp.turns import ToolTurn
from codex_mcp.wire.messages import JsonObject


async def codex(call: CallContext, arguments: t.CodexArguments) -> JsonObject:
    """Begin a thread, run a turn in it, answer with its end."""
    with call.signs_of_life() as progress:
        turn = ToolTurn(call.mcp.turns, progress, call.id)
        return await result_of(turn, arguments, call.notes, show_thread_id=call.mcp.shows_thread_id)


async def reply(call: CallContext, arguments: t.ReplyArguments) -> JsonObject:
    """Run a turn in a thread that exists, after those that are already waiting for it."""
    id = arguments.thread_id or arguments.conversation_id
    if not id:
        raise CallerError(
            "Failed to parse thread_id: either threadId or conversationId must be provided", code="invalid_arguments"
        )
    with call.signs_of_life() as progress:
        turn = ToolTurn(call.mcp.turns, progress, call.id, thread_id=id)
        return await result_of(turn, arguments, call.notes, show_thread_id=call.mcp.shows_thread_id)


TOOLS = (
    Tool(
        "codex",
        "Codex",
        "Have Codex, an autonomous coding agent, do a task in a working directory: it reads and edits files and runs "
        "commands within the sandbox, and answers when it is done. Begins a new thread; go on with it by codex-reply "
        "and the threadId of the result. Say everything it needs to know in the prompt: it sees nothing of this "
        "conversation.",
        t.CodexArguments,
        t.TurnResult,
        codex,
        missing="the `prompt` field is required",
        destructive=True,
        open_world=True,
    ),
    Tool(
        "codex-reply",
        "Codex Reply",
        "Continue a Codex thread, which remembers what was said and done, also after a restart. Give its threadId.",
        t.ReplyArguments,
        t.TurnResult,
        reply,
        missing="the `thread_id` and `prompt` fields are required",
        destructive=True,
        open_world=True,
    ),
)
