"""Long work without long calls: `codex-start` answers at once, `codex-wait` and `codex-answer` follow it up."""

from __future__ import annotations

import logging
from collections import deque

import anyio

from codex_mcp.bridge.threads import check_id
from codex_mcp.errors import CallerError
from codex_mcp.logs import about
from codex_mcp.protocol import tools as t
from codex_mcp.surfaces.mcp.call import ToolCall
from codex_mcp.surfaces.mcp.elicitation import DECISIONS
from codex_mcp.surfaces.mcp.progress import Progress
from codex_mcp.surfaces.mcp.results import failure, success
from codex_mcp.surfaces.mcp.turn_tools import result_of
from codex_mcp.surfaces.mcp.work import Work
from codex_mcp.wire.messages import JsonObject

log = logging.getLogger(__name__)

_DEFAULT_WAIT = 30.0


class Job:
    """A turn in the background, and its result once there is one."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.result: JsonObject | None = None
        self.fetched = False
        """Somebody has asked for the result and got it."""

    async def run(self, arguments: t.StartArguments, notes: list[str]) -> None:
        running = self.work.go_on(arguments) if self.work.thread_id else self.work.begin(arguments)
        try:
            self.result = await result_of(self.work, running, arguments, notes)
        except Exception as error:
            log.error("a turn in the background failed", exc_info=error, extra=about(self.work.thread_id))
            self.result = failure("internal_error", f"internal error: {type(error).__name__}", self.work.thread_id)
        self.work.changed()

    @property
    def wants_attention(self) -> bool:
        """It is over, or somebody has to decide something."""
        return self.result is not None or (self.work.turn is not None and bool(self.work.turn.pending))


async def start(call: ToolCall, arguments: t.StartArguments) -> JsonObject:
    """Begin a turn; answer when the engine has it, or at once if it has to wait for other turns of its thread."""
    thread_id = "" if arguments.thread_id is None else check_id(arguments.thread_id)
    status: t.TurnStatus = "queued" if call.surface.queue_is_busy(thread_id) else "running"
    job = Job(Work(call.surface, Progress(call.surface.session.peer, None), None, thread_id))
    call.conversations.tasks.start_soon(job.run, arguments, call.notes)
    while status == "running" and not job.work.accepted and job.result is None:
        await job.work.change()
    if job.result is not None and not job.work.accepted:
        return job.result
    thread_id = job.work.thread_id
    call.surface.jobs.setdefault(thread_id, deque()).append(job)
    text = f"Codex works in the thread {thread_id}. Ask for the result with codex-wait."
    return success(t.TurnResult(thread_id=thread_id, content=text, status=status, notes=call.notes or None), text)


async def wait(call: ToolCall, arguments: t.WaitArguments) -> JsonObject:
    """Wait for the end of a turn in the background, or for something to decide."""
    job = _job(call, arguments.thread_id)
    seconds = _DEFAULT_WAIT if arguments.timeout_seconds is None else arguments.timeout_seconds
    with call.signs_of_life() as progress, job.work.progress.followed_by(progress), anyio.move_on_after(seconds):
        while not job.wants_attention:
            await job.work.change()
    if job.result is not None:
        job.fetched = True
        return job.result
    turn = job.work.turn
    if turn is None:
        text = "The turn waits for earlier turns of its thread."
        return success(t.WaitResult(thread_id=job.work.thread_id, content=text, status="queued"), text)
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


async def answer(call: ToolCall, arguments: t.AnswerArguments) -> JsonObject:
    """Decide a pending approval of a turn in the background."""
    turn = _job(call, arguments.thread_id).work.turn
    decision = DECISIONS[arguments.decision]
    if turn is None or not turn.answer(arguments.approval_id, decision, f"codex-answer said {arguments.decision}"):
        raise CallerError(
            f"approval {arguments.approval_id} is not pending in thread {arguments.thread_id}; "
            "codex-wait lists those that are",
            code="not_found",
        )
    result = t.AnswerResult(thread_id=turn.thread_id, approval_id=arguments.approval_id, decision=arguments.decision)
    return success(result, f"Told Codex: {arguments.decision}. Go on with codex-wait.")


def _job(call: ToolCall, thread_id: str) -> Job:
    """The oldest turn whose result nobody has, else the last one. Raises CallerError if there is none."""
    jobs = call.surface.jobs.get(check_id(thread_id))
    if not jobs:
        raise CallerError(
            f"this server has begun no turn in the background in thread {thread_id}; codex-read (`--tools threads`) "
            "shows what was said in it, codex-reply goes on with it",
            code="not_found",
        )
    while len(jobs) > 1 and jobs[0].fetched:
        jobs.popleft()
    return jobs[0]
