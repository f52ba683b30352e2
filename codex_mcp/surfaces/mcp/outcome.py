"""What came of a tool's turn, as the result of the tool."""

from __future__ import annotations

from typing import Any

import anyio
from msgspec import UNSET

from codex_mcp.errors import CodexMcpError
from codex_mcp.protocol import tools as t
from codex_mcp.surfaces.mcp import message, structured
from codex_mcp.surfaces.mcp.results import failure, failure_of, turn_result
from codex_mcp.surfaces.mcp.turns import ToolTurn
from codex_mcp.wire.messages import JsonObject


async def result_of(
    turn: ToolTurn, arguments: t.TurnArguments, notes: list[str], *, show_thread_id: bool
) -> JsonObject:
    """Run the turn to its end, no longer than its time limit; what came of it as a tool's result."""
    failed = None
    output: Any = UNSET
    try:
        with anyio.move_on_after(arguments.timeout_seconds) as limit:
            await turn.run(arguments)
    except CodexMcpError as error:
        return failure_of(error, turn.thread_id)
    if limit.cancelled_caught:
        failed = ("timeout", f"The time limit of {arguments.timeout_seconds:g} seconds is over: the turn was stopped.")
    if not turn.begun:
        assert failed is not None
        return failure(*failed, turn.thread_id)
    await turn.look_for_servers()
    if failed is None and turn.status == "completed" and arguments.output_schema is not None:
        try:
            output = await structured.parse_answer(turn.report.message, arguments.output_schema)
        except CodexMcpError as error:
            failed = (error.code, error.message)
    return turn_result(
        turn,
        show_thread_id=show_thread_id,
        notes=[*notes, *message.notes(arguments), *turn.notes],
        failed=failed,
        output=output,
    )
