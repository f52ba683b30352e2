"""A person decides: everything that would be done is shown before a key counts."""

from __future__ import annotations

import anyio

from codex_mcp.chat.keyboard import Keyboard
from codex_mcp.chat.screen import Screen
from codex_mcp.chat.transcript import change_text, command_line
from codex_mcp.client import ApprovalRequest
from codex_mcp.protocol.approvals import ApplyPatchApprovalParams, Decision

_DECISIONS: dict[str, Decision] = {
    "y": "approved",
    "a": "approved_for_session",
    "n": "denied",
    "s": "abort",
}
_QUESTION = "[y] yes   [a] always in this conversation   [n] no, go on without   [s] stop the turn"


class Approver:
    """Asks one question at a time."""

    def __init__(self, screen: Screen, keyboard: Keyboard) -> None:
        self._screen = screen
        self._keyboard = keyboard
        self._one_at_a_time = anyio.Lock()

    async def ask(self, request: ApprovalRequest) -> Decision:
        """Show what is wanted, and wait for a decision."""
        async with self._one_at_a_time:
            self._show(request)
            self._screen.note(_QUESTION, style="bold yellow")
            decision = _DECISIONS[await self._keyboard.choose("".join(_DECISIONS))]
            self._screen.note(
                {"approved": "yes", "approved_for_session": "always", "denied": "no"}.get(decision, "stop")
            )
            return decision

    def _show(self, request: ApprovalRequest) -> None:
        if isinstance(request, ApplyPatchApprovalParams):
            self._screen.note("Codex wants to change files:", style="bold yellow")
            for path, change in request.file_changes.items():
                self._screen.diff(path, change_text(change))
            if request.grant_root is not None:
                self._screen.note(f"It also wants to write anywhere under {request.grant_root}.", style="bold yellow")
        else:
            self._screen.note("Codex wants to run:", style="bold yellow")
            self._screen.note(f"  {command_line(request.command)}", style="bold")
            self._screen.note(f"  in {request.cwd}")
        if request.reason:
            self._screen.note(f"  because: {request.reason}")
