"""Turns that tools run: a new thread or one that exists, one turn at a time in each, stopped when nobody waits.

A thread's turns queue up in the order in which they were asked for; each has its own answer.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial

import anyio

from codex_mcp.bridge.conversation import Conversation
from codex_mcp.bridge.conversations import ConfigurationError, ResumeSource
from codex_mcp.bridge.events import Event
from codex_mcp.bridge.options import ThreadOptions, TurnOptions
from codex_mcp.bridge.threads import check_id, settings_of
from codex_mcp.protocol import tools as t
from codex_mcp.surfaces.mcp import message
from codex_mcp.surfaces.mcp.progress import Progress
from codex_mcp.surfaces.mcp.surface import McpSurface
from codex_mcp.surfaces.mcp.turn import ToolTurn
from codex_mcp.wire.messages import JsonObject, RequestId


@dataclass
class Work:
    """One turn for a tool, from its arguments to its end."""

    surface: McpSurface
    progress: Progress
    call_id: RequestId | None
    """The tools/call that waits; None if the turn runs in the background."""
    thread_id: str = ""
    """The thread, once it is known."""
    turn: ToolTurn | None = None
    """What it told so far, once the thread is known and it is its turn."""
    accepted: bool = False
    """The engine has the message."""
    _change: anyio.Event = field(default_factory=anyio.Event)

    def changed(self) -> None:
        """Wake whoever waits for news of this turn."""
        self._change.set()
        self._change = anyio.Event()

    async def change(self) -> None:
        """Wait for news: the message was accepted, an approval is wanted, the turn is over."""
        await self._change.wait()

    async def begin(self, arguments: t.CodexArguments) -> None:
        """Begin a thread and run a turn in it. Raises CodexMcpError; then nothing runs."""
        conversations = self.surface.session.conversations
        cwd = conversations.engine.home.absolute(arguments.cwd or conversations.defaults.cwd or ".")
        items, options = message.input_items(arguments, cwd), message.settings(arguments)
        async with AsyncExitStack() as stack:

            def on_started(conversation: Conversation) -> None:
                self.thread_id = conversation.id
                self.turn = stack.enter_context(self.surface.watch(conversation, self))
                open_thread(self.surface, conversation)

            try:
                conversation = await conversations.start(_thread_options(arguments), on_started, raw_items=False)
            except ConfigurationError as error:
                raise _as_before(error) from None
            await stack.enter_async_context(self.surface.queue(conversation.id))
            await self._run(conversation, items, options)

    async def go_on(self, arguments: t.TurnArguments) -> None:
        """Run a turn in the thread `thread_id`, after those that wait for it. Raises CodexMcpError; then nothing
        runs."""
        self.thread_id = check_id(self.thread_id)
        options = message.overrides(arguments)
        async with self.surface.queue(self.thread_id):
            conversation = await find_or_resume(self.surface, self.thread_id)
            await conversation.turn_end()
            items = message.input_items(arguments, conversation.translator.cwd)
            with self.surface.watch(conversation, self) as self.turn:
                await self._run(conversation, items, options)

    async def _run(self, conversation: Conversation, items: list[JsonObject], options: TurnOptions) -> None:
        conversations = self.surface.session.conversations
        try:
            ended = await conversations.send(conversation, items, options)
            self.accepted = True
            self.changed()
            await ended.wait()
        finally:
            if conversation.busy and self.turn is not None and not self.turn.over:
                with anyio.CancelScope(shield=True):
                    await conversations.interrupt(conversation)


def _thread_options(arguments: t.CodexArguments) -> ThreadOptions:
    return ThreadOptions(
        model=arguments.model,
        profile=arguments.profile,
        cwd=arguments.cwd,
        approval_policy=arguments.approval_policy,
        sandbox=arguments.sandbox,
        config=arguments.config or {},
        base_instructions=arguments.base_instructions,
        developer_instructions=arguments.developer_instructions,
        compact_prompt=arguments.compact_prompt,
    )


async def find_or_resume(surface: McpSurface, thread_id: str) -> Conversation:
    """The thread, loaded with the settings that it had. Raises ThreadNotFound and what `Conversations.resume` does."""
    conversations = surface.session.conversations
    loaded = conversations.find(thread_id)
    if loaded is not None:
        return loaded
    settings = await settings_of(conversations.engine, thread_id)
    options = ThreadOptions(model=settings.model, approval_policy=settings.approval_policy, cwd=settings.cwd)

    try:
        conversation = await conversations.resume(
            ResumeSource(id=thread_id), options, partial(open_thread, surface), raw_items=False
        )
    except ConfigurationError as error:
        raise _as_before(error) from None
    conversation.next_turn = settings
    return conversation


def open_thread(surface: McpSurface, conversation: Conversation) -> None:
    """The thread's events have a place to go from here on; the first says what it is."""
    surface.session.open_audience(conversation, of_tool=True)
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
    conversation.emit([Event("", configured)])


def _as_before(error: ConfigurationError) -> ConfigurationError:
    return ConfigurationError(f"Failed to load Codex configuration from overrides: {error.message}")
