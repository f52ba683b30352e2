"""What every thread does now, for people who look: the last activity, and the end of what a command has printed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import anyio

from codex_mcp.bridge.agent import Agent, AgentSeams
from codex_mcp.bridge.approvals import Approval, Verdict
from codex_mcp.wire.messages import JsonObject

_TAIL = 4000


@dataclass
class Now:
    """Of one thread."""

    command: str = ""
    """That runs, if one does."""
    output: str = ""
    """The end of what it has printed."""
    message: str = ""
    """What the agent is about to say."""


class Activity:
    """Follows an agent; whoever looks waits for `changed`."""

    def __init__(self) -> None:
        self._threads: dict[str, Now] = {}
        self._changed = anyio.Event()
        self.ending = False
        """The server is about to end: whoever looks should leave."""

    def of(self, thread_id: str) -> Now:
        """What it does now."""
        return self._threads.get(thread_id) or Now()

    async def change(self) -> None:
        """Wait until something is different."""
        await self._changed.wait()

    def tell(self) -> None:
        """Something is different."""
        self._changed.set()
        self._changed = anyio.Event()

    def end(self) -> None:
        """Nothing more comes."""
        self.ending = True
        self.tell()

    def watch(self, agent: Agent) -> None:
        """Follow it for as long as it lives."""
        agent.watch(_FOLLOWED, self._on_notification)

    def watched(self, seams: AgentSeams) -> AgentSeams:
        """`seams`, with questions and answers heard of."""
        screen, review = seams.approvals.screen, seams.approvals.review

        def on_question(approval: Approval) -> Verdict | None:
            self.tell()
            return None if screen is None else screen(approval)

        def on_verdict(approval: Approval, verdict: Verdict) -> Verdict:
            self.tell()
            return verdict if review is None else review(approval, verdict)

        return replace(seams, approvals=replace(seams.approvals, screen=on_question, review=on_verdict))

    def _on_notification(self, method: str, params: JsonObject) -> None:
        thread_id = params.get("threadId")
        if isinstance(thread_id, str):
            _FOLLOWED[method](self, thread_id, params)
            self.tell()

    def _begun(self, thread_id: str, _: JsonObject) -> None:
        self._threads[thread_id] = Now()

    def _over(self, thread_id: str, _: JsonObject) -> None:
        self._threads.pop(thread_id, None)

    def _started(self, thread_id: str, params: JsonObject) -> None:
        now, item = self._threads.setdefault(thread_id, Now()), params["item"]
        if item["type"] == "commandExecution":
            now.command, now.output = item.get("command") or "", ""
        elif item["type"] == "agentMessage":
            now.message = ""

    def _completed(self, thread_id: str, params: JsonObject) -> None:
        now, item = self._threads.setdefault(thread_id, Now()), params["item"]
        if item["type"] == "commandExecution":
            now.command = ""
        elif item["type"] == "agentMessage":
            now.message = ""

    def _printed(self, thread_id: str, params: JsonObject) -> None:
        now = self._threads.setdefault(thread_id, Now())
        now.output = (now.output + params["delta"])[-_TAIL:]

    def _said(self, thread_id: str, params: JsonObject) -> None:
        now = self._threads.setdefault(thread_id, Now())
        now.message = (now.message + params["delta"])[-_TAIL:]


_FOLLOWED: dict[str, Callable[[Activity, str, JsonObject], None]] = {
    "turn/started": Activity._begun,
    "turn/completed": Activity._over,
    "item/started": Activity._started,
    "item/completed": Activity._completed,
    "item/commandExecution/outputDelta": Activity._printed,
    "item/agentMessage/delta": Activity._said,
}
