"""Turns that tools run: a new thread or one that exists, one turn at a time in each, stopped when nobody waits.

A thread's turns queue up in the order in which they were asked for; each has its own answer.
"""

from __future__ import annotations

import os
from collections import deque
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import anyio

from codex_mcp.bridge.approvals import Approval, Decision, Verdict
from codex_mcp.bridge.conversation import Conversation
from codex_mcp.bridge.conversations import ConfigurationError, ConversationNotFound, ResumeSource
from codex_mcp.bridge.events import Event
from codex_mcp.bridge.options import ThreadOptions
from codex_mcp.bridge.threads import check_id, settings_of
from codex_mcp.protocol import tools as t
from codex_mcp.surfaces.connection import Connection
from codex_mcp.surfaces.mcp import call_config, elicitation, message
from codex_mcp.surfaces.mcp.elicitation import Elicitations
from codex_mcp.surfaces.mcp.progress import Progress, describe
from codex_mcp.surfaces.mcp.report import TurnReport
from codex_mcp.surfaces.mcp.wording import outline, visible
from codex_mcp.wire.messages import JsonObject, RequestId

if TYPE_CHECKING:
    from collections.abc import Awaitable

_MAX_DIFF = 4000
_FIRST_SIGNS = ("agent_message_delta", "agent_reasoning_delta", "agent_message", "exec_command_begin", "token_count")
"""Events that show that the model was asked."""


class ToolTurns:
    """The turns that the tools of a connection run (a `Hearer` of its delivery)."""

    def __init__(
        self, connection: Connection, approval_timeout: float, *, others: bool, allow_config: tuple[str, ...]
    ) -> None:
        """`approval_timeout`: seconds for which a question to the user stays open; 0 for ever. `others`: see
        `McpOptions.inbox`; `allow_config`: as there."""
        self.allow_config = allow_config
        handshake = connection.handshake
        self.connection = connection
        self.elicitations = Elicitations(
            connection.client,
            handshake.client_capabilities,
            handshake.protocol_version,
            approval_timeout,
            others=others,
        )
        self.background: dict[str, deque[ToolTurn]] = {}
        """Turns in the background, by thread: those whose result was not asked for yet, and the last one."""

    def on_events(self, conversation: Conversation, events: list[Event]) -> None:
        """The turn that runs in it has them already."""

    def on_closed(self, conversation_id: str) -> None:
        self.background.pop(conversation_id, None)

    def open_thread(self, conversation: Conversation) -> None:
        """The thread's events have a place to go from here on; the first says what it is."""
        self.connection.delivery.open(conversation, of_tool=True)
        configured = {
            "type": "session_configured",
            "session_id": conversation.id,
            "thread_id": conversation.id,
            "model": conversation.model,
            "model_provider_id": conversation.model_provider,
            "approval_policy": conversation.approval_policy,
            "cwd": conversation.translator.cwd,
            "reasoning_effort": conversation.reasoning_effort,
            "history_log_id": 0,
            "history_entry_count": 0,
            "initial_messages": None,
            "rollout_path": conversation.rollout_path,
        }
        self.connection.delivery.emit(conversation, [Event("", configured)])

    async def find_or_resume(self, thread_id: str) -> Conversation:
        """The thread, loaded with the settings that it had, and this connection's from now on. Raises ThreadNotFound
        and what `Conversations.resume` does."""
        conversations = self.connection.conversations
        loaded = conversations.find(thread_id)
        if loaded is not None:
            await loaded.turn_end()
            if not self.connection.delivery.is_open(loaded):  # another connection began it
                self.open_thread(loaded)
            loaded.adopt(self.connection.delivery)
            return loaded
        settings = await settings_of(conversations.engine, thread_id)
        options = ThreadOptions(
            model=settings.model,
            approval_policy=settings.approval_policy,
            cwd=settings.cwd,
            denied_paths=settings.denied_paths or (),
        )
        try:
            conversation = await conversations.resume(
                ResumeSource(id=thread_id), options, self.connection.delivery, self.open_thread, raw_items=False
            )
        except ConfigurationError as error:
            raise _as_before(error) from None
        conversation.next_turn = conversation.next_turn.updated(settings)
        return conversation


class ToolTurn:
    """One turn, from a tool's arguments to its result (a `Taker` of its conversation's events and questions)."""

    def __init__(self, turns: ToolTurns, progress: Progress, call_id: RequestId | None, thread_id: str = "") -> None:
        """`call_id`: the tools/call that waits for it; None if it runs in the background. `thread_id`: the thread to
        go on with, else one is begun."""
        self.turns = turns
        self.progress = progress
        self.call_id = call_id
        self.thread_id = thread_id
        self.report = TurnReport()
        self.accepted = False
        """The engine has the message."""
        self.ended = False
        """It is over, whether or not an event said so."""
        self.denied: list[t.DeniedApproval] = []
        self.absent_servers: list[t.AbsentServer] = []
        """MCP servers that the thread should have and has not, once the turn is over."""
        self.late_servers: list[str] | None = None
        """MCP servers that had not started when the model first answered."""
        self.pending: dict[str, tuple[Approval, anyio.CancelScope]] = {}
        """Approvals that wait for `codex-answer`, each with its time limit."""
        self.result: JsonObject | None = None
        """Of a turn in the background, once there is one."""
        self.fetched = False
        """Somebody has asked for the result and got it."""
        self.scope = anyio.CancelScope()
        """Cancelled when nobody waits for a turn in the background any more."""
        self.failure_code = "provider_error"
        """If it failed: one of `error_codes`."""
        self._conversation: Conversation | None = None
        self._change = anyio.Event()

    @property
    def meta(self) -> JsonObject:
        """`_meta` of the turn's events, as the released server had it."""
        of_call = {} if self.call_id is None else {"requestId": self.call_id}
        return {**of_call, "threadId": self.thread_id}

    @property
    def status(self) -> t.TurnStatus:
        if not self.ended:
            if self._conversation is None:
                return "queued"
            return "waiting-for-approval" if self.pending else "running"
        if self.report.aborted:
            return "interrupted"
        return "completed" if self.report.error is None else "failed"

    @property
    def begun(self) -> bool:
        """The thread is known, and it is this turn's time."""
        return self._conversation is not None

    @property
    def wants_attention(self) -> bool:
        """In the background: it is over, or somebody has to decide something."""
        return self.result is not None or bool(self.pending)

    def changed(self) -> None:
        """Wake whoever waits for news of this turn."""
        self._change.set()
        self._change = anyio.Event()

    async def change(self) -> None:
        """Wait for news: the message was accepted, an approval is wanted, the turn is over."""
        await self._change.wait()

    @property
    def notes(self) -> list[str]:
        """What the caller has to know of the conversation itself."""
        cwd = None if self._conversation is None else self._conversation.translator.cwd
        if not cwd or os.path.isdir(cwd):
            return []
        return [f"the working directory {cwd} does not exist on this machine: no command can run in it"]

    # -- running

    def run(self, arguments: t.CodexArguments | t.TurnArguments, review: JsonObject | None = None) -> Awaitable[None]:
        """Run it to its end. `review`: in a new thread, the engine's own review of that target in place of the prompt.
        Raises CodexMcpError; then nothing runs."""
        if self.thread_id:
            return self._go_on(arguments)
        assert isinstance(arguments, t.CodexArguments)
        return self._begin(arguments, review)

    async def _begin(self, arguments: t.CodexArguments, review: JsonObject | None) -> None:
        connection = self.turns.connection
        conversations = connection.conversations
        cwd = connection.agent.home.absolute(arguments.cwd or conversations.defaults.cwd or ".")
        items, options = message.input_items(arguments, cwd), message.settings(arguments)
        thread = _thread_options(arguments, self.turns.allow_config)
        async with AsyncExitStack() as stack:

            def on_started(conversation: Conversation) -> None:
                self._watch(conversation, stack)
                self.turns.open_thread(conversation)

            try:
                conversation = await conversations.start(
                    thread,
                    connection.delivery,
                    on_started,
                    raw_items=False,
                )
            except ConfigurationError as error:
                raise _as_before(error) from None
            await stack.enter_async_context(connection.agent.queues.turn(conversation.id))
            if review is not None:
                await self._run(conversation, conversations.review(conversation, review))
            else:
                await self._run(conversation, conversations.send(conversation, items, options))

    async def _go_on(self, arguments: t.TurnArguments) -> None:
        """After those that wait for the thread already."""
        connection = self.turns.connection
        self.thread_id = check_id(self.thread_id)
        options = message.overrides(arguments)
        archivals = connection.conversations.archivals(self.thread_id)
        async with connection.agent.queues.turn(self.thread_id), AsyncExitStack() as stack:
            if connection.conversations.archivals(self.thread_id) != archivals:
                raise ConversationNotFound(f"{self.thread_id} (it was archived while the turn waited)")
            conversation = await self.turns.find_or_resume(self.thread_id)
            await conversation.turn_end()
            items = message.input_items(arguments, conversation.translator.cwd)
            self._watch(conversation, stack)
            await self._run(conversation, connection.conversations.send(conversation, items, options))

    def _watch(self, conversation: Conversation, stack: AsyncExitStack) -> None:
        """Have the conversation's events and questions until the end of the block."""
        self.thread_id = conversation.id
        self._conversation = conversation
        stack.enter_context(self.turns.connection.delivery.take(conversation.id, self))
        stack.callback(self._end)

    def _end(self) -> None:
        if not self.ended and self._conversation is not None:
            self.failure_code = self._conversation.failure_code
        self.ended = True
        self.changed()

    async def _run(self, conversation: Conversation, submission: Awaitable[anyio.Event]) -> None:
        try:
            ended = await submission
            self.accepted = True
            self.changed()
            await ended.wait()
        finally:
            if conversation.busy and not self.report.over:
                with anyio.CancelScope(shield=True):
                    await self.turns.connection.conversations.interrupt(conversation)

    # -- what the delivery hands over

    def on_events(self, events: list[Event]) -> None:
        for event in events:
            self.report.add(event)
            if self.late_servers is None and event.msg["type"] in _FIRST_SIGNS:
                self.late_servers = self.turns.connection.agent.mcp_servers.startup.starting(self.thread_id)
            activity = describe(event.msg)
            if activity is not None:
                self.progress.show(activity)
        if self.report.over and not self.ended:
            self._end()

    def ask(self, approval: Approval) -> None:
        self.progress.show(f"Waiting for approval: {elicitation.what(approval)[:200]}")
        elicitations = self.turns.elicitations
        if self.call_id is not None:
            elicitations.ask(approval, self.call_id, self.report.number, self.on_denied)
            return
        limit = elicitations.limit(
            lambda because: self.answer(approval.id, Verdict(Decision.DENIED, "server", because))
        )
        self.pending[approval.id] = approval, limit
        self.changed()

    def withdraw(self, approval: Approval) -> None:
        self.turns.elicitations.withdraw(approval)
        _, limit = self.pending.pop(approval.id, (None, None))
        if limit is not None:
            limit.cancel()

    def answer(self, approval_id: str, verdict: Verdict) -> bool:
        """Decide a pending approval; False if there is none of that id."""
        if approval_id not in self.pending:
            return False
        approval, limit = self.pending.pop(approval_id)
        limit.cancel()
        if not verdict.decision.is_yes:
            self.on_denied(approval, verdict.because)
        approval.answer(verdict)
        return True

    async def look_for_servers(self) -> None:
        """Find out which MCP servers the thread lacks."""
        agent = self.turns.connection.agent
        conversation = agent.conversations.find(self.thread_id)
        if conversation is not None:
            cwd = conversation.translator.cwd
            reports = await agent.mcp_servers.not_connected(conversation.thread_id, cwd)
            self.absent_servers = [
                t.AbsentServer(name=found.name, state=found.verdict.state.value, advice=found.verdict.advice)
                for found in reports
            ]

    def on_denied(self, approval: Approval, because: str) -> None:
        what = elicitation.what(approval)
        self.denied.append(t.DeniedApproval(kind=approval.kind.value, what=what, because=because))

    def pending_approvals(self) -> list[t.PendingApproval]:
        return [_pending(id, approval) for id, (approval, _) in self.pending.items()]


def _pending(id: str, approval: Approval) -> t.PendingApproval:
    """An open question as data. A person may read it: nothing in it moves a cursor or hides text."""
    details = approval.details
    cwd, reason = details.get("cwd"), details["reason"]
    diffs = outline(details["changes"], _MAX_DIFF)[1] if "changes" in details else None
    return t.PendingApproval(
        approval_id=id,
        kind=approval.kind.value,
        what=elicitation.what(approval),
        cwd=None if cwd is None else visible(cwd),
        reason=None if reason is None else visible(reason),
        diff=None if diffs is None else visible("\n".join(diffs).strip()),
    )


def _thread_options(arguments: t.CodexArguments, allow_config: tuple[str, ...]) -> ThreadOptions:
    return ThreadOptions(
        model=arguments.model,
        profile=arguments.profile,
        cwd=arguments.cwd,
        approval_policy=arguments.approval_policy,
        sandbox=arguments.sandbox,
        config=call_config.check(arguments.config or {}, allow_config),
        base_instructions=arguments.base_instructions,
        developer_instructions=arguments.developer_instructions,
        compact_prompt=arguments.compact_prompt,
    )


def _as_before(error: ConfigurationError) -> ConfigurationError:
    """In the words of the released servers, but for a mistake that is in a file."""
    source = "" if ".toml:" in error.message else " from overrides"
    return ConfigurationError(f"Failed to load Codex configuration{source}: {error.message}")
