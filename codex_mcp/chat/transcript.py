"""What of a turn's events is shown, and how: the table at the end."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Callable, Sequence
from typing import Any

from codex_mcp.chat.screen import Screen
from codex_mcp.client.conversation import ConversationEvent
from codex_mcp.protocol import events as e

_MOST_OUTPUT = 2000  # characters of one command that are shown


class Transcript:
    """Shows the events of turns."""

    def __init__(self, screen: Screen, *, reasoning: bool) -> None:
        """`reasoning`: show all of it; otherwise its headings."""
        self._screen = screen
        self.reasoning = reasoning
        self.tokens = 0
        """Of the conversation so far."""
        self._streamed = False
        self._shown: dict[str, int] = {}

    def show(self, event: ConversationEvent) -> None:
        """The next event of the conversation."""
        shower = _SHOWERS.get(event.msg.type)
        if shower is not None:
            shower(self, event.msg)

    def replay(self, history: Sequence[Any]) -> None:
        """What was said before the conversation was resumed."""
        for msg in history:
            if msg.type == "user_message":
                self._screen.note(f"> {msg.message}", style="bold")
            elif msg.type == "agent_message":
                self._screen.answer(msg.message)
                self._screen.end_answer()

    def _delta(self, msg: e.AgentMessageDelta) -> None:
        self._streamed = True
        self._screen.answer(msg.delta)

    def _message(self, msg: e.AgentMessage) -> None:
        if not self._streamed:
            self._screen.answer(msg.message)
        self._streamed = False
        self._screen.end_answer()

    def _reasoned(self, msg: e.AgentReasoning) -> None:
        text = msg.text.strip()
        if not self.reasoning:
            text = text.partition("\n")[0].replace("**", "")
        self._screen.note(f"· {text}", style="italic dim")

    def _command_begun(self, msg: e.ExecCommandBegin) -> None:
        self._shown[msg.call_id] = 0
        self._screen.note(f"$ {command_line(msg.command)}", style="cyan")

    def _printed(self, msg: e.ExecCommandOutputDelta) -> None:
        text = base64.b64decode(msg.chunk).decode(errors="replace")
        before = self._shown.get(msg.call_id, 0)
        self._shown[msg.call_id] = before + len(text)
        if before < _MOST_OUTPUT:
            self._screen.output(text[: _MOST_OUTPUT - before])

    def _command_ended(self, msg: e.ExecCommandEnd) -> None:
        left_out = self._shown.pop(msg.call_id, 0) - _MOST_OUTPUT
        if left_out > 0:
            self._screen.note(f"  … {left_out} characters more")
        if msg.exit_code:
            self._screen.note(f"  exit code {msg.exit_code}", style="red")

    def _patched(self, msg: e.PatchApplyBegin) -> None:
        for path, change in msg.changes.items():
            self._screen.diff(path, change_text(change))

    def _patch_ended(self, msg: e.PatchApplyEnd) -> None:
        if not msg.success:
            self._screen.note(f"the patch was not applied: {msg.stderr.strip()}", style="red")

    def _planned(self, msg: e.PlanUpdate) -> None:
        self._screen.plan([(step.step, step.status) for step in msg.plan], msg.explanation)

    def _tool_begun(self, msg: e.McpToolCallBegin) -> None:
        self._screen.note(f"→ {msg.invocation.server}.{msg.invocation.tool}", style="cyan")

    def _searched(self, msg: e.WebSearchEnd) -> None:
        self._screen.note(f"→ searched the web: {msg.query}", style="cyan")

    def _problem(self, msg: Any) -> None:
        self._screen.note(msg.message, style="red" if msg.type == "error" else "yellow")

    def _notice(self, msg: e.DeprecationNotice) -> None:
        self._screen.note(msg.summary, style="yellow")

    def _aborted(self, _msg: e.TurnAborted) -> None:
        self._streamed = False
        self._screen.note("(stopped)", style="yellow")

    def _completed(self, _msg: e.TaskComplete) -> None:
        self._streamed = False
        self._screen.end_answer()

    def _counted(self, msg: e.TokenCount) -> None:
        if msg.info is not None:
            self.tokens = msg.info.total_token_usage.total_tokens


def command_line(command: list[str]) -> str:
    """A command as people write it; of a script for a shell, the script."""
    if len(command) == 3 and command[1] in ("-lc", "-c"):
        return command[2]
    return shlex.join(command)


def change_text(change: Any) -> str:
    """The diff of a v1 file change; of a file that comes or goes its content, as a diff."""
    body = next(iter(change.model_dump().values()))
    if body.get("unified_diff"):
        return str(body["unified_diff"])
    sign = "-" if "delete" in type(change).__name__.lower() else "+"
    return "".join(f"{sign}{line}\n" for line in str(body.get("content") or "").splitlines())


_SHOWERS: dict[str, Callable[[Transcript, Any], None]] = {
    "agent_message": Transcript._message,
    "agent_message_delta": Transcript._delta,
    "agent_reasoning": Transcript._reasoned,
    "background_event": Transcript._problem,
    "deprecation_notice": Transcript._notice,
    "error": Transcript._problem,
    "exec_command_begin": Transcript._command_begun,
    "exec_command_end": Transcript._command_ended,
    "exec_command_output_delta": Transcript._printed,
    "mcp_tool_call_begin": Transcript._tool_begun,
    "patch_apply_begin": Transcript._patched,
    "patch_apply_end": Transcript._patch_ended,
    "plan_update": Transcript._planned,
    "stream_error": Transcript._problem,
    "task_complete": Transcript._completed,
    "token_count": Transcript._counted,
    "turn_aborted": Transcript._aborted,
    "web_search_end": Transcript._searched,
}
