"""Approvals: every question of the engine becomes one `Approval`, which is answered once or withdrawn.

Fail closed: whatever is not a clear yes is a no. Nothing here waits; whoever asks the client calls `answer` with
what came back, and the conversation withdraws a question whose turn is over.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Any

from codex_mcp.wire.errors import METHOD_NOT_FOUND, RpcError
from codex_mcp.wire.messages import JsonObject
from codex_mcp.wire.peer import IncomingCall

if TYPE_CHECKING:
    from codex_mcp.bridge.conversation import Conversation


class Decision(Enum):
    """What the client says."""

    APPROVED = "approved"
    APPROVED_FOR_SESSION = "approved_for_session"
    DENIED = "denied"
    ABORT = "abort"

    @property
    def is_yes(self) -> bool:
        return self in (Decision.APPROVED, Decision.APPROVED_FOR_SESSION)


class Kind(Enum):
    """What is asked for."""

    COMMAND = "command"
    PATCH = "patch"
    TOOL = "tool"
    """A call of an MCP server's tool, or further permissions: spelled out as a command for v1."""


_ENGINE_DECISIONS = {
    Decision.APPROVED: "accept",
    Decision.APPROVED_FOR_SESSION: "acceptForSession",
    Decision.DENIED: "decline",
    Decision.ABORT: "cancel",
}


class Approval:
    """A question of the engine that waits for the client."""

    def __init__(
        self,
        kind: Kind,
        conversation: Conversation,
        call: IncomingCall,
        call_id: str,
        details: JsonObject,
        reply: Callable[[Decision], None],
    ) -> None:
        """`details`: `command`, `cwd`, `parsed_cmd` of a command or tool, `changes`, `grant_root` of a patch, and
        `reason`. `reply` answers `call`, the engine's request."""
        self.kind = kind
        self.conversation = conversation
        self.call_id = call_id
        self.details = details
        self._call = call
        self._reply = reply

    def answer(self, decision: Decision) -> None:
        """Tell the engine. Ignored if the question was answered or withdrawn before."""
        if self.conversation.close_approval(self):
            self._reply(decision)
            self.conversation.approval_decided(self, decision)

    def withdraw(self) -> None:
        """The turn is over: the engine waits for no answer any more."""
        self._call.withdraw()


def command_reply(call: IncomingCall) -> Callable[[Decision], None]:
    """Answers item/commandExecution/requestApproval and item/fileChange/requestApproval."""
    return lambda decision: call.respond({"decision": _ENGINE_DECISIONS[decision]})


def tool_reply(call: IncomingCall) -> Callable[[Decision], None]:
    """Answers mcpServer/elicitation/request for the approval of a tool call."""

    def reply(decision: Decision) -> None:
        action = "accept" if decision.is_yes else "cancel" if decision is Decision.ABORT else "decline"
        meta = {"persist": "session"} if decision is Decision.APPROVED_FOR_SESSION else None
        call.respond({"action": action, "content": {} if decision.is_yes else None, "_meta": meta})

    return reply


def permissions_reply(call: IncomingCall, wanted: Any) -> Callable[[Decision], None]:
    """Answers item/permissions/requestApproval: all that was asked for, or nothing."""

    def reply(decision: Decision) -> None:
        scope = "session" if decision is Decision.APPROVED_FOR_SESSION else "turn"
        call.respond({"permissions": wanted if decision.is_yes else {}, "scope": scope})

    return reply


def refuse(call: IncomingCall) -> None:
    """A question that this server cannot put to its client. An error, never an empty result: that could be a yes."""
    call.fail(RpcError(METHOD_NOT_FOUND, f"{call.method} is not served by this client"))
