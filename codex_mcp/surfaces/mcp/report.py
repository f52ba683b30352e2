"""What the events of a tool's turn tell: the answer, what went wrong, which files changed, what it cost."""

from __future__ import annotations

from collections.abc import Callable

from codex_mcp.bridge.events import Event
from codex_mcp.protocol.tools import DeniedApproval, FileChanged, TurnUsage
from codex_mcp.surfaces.mcp.wording import change_kind
from codex_mcp.wire.messages import JsonObject

# How the engine says that the disk is full, and why it did not make a call.
_UNSAVED = "Failed to save the conversation"
_UNASKED = "requires approval, but approval policy is never"


class TurnReport:
    """Fed with the events of a conversation, from the beginning of a turn to its end."""

    def __init__(self) -> None:
        self.message = ""
        """The last message of the agent."""
        self.error: str | None = None
        self.aborted = False
        self.over = False
        """Its last event has come; what comes after it belongs to another turn."""
        self.number = ""
        """The v1 number of the last event."""
        self.usage = TurnUsage()
        self.refused: list[DeniedApproval] = []
        """What the engine refused by itself, since nobody may be asked."""
        self.unsaved: str | None = None
        """Why the engine cannot keep what is said, in its words."""
        self._files: dict[str, FileChanged] = {}
        self._patches: dict[str, JsonObject] = {}

    @property
    def files(self) -> list[FileChanged]:
        return list(self._files.values())

    def add(self, event: Event) -> None:
        """The next event; ignored if the turn is over."""
        if self.over:
            return
        self.number = event.id
        collect = _COLLECTORS.get(event.msg["type"])
        if collect is not None:
            collect(self, event.msg)

    def _completed(self, msg: JsonObject) -> None:
        self.message = msg["last_agent_message"] or ""
        self.over = True

    def _aborted(self, _msg: JsonObject) -> None:
        self.aborted = True
        self.over = True

    def _failed(self, msg: JsonObject) -> None:
        if self.number:  # otherwise it is about the session: an MCP server that does not start, say
            self.error = msg["message"]

    def _said(self, msg: JsonObject) -> None:
        self.message = msg["message"]

    def _used(self, msg: JsonObject) -> None:
        if msg["info"] is None:
            return
        for name, count in msg["info"]["last_token_usage"].items():
            setattr(self.usage, name, getattr(self.usage, name) + count)

    def _tool_ended(self, msg: JsonObject) -> None:
        if _UNASKED in msg["result"].get("Err", ""):
            call = msg["invocation"]
            because = "the tool wants approval, and under `approval-policy: never` nobody is asked"
            self.refused.append(DeniedApproval("tool", f"mcp {call['server']} {call['tool']}", because))

    def _noticed(self, msg: JsonObject) -> None:
        if msg["message"].startswith(_UNSAVED):
            self.unsaved = msg["message"]

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


_COLLECTORS: dict[str, Callable[[TurnReport, JsonObject], None]] = {
    "agent_message": TurnReport._said,
    "background_event": TurnReport._noticed,
    "error": TurnReport._failed,
    "mcp_tool_call_end": TurnReport._tool_ended,
    "patch_apply_begin": TurnReport._patch_begun,
    "patch_apply_end": TurnReport._patch_ended,
    "task_complete": TurnReport._completed,
    "token_count": TurnReport._used,
    "turn_aborted": TurnReport._aborted,
}
