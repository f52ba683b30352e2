"""One conversation: its place in the life of a turn, its pending approvals, and who waits for what.

    IDLE --submitted--> STARTING --turn/started--> RUNNING --turn/completed--> IDLE
                                                     |                          ^
                                                     +--command still runs--> HOLDING

Everything that changes the state goes through `_move`; the engine's messages arrive in `on_notification` and
`on_request`, in order. Text sent while a turn runs joins that turn, as the engine wants it.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any, Protocol

import anyio

from codex_mcp.bridge import approvals
from codex_mcp.bridge.approvals import Approval, Decision, Kind
from codex_mcp.bridge.events import Event, Translator
from codex_mcp.bridge.options import ThreadRequest, TurnOptions
from codex_mcp.logs import about
from codex_mcp.wire.messages import JsonObject
from codex_mcp.wire.peer import IncomingCall

log = logging.getLogger(__name__)


class Turn(Enum):
    """Where a conversation is in the life of a turn."""

    IDLE = "idle"
    STARTING = "starting"
    RUNNING = "running"
    HOLDING = "holding"


_TRANSITIONS = {
    Turn.IDLE: {Turn.STARTING, Turn.RUNNING},
    Turn.STARTING: {Turn.RUNNING, Turn.IDLE},
    Turn.RUNNING: {Turn.RUNNING, Turn.HOLDING, Turn.IDLE},
    Turn.HOLDING: {Turn.STARTING, Turn.RUNNING, Turn.IDLE},
}


class Outlet(Protocol):
    """Where a conversation's events and questions go: the client's side. Must not block."""

    def emit(self, conversation: Conversation, events: list[Event]) -> None: ...

    def ask(self, approval: Approval) -> None:
        """Put the question; `approval.answer` with what comes back."""

    def withdraw(self, approval: Approval) -> None:
        """The question is no longer open."""

    def on_account_notification(self, method: str, params: JsonObject) -> None:
        """`account/updated` or `account/login/completed`: nothing of a conversation, but the client is told, too."""


class Conversation:
    """A conversation that the client began or resumed. `id` is the engine's thread id."""

    def __init__(self, id: str, request: ThreadRequest, outlet: Outlet) -> None:
        self.id = id
        self.thread_id = id
        """What the engine calls it. Differs from `id` only if the engine died before the first turn: nothing of the
        thread was kept, and a new one took its place."""
        self.request = request
        """The settings it was begun with; it is loaded with them again after the engine was restarted."""
        self.rollout_path = ""
        self.model = ""
        self.model_provider = ""
        self.reasoning_effort: str | None = None
        self.approval_policy: str | None = None
        self.next_turn = TurnOptions()
        """Settings that wait for the next turn to be given."""
        self.settings = TurnOptions()
        """Settings that came with messages; a restarted engine does not know them all."""
        self.generation = 0
        """The engine process that has it loaded."""
        self.turn = Turn.IDLE
        self.offline_because: str | None = None
        """The engine waits for the network to come back: the cause it gave."""
        self.translator = Translator(id, show_raw_reasoning=request.show_raw_reasoning)
        self.submitting = anyio.Lock()
        """Held while something is handed to the engine: submissions stay in the order in which they came."""
        self.loading: anyio.CancelScope | None = None
        """The last wait for an engine that has the conversation in memory."""
        self._outlet = outlet
        self._approvals: list[Approval] = []
        self._notices: list[JsonObject] = []
        self.ended = anyio.Event()
        """Set when the turn that runs now, or is begun next, ends; each turn has its own."""

    @property
    def busy(self) -> bool:
        return self.turn is not Turn.IDLE

    async def turn_end(self) -> None:
        """Wait for the end of the turn that runs now, if one does: its last event has been sent by then."""
        if self.busy:
            await self.ended.wait()

    def emit(self, events: list[Event]) -> None:
        if events:
            self._outlet.emit(self, events)

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
        if self.turn is Turn.IDLE:
            self.translator.expect_turn(turn_id, number)
            self._move(Turn.STARTING)

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
        if self.turn is Turn.HOLDING:
            self.emit(self.translator.release())
            self._move(Turn.IDLE)

    def abort(self, error: str | None = None) -> None:
        """End the turn as aborted, from our side: the engine is gone or does not end it."""
        self._end_from_outside(self.translator.abort(error))

    def fail(self, error: str) -> None:
        """End the turn as failed, from our side."""
        self._end_from_outside(self.translator.fail(error))

    def _end_from_outside(self, events: list[Event]) -> None:
        self._withdraw_approvals()
        self.emit(events)
        if self.busy:
            self._move(Turn.IDLE)

    # -- the engine's messages

    def on_notification(self, method: str, params: JsonObject) -> None:
        """Translate, pass on, and follow the turn."""
        events = self.translator.translate(method, params)
        if events:
            self._outlet.emit(self, events)
        if self.offline_because is not None and method.startswith(("item/", "turn/")):
            self.offline_because = None
        if method == "error" and params.get("willRetry") and "waiting for network" in params["error"]["message"]:
            self.offline_because = params["error"].get("additionalDetails") or params["error"]["message"]
        if method == "turn/started":
            self._move(Turn.RUNNING)
            self._warn_of_missing_cwd()
        elif method == "turn/completed" or (self.turn is Turn.HOLDING and not self.translator.holding):
            self._follow_end()

    def _warn_of_missing_cwd(self) -> None:
        """A working directory that does not exist is accepted; then the turn says why its commands fail."""
        cwd = self.translator.cwd
        if not os.path.isdir(cwd):
            message = f"The working directory {cwd} does not exist: commands of this turn cannot run."
            self.emit([Event(self.translator.turn, {"type": "background_event", "message": message})])

    def _follow_end(self) -> None:
        self._withdraw_approvals()
        self._log_dropped()
        if self.translator.holding:
            if self.turn is not Turn.HOLDING:
                self._move(Turn.HOLDING)
        elif self.busy and not self.translator.turn:
            self._move(Turn.IDLE)

    def _log_dropped(self) -> None:
        dropped = self.translator.dropped
        if dropped:
            counts = ", ".join(f"{name}: {count}" for name, count in sorted(dropped.items()))
            log.debug("dropped since the last turn: %s", counts, extra=about(self.id))
            dropped.clear()

    def on_request(self, call: IncomingCall) -> None:
        """A question of the engine. What cannot be asked is refused at once."""
        question = REQUESTS.get(call.method)
        if question is None:
            self._refuse(call)
        else:
            question(self, call)

    def _refuse(self, call: IncomingCall) -> None:
        log.info("refused a request of the engine", extra=about(self.id, method=call.method))
        approvals.refuse(call)

    # -- approvals

    def _ask_command(self, call: IncomingCall) -> None:
        events, details = self.translator.exec_approval(call.params)
        self._ask(Kind.COMMAND, call, call.params["itemId"], events, details, approvals.command_reply(call))

    def _ask_patch(self, call: IncomingCall) -> None:
        events, details = self.translator.patch_approval(call.params)
        self._ask(Kind.PATCH, call, call.params["itemId"], events, details, approvals.command_reply(call))

    def _ask_tool(self, call: IncomingCall) -> None:
        params = call.params
        if (params.get("_meta") or {}).get("codex_approval_kind") != "mcp_tool_call":  # a form to fill in
            self._refuse(call)
            return
        command = ["mcp", params["serverName"], *_tool_call(params)]
        call_id = f"approval-{call.id}"
        events, details = self.translator.tool_approval(call_id, command, params.get("message", ""))
        self._ask(Kind.TOOL, call, call_id, events, details, approvals.tool_reply(call))

    def _ask_permissions(self, call: IncomingCall) -> None:
        wanted = call.params["permissions"]
        call_id = f"approval-{call.id}"
        command = ["grant-permissions", _as_text(wanted)]
        events, details = self.translator.tool_approval(call_id, command, call.params.get("reason") or "")
        self._ask(Kind.TOOL, call, call_id, events, details, approvals.permissions_reply(call, wanted))

    def _ask(
        self,
        kind: Kind,
        call: IncomingCall,
        call_id: str,
        events: list[Event],
        details: JsonObject,
        reply: Callable[[Decision], None],
    ) -> None:
        approval = Approval(kind, self, call, call_id, details, reply)
        self._approvals.append(approval)
        self.emit(events)
        self._outlet.ask(approval)

    def close_approval(self, approval: Approval) -> bool:
        """Take the question off the list; False if it is not open any more."""
        if approval not in self._approvals:
            return False
        self._approvals.remove(approval)
        return True

    def approval_decided(self, approval: Approval, decision: Decision) -> None:
        """The engine was told; show what follows from it."""
        self.translator.next_submission()
        if approval.kind is Kind.PATCH and decision.is_yes:
            self.emit(self.translator.patch_approved(approval.call_id))
        elif approval.kind is Kind.TOOL:
            self.emit(self.translator.tool_decided(approval.call_id, decision.is_yes))

    def _withdraw_approvals(self) -> None:
        open_approvals, self._approvals = self._approvals, []
        for approval in open_approvals:
            approval.withdraw()
            self._outlet.withdraw(approval)

    def _move(self, to: Turn) -> None:
        if to not in _TRANSITIONS[self.turn]:
            log.error("unexpected turn state", extra=about(self.id, at=self.turn.value, to=to.value))
        self.turn = to
        if to is Turn.IDLE:
            ended, self.ended = self.ended, anyio.Event()
            ended.set()


def _tool_call(params: JsonObject) -> list[str]:
    """Name and arguments of the tool that wants to be called; the engine names it in its message only."""
    name = re.search(r'tool "([^"]+)"', params.get("message", ""))
    return [name[1] if name else "tool", _as_text((params.get("_meta") or {}).get("tool_params"))]


def _as_text(value: Any) -> str:
    """A value as a person reads it in a question."""
    return json.dumps(value, ensure_ascii=False)


# What the engine asks, and who puts the question to the client.
REQUESTS: dict[str, Callable[[Conversation, IncomingCall], None]] = {
    "item/commandExecution/requestApproval": Conversation._ask_command,
    "item/fileChange/requestApproval": Conversation._ask_patch,
    "item/permissions/requestApproval": Conversation._ask_permissions,
    "mcpServer/elicitation/request": Conversation._ask_tool,
}

# What the engine could ask and gets an error for.
REFUSED_REQUESTS = frozenset(
    {
        "account/chatgptAuthTokens/refresh",  # for clients that sign in by themselves
        "applyPatchApproval",  # the engine's own v1, which it no longer sends
        "attestation/generate",  # only asked of clients that offer it
        "currentTime/read",  # the same
        "execCommandApproval",  # as applyPatchApproval
        "item/tool/call",  # tools of a v2 client; nobody offers any
        "item/tool/requestUserInput",  # a question with choices: v1 has no such thing
    }
)
