"""Approvals: every question of the engine becomes one `Approval`, which is answered once or withdrawn.

Fail closed: whatever is not a clear yes is a no. Nothing here waits; whoever asks the client calls `answer` with the
verdict, and the conversation withdraws a question whose turn is over.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from codex_mcp.wire.messages import JsonObject
from codex_mcp.wire.peer import IncomingCall


class Decision(Enum):
    """What the client says."""

    APPROVED = "approved"
    APPROVED_FOR_SESSION = "approved_for_session"
    DENIED = "denied"
    ABORT = "abort"

    @property
    def is_yes(self) -> bool:
        return self in (Decision.APPROVED, Decision.APPROVED_FOR_SESSION)


@dataclass(frozen=True)
class Verdict:
    """A decision, who made it, and why."""

    decision: Decision
    by: str
    """`client` (its user, as far as we can know), `codex-answer`, `server`, `policy`, or the name of a person."""
    because: str = ""
    """The reason of a no, for people."""


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


class Withdrawable(Protocol):
    """Whoever asked: a request of the engine, mostly."""

    def withdraw(self) -> None:
        """No answer is waited for any more."""


class Approval:
    """A question of the engine that waits for a verdict."""

    def __init__(
        self,
        kind: Kind,
        conversation_id: str,
        thread_id: str,
        call: Withdrawable,
        call_id: str,
        details: JsonObject,
        reply: Callable[[Decision], None],
        take: Callable[[Approval, Verdict], Verdict | None],
    ) -> None:
        """`conversation_id`: whose owner is asked. `thread_id`: whose question it is; a sub-agent's differs.

        `details`: `command`, `cwd`, `parsed_cmd` of a command or tool, `changes`, `grant_root` of a patch, and
        `reason`. `reply` answers `call`, the engine's request. `take` gets a verdict first, and
        returns the one that counts; None if the question is not open any more.
        """
        self.id = uuid.uuid4().hex
        """No other question ever has it."""
        self.kind = kind
        self.conversation_id = conversation_id
        self.thread_id = thread_id
        self.call_id = call_id
        self.details = details
        self.verdict: Verdict | None = None
        """Once there is one."""
        self._call = call
        self._reply = reply
        self._take = take

    @property
    def of_sub_agent(self) -> bool:
        return self.thread_id != self.conversation_id

    def answer(self, verdict: Verdict) -> None:
        """Tell the engine. Ignored if the question was answered or withdrawn before."""
        counts = self._take(self, verdict)
        if counts is not None:
            self.verdict = counts
            self._reply(counts.decision)

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
