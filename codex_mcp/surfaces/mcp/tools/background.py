"""Long work without long calls: `codex-start` answers at once, `codex-wait` and `codex-answer` follow it up."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Awaitable

import anyio
import msgspec

from codex_mcp.bridge.approvals import Verdict
from codex_mcp.bridge.threads import check_id
from codex_mcp.errors import CallerError
from codex_mcp.logs import about
from codex_mcp.protocol import tools as t
from codex_mcp.surfaces.mcp.context import CallContext
from codex_mcp.surfaces.mcp.elicitation import DECISIONS
from codex_mcp.surfaces.mcp.outcome import result_of
from codex_mcp.surfaces.mcp.progress import Progress
from codex_mcp.surfaces.mcp.results import failure, success
from codex_mcp.surfaces.mcp.tools.declare import Tool
from codex_mcp.surfaces.mcp.turns import ToolTurn
from codex_mcp.wire.messages import JsonObject

log = logging.getLogger(__name__)

_DEFAULT_WAIT = 30.0


async def start(call: CallContext, arguments: t.StartArguments) -> JsonObject:
    """Begin a turn; answer when the engine has it, or at once if it has to wait for other turns of its thread. A call
    that is cancelled before leaves nothing running."""
    if arguments.tool is not None:
        return await _start_tool(call, arguments)
    if not arguments.prompt:
        raise CallerError("give a `prompt`, or a `tool` of the set lifecycle", code="invalid_arguments")
    thread_id = "" if arguments.thread_id is None else check_id(arguments.thread_id)
    agent = call.connection.agent
    queued = bool(thread_id) and agent.queues.is_busy(thread_id)
    turn = ToolTurn(call.mcp.turns, Progress(call.connection.client, None, None), None, thread_id)
    work = result_of(turn, arguments, call.notes, show_thread_id=call.mcp.shows_thread_id)
    agent.tasks.start_soon(_run, turn, work)
    return await _begun(call, turn, queued=queued)


async def _start_tool(call: CallContext, arguments: t.StartArguments) -> JsonObject:
    """As `start`, with a lifecycle tool in place of a prompt."""
    from codex_mcp.surfaces.mcp.tools import lifecycle

    tool = {tool.name: tool for tool in lifecycle.TOOLS}.get(arguments.tool or "")
    if tool is None or "lifecycle" not in call.mcp.options.tool_sets:
        raise CallerError(
            f"{arguments.tool!r} is no tool of the set lifecycle, or it is not offered (`--tools lifecycle`)",
            code="not_found",
        )
    try:
        decoded = msgspec.convert(arguments.arguments or {}, tool.arguments)
    except msgspec.ValidationError as error:
        raise CallerError(f"`arguments` of {tool.name}: {error}", code="invalid_arguments") from None
    turns: list[ToolTurn] = []
    news = anyio.Event()

    def take(turn: ToolTurn) -> None:
        turns[:] = [turn]
        news.set()

    result: list[JsonObject] = []
    scope = anyio.CancelScope()
    inner = CallContext(call.mcp, None, None, on_turn=take)

    async def run() -> None:
        with scope:
            try:
                result.append(await tool.run(inner, decoded))
            except Exception as error:
                log.error("a tool in the background failed", exc_info=error)
                result.append(tool.fail("internal_error", f"internal error: {type(error).__name__}"))
        if turns and result:
            turns[0].result = result[0]
            turns[0].changed()
        news.set()

    call.connection.agent.tasks.start_soon(run)
    try:
        await news.wait()
        if not turns:  # refused before anything ran
            return result[0]
        turns[0].scope = scope
        return await _begun(call, turns[0], queued=False)
    except anyio.get_cancelled_exc_class():
        scope.cancel()
        raise


async def _begun(call: CallContext, turn: ToolTurn, *, queued: bool) -> JsonObject:
    """Wait until the engine has the turn; then it is one of the background."""
    try:
        while not queued and not turn.accepted and turn.result is None:
            await turn.change()
    except anyio.get_cancelled_exc_class():
        turn.scope.cancel()
        raise
    if turn.result is not None and not turn.accepted:
        return turn.result
    thread_id = turn.thread_id
    call.mcp.turns.background.setdefault(thread_id, deque()).append(turn)
    text = f"Codex works in the thread {thread_id}. Ask for the result with codex-wait."
    status: t.TurnStatus = "queued" if queued else "running"
    return success(t.TurnResult(thread_id=thread_id, content=text, status=status, notes=call.notes or None), text)


async def _run(turn: ToolTurn, work: Awaitable[JsonObject]) -> None:
    with turn.scope:
        try:
            turn.result = await work
        except Exception as error:
            log.error("a turn in the background failed", exc_info=error, extra=about(turn.thread_id))
            turn.result = failure("internal_error", f"internal error: {type(error).__name__}", turn.thread_id)
    turn.changed()


async def wait(call: CallContext, arguments: t.WaitArguments) -> JsonObject:
    """Wait for the end of a turn in the background, or for something to decide."""
    turn = _turn(call, arguments.thread_id)
    seconds = _DEFAULT_WAIT if arguments.timeout_seconds is None else arguments.timeout_seconds
    with call.signs_of_life() as progress, turn.progress.followed_by(progress), anyio.move_on_after(seconds):
        while not turn.wants_attention:
            await turn.change()
    if turn.result is not None:
        turn.fetched = True
        return turn.result
    if not turn.begun:
        text = "The turn waits for earlier turns of its thread."
        return success(t.WaitResult(thread_id=turn.thread_id, content=text, status="queued"), text)
    pending = turn.pending_approvals()
    lines = [f"Codex is still at work: {turn.progress.activity}"]
    if pending:
        lines = ["Codex waits for a decision; give it with codex-answer."]
        lines += [f"approvalId {approval.approval_id}: {approval.kind} {approval.what}" for approval in pending]
    result = t.WaitResult(
        thread_id=turn.thread_id,
        content="\n".join(lines),
        status=turn.status,
        activity=turn.progress.activity,
        pending_approvals=pending or None,
    )
    return success(result, result.content)


async def answer(call: CallContext, arguments: t.AnswerArguments) -> JsonObject:
    """Decide a pending approval of a turn in the background."""
    turn = _turn(call, arguments.thread_id)
    decision = DECISIONS[arguments.decision]
    verdict = Verdict(decision, "codex-answer", f"codex-answer said {arguments.decision}")
    asked = {pending.approval_id: pending.what for pending in turn.pending_approvals()}
    if not turn.answer(arguments.approval_id, verdict):
        raise CallerError(
            f"approval {arguments.approval_id} is not pending in thread {arguments.thread_id}; "
            "codex-wait lists those that are",
            code="not_found",
        )
    result = t.AnswerResult(
        thread_id=turn.thread_id,
        approval_id=arguments.approval_id,
        decision=arguments.decision,
        what=asked[arguments.approval_id],
    )
    return success(result, f"Told Codex: {arguments.decision} for `{result.what}`. Go on with codex-wait.")


def _turn(call: CallContext, thread_id: str) -> ToolTurn:
    """The oldest turn whose result nobody has, else the last one. Raises CallerError if there is none."""
    turns = call.mcp.turns.background.get(check_id(thread_id))
    if not turns:
        raise CallerError(
            f"this server has begun no turn in the background in thread {thread_id}; codex-read (`--tools threads`) "
            "shows what was said in it, codex-reply goes on with it",
            code="not_found",
        )
    while len(turns) > 1 and turns[0].fetched:
        turns.popleft()
    return turns[0]


TOOLS = (
    Tool(
        "codex-start",
        "Start Codex in the background",
        "As codex, but answers at once with the threadId while Codex works. Ask for the result with codex-wait.",
        t.StartArguments,
        t.TurnResult,
        start,
        missing="the `prompt` field, or `tool`, is required",
        destructive=True,
        open_world=True,
    ),
    Tool(
        "codex-wait",
        "Wait for Codex",
        "Wait for a turn begun with codex-start: returns when it ends, when it needs an approval (pendingApprovals), "
        "or after the timeout with what it does now.",
        t.WaitArguments,
        t.WaitResult,
        wait,
        missing="the `threadId` field is required",
        read_only=True,
        idempotent=True,
    ),
    Tool(
        "codex-answer",
        "Answer a Codex approval",
        "Decide a pending approval of a turn begun with codex-start. Approve only what the user wants done.",
        t.AnswerArguments,
        t.AnswerResult,
        answer,
        missing="`threadId`, `approvalId` and `decision` are required",
        destructive=True,
        open_world=True,
    ),
)
