"""The typed client without `async`: the same names, calls that wait, events to loop over.

    from codex_mcp.client.sync import start_client

    with start_client() as client:
        conversation = client.new_conversation(cwd="/repo", sandbox="workspace-write")
        for event in conversation.turn("Fix the failing test"):
            print(event.msg)

An event loop in a thread does the work. `approve` is called in another thread, so it may wait for a person; other
threads may interrupt a conversation meanwhile.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, Any, TypeAlias, TypeVar, Unpack

import anyio.to_thread
from anyio.from_thread import BlockingPortal, start_blocking_portal

from codex_mcp import __version__
from codex_mcp.client import client as asynchronous
from codex_mcp.client import process
from codex_mcp.client.client import ApprovalRequest, Trace, deny
from codex_mcp.client.conversation import ClientConversation, ConversationEvent, UnknownEvent
from codex_mcp.client.settings import ConversationSettings
from codex_mcp.protocol.approvals import Decision
from codex_mcp.protocol.base import WireModel
from codex_mcp.protocol.choices import ApprovalPolicy, ReasoningEffort, ReasoningSummary
from codex_mcp.protocol.conversations import InterruptConversationResult, ListConversationsResult
from codex_mcp.protocol.events import EventMsg
from codex_mcp.protocol.input_items import InputItem
from codex_mcp.protocol.registry import Method
from codex_mcp.protocol.sandbox import SandboxPolicy
from codex_mcp.protocol.settings import Model

P = TypeVar("P", bound=WireModel)
R = TypeVar("R", bound=WireModel)

Approve: TypeAlias = Callable[[ApprovalRequest], Decision]


@contextmanager
def start_client(
    arguments: Sequence[str] = (),
    *,
    command: Sequence[str] = process.THIS_SERVER,
    cwd: str | os.PathLike[str] | None = None,
    env: Mapping[str, str] | None = None,
    stderr: IO[Any] | int | None = None,
    approve: Approve = deny,
    name: str = "codex-mcp-client",
    version: str = __version__,
    trace: Trace = None,
) -> Iterator[CodexClient]:
    """Start a server and talk to it; see `codex_mcp.client.start_client`, also for what is raised."""

    async def ask(request: ApprovalRequest) -> Decision:
        return await anyio.to_thread.run_sync(approve, request, abandon_on_cancel=True)

    server = process.start_client(
        arguments,
        command=command,
        cwd=cwd,
        env=env,
        stderr=stderr,
        approve=ask,
        name=name,
        version=version,
        trace=trace,
    )
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(server) as client:
        yield CodexClient(portal, client)


class CodexClient:
    """A connection to a server. Each method is that of `codex_mcp.client.CodexClient`, and waits."""

    def __init__(self, portal: BlockingPortal, client: asynchronous.CodexClient) -> None:
        self._portal = portal
        self._client = client

    @property
    def user_agent(self) -> str:
        return self._client.user_agent

    def call(self, method: Method[P, R], params: P) -> R:
        return self._portal.call(self._client.call, method, params)

    def new_conversation(self, *, raw_events: bool = False, **settings: Unpack[ConversationSettings]) -> Conversation:
        begin = self._client.new_conversation
        return Conversation(self._portal, self._portal.call(lambda: begin(raw_events=raw_events, **settings)))

    def resume_conversation(
        self,
        conversation_id: str | None = None,
        *,
        path: str | None = None,
        raw_events: bool = False,
        **settings: Unpack[ConversationSettings],
    ) -> Conversation:
        resume = self._client.resume_conversation
        return Conversation(
            self._portal,
            self._portal.call(lambda: resume(conversation_id, path=path, raw_events=raw_events, **settings)),
        )

    def list_conversations(
        self, *, page_size: int | None = None, cursor: str | None = None, model_providers: Sequence[str] | None = None
    ) -> ListConversationsResult:
        ask = self._client.list_conversations
        return self._portal.call(lambda: ask(page_size=page_size, cursor=cursor, model_providers=model_providers))

    def archive_conversation(self, conversation_id: str, rollout_path: str) -> None:
        self._portal.call(self._client.archive_conversation, conversation_id, rollout_path)

    def models(self) -> list[Model]:
        return self._portal.call(self._client.models)


class Conversation:
    """Each method is that of `codex_mcp.client.ClientConversation`, and waits."""

    def __init__(self, portal: BlockingPortal, conversation: ClientConversation) -> None:
        self._portal = portal
        self._conversation = conversation
        self.id = conversation.id
        self.info = conversation.info

    @property
    def history(self) -> list[EventMsg | UnknownEvent]:
        return self._conversation.history

    def ask(self, message: str | Sequence[InputItem]) -> str:
        return self._portal.call(self._conversation.ask, message)

    def turn(self, message: str | Sequence[InputItem]) -> Iterator[ConversationEvent]:
        return self._each(self._conversation.turn(message))

    def until_turn_end(self) -> Iterator[ConversationEvent]:
        return self._each(self._conversation.until_turn_end())

    def events(self) -> Iterator[ConversationEvent]:
        return self._each(self._conversation.events())

    def send(self, message: str | Sequence[InputItem]) -> None:
        self._portal.call(self._conversation.send, message)

    def send_turn(
        self,
        message: str | Sequence[InputItem],
        *,
        cwd: str,
        approval_policy: ApprovalPolicy,
        sandbox_policy: SandboxPolicy,
        model: str | None = None,
        effort: ReasoningEffort | None = None,
        summary: ReasoningSummary = "auto",
    ) -> None:
        send = self._conversation.send_turn
        self._portal.call(
            lambda: send(
                message,
                cwd=cwd,
                approval_policy=approval_policy,
                sandbox_policy=sandbox_policy,
                model=model,
                effort=effort,
                summary=summary,
            )
        )

    def interrupt(self) -> InterruptConversationResult:
        return self._portal.call(self._conversation.interrupt)

    def _each(self, events: AsyncGenerator[ConversationEvent]) -> Iterator[ConversationEvent]:
        async def following() -> ConversationEvent | None:
            return await anext(events, None)

        try:
            while (event := self._portal.call(following)) is not None:
                yield event
        finally:
            self._portal.call(events.aclose)
