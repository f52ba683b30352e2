"""An agent under a policy: what its engine is asked, what it says, what its model does and who is asked about it.

`Guard` decides; here its decisions meet the engine's messages and the conversations.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import anyio

from codex_mcp.bridge.approvals import Approval, Decision, Kind, Verdict
from codex_mcp.bridge.conversation import ApprovalSeams, Conversation
from codex_mcp.bridge.events import Event
from codex_mcp.bridge.questions import Question
from codex_mcp.engine.link import EngineLink, EngineSeams
from codex_mcp.engine.locate import EngineUnfit
from codex_mcp.engine.origin import Origin
from codex_mcp.errors import EngineError
from codex_mcp.logs import about
from codex_mcp.policy.acts import patch_changes
from codex_mcp.policy.decide import Effect
from codex_mcp.policy.engine_requests import PolicyDenied
from codex_mcp.policy.guard import Answer, Guard
from codex_mcp.policy.guard import Question as Act
from codex_mcp.policy.load import PolicyError
from codex_mcp.policy.outlets import EngineOutlet
from codex_mcp.wire.errors import INVALID_REQUEST
from codex_mcp.wire.messages import ErrorResponse, JsonObject, Notification, Request, Response

if TYPE_CHECKING:
    from codex_mcp.bridge.agent import Agent
    from codex_mcp.wire.messages import Message, RequestId

log = logging.getLogger(__name__)

_NEVER = "the approval policy of this conversation is `never`"
_MODEL_ANSWERED = "a model's answer is not enough for what the policy calls high impact: a person has to decide"


class PolicyNotInForce(EngineUnfit):
    """The engine runs, but not as the policy says."""

    code = "policy_error"


class AgentPolicy:
    """The seams of an agent, and whoever asks for its guard. `agent` is set before anything is served."""

    def __init__(self, guard: Guard) -> None:
        guard.asker = self
        self.guard = guard
        self.agent: Agent
        self._outlet = EngineOutlet(guard.masker, self._late)
        self._waiting: dict[Approval, _Waiting] = {}
        self._lowered: tuple[JsonObject, ...] = ()
        self._notices: dict[RequestId, tuple[str, tuple[JsonObject, ...]]] = {}

    @property
    def engine_seams(self) -> EngineSeams:
        """What passes to and from the engine."""
        return EngineSeams(gate=self, observer=self, verify=self._verify)

    @property
    def approval_seams(self) -> ApprovalSeams:
        """Questions and verdicts."""
        return ApprovalSeams(screen=self._screen, review=self._review)

    async def _verify(self, link: EngineLink) -> None:
        try:
            await self.guard.check_engine(link.request)
        except PolicyError as error:
            raise PolicyNotInForce(error.message) from None
        except EngineError as error:
            raise PolicyNotInForce(f"whether the policy is in force cannot be found out: {error.message}") from None

    # -- the engine's messages

    def pass_on(self, origin: Origin, method: str, params: JsonObject) -> JsonObject:
        by_tool = origin.method.startswith("tools/call")
        params, notes = self.guard.pass_on(origin.client, method, params, by_tool=by_tool)
        self._lowered = tuple({"type": "background_event", "message": f"lowered by the policy: {n}"} for n in notes)
        return params

    def outgoing(self, message: Message) -> Message:
        """Follows `pass_on` at once."""
        if isinstance(message, Request):
            self.guard.sent(message.id, message.method, message.params)
            if self._lowered:
                self._notices[message.id] = str(message.params.get("threadId") or ""), self._lowered
                self._lowered = ()
        return message

    async def _show(self, thread_id: str, notices: tuple[JsonObject, ...]) -> None:
        """Tell the client what was lowered, once its conversation is there."""
        conversation = self.agent.conversations.of_thread(thread_id)
        if conversation is not None:
            conversation.show_notices(notices)

    def incoming(self, message: Message) -> Message:
        if isinstance(message, Response):
            thread, notices = self._notices.pop(message.id, ("", ()))
            if notices and isinstance(message.result, dict):
                begun = (message.result.get("thread") or {}).get("id")
                self.agent.tasks.start_soon(self._show, begun or thread, notices)
            try:
                return Response(message.id, self.guard.result(message.id, message.result))
            except PolicyDenied as denied:
                return ErrorResponse(message.id, {"code": INVALID_REQUEST, "message": denied.message})
        if not isinstance(message, Notification | Request) or not isinstance(message.params, dict):
            return message
        params = message.params
        if isinstance(message, Notification):
            self.guard.hear(message.method, params)
            if self.guard.masks_output:
                return Notification(message.method, self._outlet.notification(message.method, params))
        elif self.guard.masks_output:
            masked = self.guard.masker.tree(params)
            return Request(message.id, message.method, masked, jsonrpc=message.jsonrpc)
        return message

    def _late(self, method: str, params: JsonObject) -> None:
        """What a stream still held: shown before the end of its item, which is on its way."""
        self.agent.on_engine_notification(method, params)

    # -- questions of the engine

    def _screen(self, approval: Approval) -> Verdict | None:
        if approval in self._waiting:
            return self._waiting[approval].refusal
        guard: Guard = self.guard
        command: list[str] = approval.details.get("command") or []
        server = command[1] if approval.kind is Kind.TOOL and command[:1] == ["mcp"] else ""
        act = guard.granted(approval.call_id, server=server, thread=approval.thread_id)
        if act is not None and (server or act.escalated is False):
            return Verdict(Decision.APPROVED, "policy", "a person approved this very call at the gate")
        if guard.never_asks(approval.thread_id) or guard.never_asks(approval.conversation_id):
            if server and guard.has_full_access(approval.thread_id):
                return Verdict(Decision.APPROVED, "policy")
            return Verdict(Decision.DENIED, "policy", _NEVER)
        return None

    def _review(self, approval: Approval, verdict: Verdict) -> Verdict:
        waiting = self._waiting.pop(approval, None)
        if waiting is not None:
            if verdict.decision.is_yes and verdict.by == "codex-answer":
                verdict = Verdict(Decision.DENIED, "policy", _MODEL_ANSWERED)
                waiting.conversation.outlet.refused(approval, _MODEL_ANSWERED)
            elif verdict.decision is Decision.APPROVED_FOR_SESSION:
                verdict = Verdict(Decision.APPROVED, verdict.by)
            waiting.finish(verdict)
            return verdict
        if self._is_once(approval) and verdict.decision is Decision.APPROVED_FOR_SESSION:
            verdict = Verdict(Decision.APPROVED, verdict.by, verdict.because)
        try:
            self.guard.record_approval(
                approval.thread_id,
                approval.call_id,
                _what(approval),
                "approved" if verdict.decision.is_yes else _no(verdict),
                "policy" if verdict.by == "policy" else self.guard.approver(approval.thread_id, verdict.by),
            )
        except PolicyDenied as denied:
            return Verdict(Decision.DENIED, "policy", denied.message)
        return verdict

    def _is_once(self, approval: Approval) -> bool:
        """Whether a yes may not stand for later calls."""
        document = self.guard.document
        if not self.guard.enforcing:
            return False
        if document.approval.for_session == "never":
            return True
        command = approval.details.get("command") or []
        cwd = approval.details.get("cwd") or self.guard.around.cwd
        if approval.kind is Kind.PATCH:
            ruling = self.guard.ruling_on_files(list(approval.details["changes"]))
        elif approval.kind is Kind.TOOL and command[:1] == ["mcp"]:
            ruling = self.guard.ruling_on(f"mcp__{command[1]}__{command[2]}", None, cwd)
        else:
            ruling = self.guard.ruling_on("Bash", {"command": command}, cwd)
        return ruling.effect is not Effect.ALLOW

    # -- questions of the gate

    async def ask(self, act: Act, limit: float) -> Answer:
        conversation = self.agent.conversations.of_thread(act.call.thread)
        if conversation is None:
            return Answer("declined", "none", "the conversation is not known here: nobody can be asked")
        waiting = _Waiting(conversation)
        question = self._question(act, conversation, f"{act.ruling.rule}: {act.ruling.because}")
        approval = conversation.put(
            question, waiting, act.call.agent or None, before=lambda one: self._waiting.update({one: waiting})
        )
        with anyio.move_on_after(limit):
            await waiting.done.wait()
        self._waiting.pop(approval, None)
        if waiting.withdrawn:
            return Answer("withdrawn", "none", "the turn is over")
        if waiting.verdict is None:
            because = f"nobody answered within {limit:g} seconds"
            conversation.outlet.withdraw(approval)
            approval.answer(Verdict(Decision.DENIED, "policy", because))
            conversation.outlet.refused(approval, because)
            return Answer("timeout", "none", because)
        verdict = waiting.verdict
        if verdict.decision.is_yes:
            return Answer("approved", self.guard.approver(act.call.thread, verdict.by))
        return Answer(_no(verdict), self.guard.approver(act.call.thread, verdict.by), verdict.because)

    def tell_denied(self, act: Act, because: str) -> None:
        conversation = self.agent.conversations.of_thread(act.call.thread)
        if conversation is None:
            log.info("refused a tool call: %s", because, extra=about(act.call.thread))
            return
        refused = _Waiting(conversation, Verdict(Decision.DENIED, "policy", because))
        question = self._question(act, conversation, because)
        conversation.put(question, refused, before=lambda one: self._waiting.update({one: refused}))

    def _question(self, act: Act, conversation: Conversation, reason: str) -> Question:
        """The act as its client is asked: what will really run, where, and whether it leaves the sandbox."""
        call, number = act.call, conversation.translator.turn
        tree: Callable[[Any], Any] = self.guard.masker.tree if self.guard.masks_output else lambda value: value
        if call.agent:
            reason += f"; a sub-agent wants it ({call.agent})"
        if call.tool == "apply_patch":
            changes = tree(patch_changes(str(call.arguments.get("command", "")), act.cwd))
            details: JsonObject = {"changes": changes, "reason": reason, "grant_root": None}
            msg = {"type": "apply_patch_approval_request", "call_id": call.call, **details}
            return Question(Kind.PATCH, call.call, [Event(number, msg)], details, lambda _: None)
        if act.escalated:
            reason += "; it leaves the sandbox"
        elif act.escalated is None and call.tool == "Bash":
            reason += "; whether it leaves the sandbox is not known"
        what = tree(act.what)
        kind = Kind.COMMAND if call.tool == "Bash" else Kind.TOOL
        command = [*_SHELL, what] if kind is Kind.COMMAND else ["use", what]
        shown = {"command": command, "cwd": act.cwd, "parsed_cmd": [{"type": "unknown", "cmd": what}], "reason": reason}
        msg = {"type": "exec_approval_request", "call_id": call.call, **shown}
        return Question(kind, call.call, [Event(number, msg)], shown, lambda _: None)


_SHELL = (os.environ.get("SHELL") or "sh", "-lc")


class _Waiting:
    """A question of the gate until its verdict."""

    def __init__(self, conversation: Conversation, refusal: Verdict | None = None) -> None:
        """`refusal`: it is decided already, and only shown."""
        self.conversation = conversation
        self.refusal = refusal
        self.done = anyio.Event()
        self.verdict: Verdict | None = None
        self.withdrawn = False

    def finish(self, verdict: Verdict) -> None:
        self.verdict = verdict
        self.done.set()

    def withdraw(self) -> None:
        self.withdrawn = True
        self.done.set()


def _no(verdict: Verdict) -> Any:
    return "timeout" if verdict.because.startswith("nobody answered") else "declined"


def _what(approval: Approval) -> str:
    if approval.kind is Kind.PATCH:
        return ", ".join(approval.details["changes"])
    return " ".join(approval.details["command"])
