"""One conversation: its turn, its open approvals, its settings, and where what happens in it goes.

The engine's messages arrive in `on_notification` and `on_request`, in order. Text sent while a turn runs joins that
turn, as the engine wants it. There is one object for a conversation for as long as it is known here: resuming it
begins it anew in the same place, so whoever waits for its turn waits for the right one.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import anyio

from codex_mcp import error_codes
from codex_mcp.bridge.approvals import Approval, Decision, Kind, Verdict, Withdrawable
from codex_mcp.bridge.events import Event, Translator
from codex_mcp.bridge.options import ThreadRequest, TurnOptions
from codex_mcp.bridge.questions import Question, question_of, refuse
from codex_mcp.bridge.turn import TurnEvent, TurnLife, TurnState
from codex_mcp.logs import about
from codex_mcp.wire.messages import JsonObject
from codex_mcp.wire.peer import IncomingCall

log = logging.getLogger(__name__)

_STEPS = {
    "task_started": TurnEvent.STARTED,
    "task_complete": TurnEvent.ENDED,
    "turn_aborted": TurnEvent.ENDED,
}


class Outlet(Protocol):
    """Where a conversation's events and questions go: the client's side. Must not block."""

    def emit(self, conversation: Conversation, events: list[Event]) -> None: ...

    def ask(self, approval: Approval) -> None:
        """Put the question; `approval.answer` with what comes back."""

    def withdraw(self, approval: Approval) -> None:
        """The question is no longer open."""

    def refused(self, approval: Approval, because: str) -> None:
        """Somebody else said no in the client's place."""

    def closed(self, conversation: Conversation) -> None:
        """The conversation was put away: nothing more comes of it."""


@dataclass(frozen=True)
class ApprovalSeams:
    """Who looks at questions and verdicts before they take effect."""

    screen: Callable[[Approval], Verdict | None] | None = None
    """A verdict in the client's place; None to ask the client."""
    review: Callable[[Approval, Verdict], Verdict] | None = None
    """The verdict that counts, in place of the one that was given."""


NO_SEAMS = ApprovalSeams()


class Conversation:
    """A conversation that a client began or resumed. `id` is the engine's thread id."""

    def __init__(self, id: str, request: ThreadRequest, outlet: Outlet, seams: ApprovalSeams = NO_SEAMS) -> None:
        self.id = id
        self.thread_id = id
        """What the engine calls it. Differs from `id` only if the engine died before the first turn: nothing of the
        thread was kept, and a new one took its place."""
        self.outlet = outlet
        """The owner: who is told what happens, and asked."""
        self.rollout_path = ""
        self.model = ""
        self.model_provider = ""
        self.reasoning_effort: str | None = None
        self.approval_policy: str | None = None
        self.generation = 0
        """The engine process that has it loaded."""
        self.life = TurnLife()
        self.offline_because: str | None = None
        """The engine waits for the network to come back: the cause it gave."""
        self.failure_code = "provider_error"
        """Of the turn that runs or ran last, if it failed: one of `error_codes`."""
        self.submitting = anyio.Lock()
        """Held while something is handed to the engine: submissions stay in the order in which they came."""
        self.closing = False
        """It is being archived: nothing more is handed in."""
        self.stop: Callable[[], None] = lambda: None
        """Has the engine stop what runs in it."""
        self.loading: anyio.CancelScope | None = None
        """The last wait for an engine that has the conversation in memory."""
        self._seams = seams
        self._approvals: list[Approval] = []
        self._notices: list[JsonObject] = []
        self._begin_with(request)

    def _begin_with(self, request: ThreadRequest) -> None:
        self.request = request
        """The settings it was begun with; it is loaded with them again after the engine was restarted."""
        self.next_turn = TurnOptions()
        """Settings that wait for the next turn to be given."""
        self.settings = TurnOptions()
        """Settings that came with messages; a restarted engine does not know them all."""
        self.translator = Translator(self.id, show_raw_reasoning=request.show_raw_reasoning)

    def begin_anew(self, request: ThreadRequest) -> None:
        """It was resumed with other settings, while nothing runs in it: its client counts from the beginning."""
        self._begin_with(request)
        self._notices.clear()

    @property
    def busy(self) -> bool:
        return self.life.busy

    @property
    def approvals(self) -> tuple[Approval, ...]:
        """The questions that are open, oldest first."""
        return tuple(self._approvals)

    async def turn_end(self) -> None:
        """Wait for the end of the turn that runs now, if one does: its last event has been sent by then."""
        if self.busy:
            await self.life.ended.wait()

    def adopt(self, outlet: Outlet) -> None:
        """From now on `outlet` is told and asked; what waits for an answer it is asked again."""
        if outlet is self.outlet:
            return
        before, self.outlet = self.outlet, outlet
        for approval in self.approvals:
            before.withdraw(approval)
            outlet.ask(approval)

    def emit(self, events: list[Event]) -> None:
        """Tell the owner, and follow what that means for the turn."""
        if not events:
            return
        self.outlet.emit(self, events)
        for event in events:
            step = _STEPS.get(event.msg["type"])
            if step is not None and event.id:
                self._step(step)

    def _step(self, step: TurnEvent) -> None:
        if step is TurnEvent.ENDED:
            self._withdraw_approvals()
            if not self.busy:  # a message without items asks the model nothing: its task is over at once
                return
        self.life.feed(step)

    def show_notices(self, notices: Iterable[JsonObject]) -> None:
        """Tell the client of settings that could not be taken as they are; the same is told once."""
        for notice in notices:
            if notice not in self._notices:
                self._notices.append(notice)
                self.emit([Event("", notice)])

    # -- submissions

    def submitted(self, turn_id: str) -> None:
        """The engine took a message; `turn_id` is the turn it begins or joins."""
        number = self.translator.next_submission()
        self.end_hold()
        if not self.busy:
            self.translator.expect_turn(turn_id, number)
        self.life.feed(TurnEvent.ACCEPTED)

    def submitted_nothing(self, options: TurnOptions) -> None:
        """A message without items: only its settings count."""
        self.next_turn = self.next_turn.updated(options)
        number = self.translator.next_submission()
        if not self.busy:
            self.emit([Event(number, {"type": "task_complete", "last_agent_message": None})])

    def stop_loading(self) -> None:
        """Give up a message that still waits for an engine; what the engine has taken is not concerned."""
        if self.loading is not None:
            self.loading.cancel()

    def end_hold(self) -> None:
        """Something new is wanted, or the wait was long enough: end a turn that is held back by its commands."""
        if self.life.state is TurnState.HOLDING:
            self.emit(self.translator.release())

    def abort(self, error: str | None = None) -> None:
        """End the turn as aborted, from our side: the engine is gone or does not end it."""
        self.failure_code = "engine_lost"
        self._end_from_outside(self.translator.abort(error))

    def fail(self, error: str) -> None:
        """End the turn as failed, from our side."""
        self.failure_code = "provider_error"
        self._end_from_outside(self.translator.fail(error))

    def _end_from_outside(self, events: list[Event]) -> None:
        self._withdraw_approvals()
        self.emit(events)
        if self.busy:
            self.life.feed(TurnEvent.ENDED)

    # -- the engine's messages

    def on_notification(self, method: str, params: JsonObject) -> None:
        """Translate, pass on, and follow the turn."""
        if method == "error":
            self.failure_code = error_codes.of_engine_info(params["error"].get("codexErrorInfo"))
        elif method == "turn/completed" and params["turn"].get("error"):
            self.failure_code = error_codes.of_engine_info(params["turn"]["error"].get("codexErrorInfo"))
        self.emit(self.translator.translate(method, params))
        if self.offline_because is not None and method.startswith(("item/", "turn/")):
            self.offline_because = None
        if method == "error" and params.get("willRetry") and "waiting for network" in params["error"]["message"]:
            self.offline_because = params["error"].get("additionalDetails") or params["error"]["message"]
        if method == "turn/started":
            self._warn_of_missing_cwd()
        elif method == "turn/completed":
            self._on_completed()

    def _warn_of_missing_cwd(self) -> None:
        """A working directory that does not exist is accepted; then the turn says why its commands fail."""
        cwd = self.translator.cwd
        if not os.path.isdir(cwd):
            message = f"The working directory {cwd} does not exist: commands of this turn cannot run."
            self.emit([Event(self.translator.turn, {"type": "background_event", "message": message})])

    def _on_completed(self) -> None:
        self._log_dropped()
        if self.translator.holding and self.life.state is not TurnState.HOLDING:
            self._withdraw_approvals()
            self.life.feed(TurnEvent.OUTLIVED)

    def _log_dropped(self) -> None:
        dropped = self.translator.dropped
        if dropped:
            counts = ", ".join(f"{name}: {count}" for name, count in sorted(dropped.items()))
            log.debug("dropped since the last turn: %s", counts, extra=about(self.id))
            dropped.clear()

    def on_request(self, call: IncomingCall, thread_id: str | None = None) -> None:
        """A question of the engine. What cannot be asked is refused at once. `thread_id`: of the sub-agent that
        asks, if it is one's."""
        question = question_of(self.translator, call, of_sub_agent=thread_id is not None)
        if question is None:
            refuse(call)
            return
        self.put(question, call, thread_id)

    def put(
        self,
        question: Question,
        call: Withdrawable,
        thread_id: str | None = None,
        before: Callable[[Approval], None] = lambda _: None,
    ) -> Approval:
        """Have a question decided. `call` is told if nobody needs the answer any more; `thread_id` as above; `before`
        gets the approval before anybody sees it."""

        def reply(decision: Decision) -> None:
            question.reply(decision)
            if decision is Decision.ABORT and question.kind is Kind.TOOL:  # for the engine that is a no, and no more
                self.stop()

        approval = Approval(
            question.kind,
            self.id,
            thread_id or self.id,
            call,
            question.call_id,
            question.details,
            reply,
            self._take_verdict,
        )
        before(approval)
        self._approvals.append(approval)
        self.emit(question.events)
        if question.unasked is not None:
            verdict: Verdict | None = Verdict(Decision.DENIED, "server", question.unasked)
        else:
            verdict = None if self._seams.screen is None else self._seams.screen(approval)
        if verdict is None:
            self.outlet.ask(approval)
        else:
            approval.answer(verdict)
            if not verdict.decision.is_yes:
                self.outlet.refused(approval, verdict.because)
        return approval

    # -- approvals

    def decide(self, approval_id: str, verdict: Verdict) -> bool:
        """Answer an open question in its owner's place, who need not answer any more; False if there is none of that
        id."""
        approval = next((approval for approval in self._approvals if approval.id == approval_id), None)
        if approval is None:
            return False
        if not verdict.decision.is_yes:
            self.outlet.refused(approval, verdict.because)
        approval.answer(verdict)
        self.outlet.withdraw(approval)
        return True

    def _take_verdict(self, approval: Approval, verdict: Verdict) -> Verdict | None:
        """The verdict that counts, None if the question is not open any more. Shows what follows from it."""
        if approval not in self._approvals:
            return None
        self._approvals.remove(approval)
        if self._seams.review is not None:
            verdict = self._seams.review(approval, verdict)
        self.translator.next_submission()
        if approval.kind is Kind.PATCH and verdict.decision.is_yes:
            self.emit(self.translator.patch_approved(approval.call_id))
        elif approval.kind is Kind.TOOL:
            self.emit(self.translator.tool_decided(approval.call_id, verdict.decision.is_yes))
        return verdict

    def _withdraw_approvals(self) -> None:
        open_approvals, self._approvals = self._approvals, []
        for approval in open_approvals:
            approval.withdraw()
            self.outlet.withdraw(approval)
