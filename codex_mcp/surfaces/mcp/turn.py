"""One turn that a tool began: what its events told, which approvals it wants, and the result that comes of it."""

from __future__ import annotations

from collections.abc import Callable

import anyio

from codex_mcp.bridge.approvals import Approval, Decision
from codex_mcp.bridge.events import Event
from codex_mcp.protocol.tools import DeniedApproval, FileChanged, PendingApproval, TokenUsage, TurnStatus
from codex_mcp.surfaces.mcp import elicitation
from codex_mcp.surfaces.mcp.elicitation import Elicitations
from codex_mcp.surfaces.mcp.progress import Progress, describe
from codex_mcp.surfaces.mcp.wording import change_kind, outline
from codex_mcp.wire.messages import JsonObject, RequestId

_MAX_DIFF = 4000


class ToolTurn:
    """Fed with the events of its conversation; asks for approvals, or keeps them for `codex-answer`."""

    def __init__(
        self,
        thread_id: str,
        progress: Progress,
        elicitations: Elicitations,
        call_id: RequestId | None,
        on_change: Callable[[], None],
    ) -> None:
        """`call_id`: the tools/call that waits for the turn; None if none does. `on_change` is called when the turn
        ends or an approval is wanted."""
        self.thread_id = thread_id
        self.call_id = call_id
        self.message = ""
        """The last message of the agent."""
        self.error: str | None = None
        self.aborted = False
        self.over = False
        self.pending: dict[str, tuple[Approval, anyio.CancelScope]] = {}
        """Approvals that wait for `codex-answer`, each with its time limit."""
        self.denied: list[DeniedApproval] = []
        self.usage = TokenUsage()
        self._files: dict[str, FileChanged] = {}
        self._patches: dict[str, JsonObject] = {}
        self.progress = progress
        self._elicitations = elicitations
        self._on_change = on_change
        self._number = ""
        self._approval_ids = 0

    @property
    def meta(self) -> JsonObject:
        """`_meta` of the turn's events, as the released server had it."""
        of_call = {} if self.call_id is None else {"requestId": self.call_id}
        return {**of_call, "threadId": self.thread_id}

    @property
    def status(self) -> TurnStatus:
        if not self.over:
            return "waiting-for-approval" if self.pending else "running"
        if self.aborted:
            return "interrupted"
        return "completed" if self.error is None else "failed"

    @property
    def files(self) -> list[FileChanged]:
        return list(self._files.values())

    def end(self) -> None:
        """The turn is over, whether or not an event said so."""
        self.over = True
        self._on_change()

    def on_events(self, events: list[Event]) -> None:
        for event in events:
            self._number = event.id
            collect = _COLLECTORS.get(event.msg["type"])
            if collect is not None:
                collect(self, event.msg)
            activity = describe(event.msg)
            if activity is not None:
                self.progress.show(activity)

    # -- approvals

    def ask(self, approval: Approval) -> None:
        self.progress.show(f"Waiting for approval: {elicitation.what(approval)[:200]}")
        if self.call_id is not None:
            self._elicitations.ask(approval, self.call_id, self._number, self.on_denied)
            return
        self._approval_ids += 1
        id = str(self._approval_ids)
        limit = self._elicitations.limit(lambda because: self.answer(id, Decision.DENIED, because))
        self.pending[id] = approval, limit
        self._on_change()

    def withdraw(self, approval: Approval) -> None:
        self._elicitations.withdraw(approval)
        for id, (other, limit) in list(self.pending.items()):
            if other is approval:
                del self.pending[id]
                limit.cancel()

    def answer(self, approval_id: str, decision: Decision, because: str) -> bool:
        """Decide a pending approval; False if there is none of that id."""
        if approval_id not in self.pending:
            return False
        approval, limit = self.pending.pop(approval_id)
        limit.cancel()
        if not decision.is_yes:
            self.on_denied(approval, because)
        approval.answer(decision)
        return True

    def on_denied(self, approval: Approval, because: str) -> None:
        what = elicitation.what(approval)
        self.denied.append(DeniedApproval(kind=approval.kind.value, what=what, because=because))

    def pending_approvals(self) -> list[PendingApproval]:
        return [
            PendingApproval(
                approval_id=id,
                kind=approval.kind.value,
                what=elicitation.what(approval),
                cwd=approval.details.get("cwd"),
                reason=approval.details["reason"],
                diff="\n".join(outline(approval.details["changes"], _MAX_DIFF)[1]).strip()
                if "changes" in approval.details
                else None,
            )
            for id, (approval, _) in self.pending.items()
        ]

    # -- what single events tell

    def _completed(self, msg: JsonObject) -> None:
        self.message = msg["last_agent_message"] or ""
        self.end()

    def _aborted(self, _msg: JsonObject) -> None:
        self.aborted = True
        self.end()

    def _failed(self, msg: JsonObject) -> None:
        if self._number:  # otherwise it is about the session: an MCP server that does not start, say
            self.error = msg["message"]

    def _said(self, msg: JsonObject) -> None:
        self.message = msg["message"]

    def _used(self, msg: JsonObject) -> None:
        if msg["info"] is None:
            return
        for name, count in msg["info"]["last_token_usage"].items():
            setattr(self.usage, name, getattr(self.usage, name) + count)

    def _patch_begun(self, msg: JsonObject) -> None:
        self._patches[msg["call_id"]] = msg["changes"]

    def _patch_ended(self, msg: JsonObject) -> None:
        changes = self._patches.pop(msg["call_id"], {})
        if not msg["success"]:
            return
        for path, change in changes.items():
            kind = change_kind(change)
            if path in self._files and self._files[path].kind == "add" and kind == "update":
                kind = "add"
            moved = change.get("update", {}).get("move_path")
            if moved:
                self._files[path] = FileChanged(path=path, kind="delete")
                path, kind = moved, "add"
            self._files[path] = FileChanged(path=path, kind=kind)


_COLLECTORS: dict[str, Callable[[ToolTurn, JsonObject], None]] = {
    "agent_message": ToolTurn._said,
    "error": ToolTurn._failed,
    "patch_apply_begin": ToolTurn._patch_begun,
    "patch_apply_end": ToolTurn._patch_ended,
    "task_complete": ToolTurn._completed,
    "token_count": ToolTurn._used,
    "turn_aborted": ToolTurn._aborted,
}
