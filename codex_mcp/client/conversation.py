"""A conversation as the client sees it: send, interrupt, and iterate over its events."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
from pydantic import TypeAdapter, ValidationError

from codex_mcp.protocol import registry
from codex_mcp.protocol.base import SnakeModel
from codex_mcp.protocol.choices import ApprovalPolicy, ReasoningEffort, ReasoningSummary
from codex_mcp.protocol.conversations import (
    InterruptConversationParams,
    InterruptConversationResult,
    NewConversationResult,
    SendUserMessageParams,
    SendUserTurnParams,
)
from codex_mcp.protocol.events import EventMsg
from codex_mcp.protocol.input_items import InputItem, text
from codex_mcp.protocol.sandbox import SandboxPolicy
from codex_mcp.wire.messages import JsonObject

if TYPE_CHECKING:
    from codex_mcp.client.client import CodexClient

_EVENT_MSG: TypeAdapter[EventMsg] = TypeAdapter(EventMsg)
_ENDS = ("task_complete", "turn_aborted")


class UnknownEvent(SnakeModel):
    """An event of a type that this client does not know, from a newer server. `body` is all of it."""

    type: str
    body: dict[str, object]


@dataclass(frozen=True)
class ConversationEvent:
    """An event: `id` is the number of its turn, `""` for the session itself; `msg` one of `protocol.events`."""

    id: str
    msg: EventMsg | UnknownEvent

    @property
    def ends_turn(self) -> bool:
        return self.msg.type in _ENDS


def read_event(params: JsonObject) -> ConversationEvent:
    """The params of a `codex/event` notification."""
    body = params["msg"]
    try:
        return ConversationEvent(params["id"], _EVENT_MSG.validate_python(body))
    except ValidationError:
        return ConversationEvent(params["id"], UnknownEvent(type=body["type"], body=body))


class ClientConversation:
    """Made by `CodexClient.new_conversation`. Its events are kept until somebody iterates over them."""

    def __init__(self, client: CodexClient, info: NewConversationResult) -> None:
        self.id = info.conversation_id
        self.info = info
        self._client = client
        self._waiting: deque[ConversationEvent] = deque()
        self._arrived = anyio.Event()
        self._closed = False

    async def send(self, message: str | Sequence[InputItem]) -> None:
        """Send a message with the settings the conversation has; returns when the server took it."""
        params = SendUserMessageParams(conversation_id=self.id, items=_items(message))
        await self._client.call(registry.SEND_USER_MESSAGE, params)

    async def send_turn(
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
        """Send a message with settings for this turn and those after it. `model`: the conversation's, if not given."""
        params = SendUserTurnParams(
            conversation_id=self.id,
            items=_items(message),
            cwd=cwd,
            approval_policy=approval_policy,
            sandbox_policy=sandbox_policy,
            model=model or self.info.model,
            effort=effort,
            summary=summary,
        )
        await self._client.call(registry.SEND_USER_TURN, params)

    async def turn(self, message: str | Sequence[InputItem]) -> AsyncIterator[ConversationEvent]:
        """Send a message and give the events up to the end of the turn."""
        await self.send(message)
        async for event in self.until_turn_end():
            yield event

    async def until_turn_end(self) -> AsyncIterator[ConversationEvent]:
        """The events that have not been taken yet, up to the end of a turn."""
        async for event in self.events():
            yield event
            if event.ends_turn:
                return

    async def events(self) -> AsyncIterator[ConversationEvent]:
        """All events that have not been taken yet, and those to come; ends with the connection."""
        while True:
            while self._waiting:
                yield self._waiting.popleft()
            if self._closed:
                return
            self._arrived = anyio.Event()
            await self._arrived.wait()

    async def interrupt(self) -> InterruptConversationResult:
        """Stop what is running; returns when it has stopped."""
        params = InterruptConversationParams(conversation_id=self.id)
        return await self._client.call(registry.INTERRUPT_CONVERSATION, params)

    def deliver(self, event: ConversationEvent) -> None:
        """Called by the client for each event that arrives."""
        self._waiting.append(event)
        self._arrived.set()

    def close(self) -> None:
        """Called by the client when the connection is gone."""
        self._closed = True
        self._arrived.set()


def _items(message: str | Sequence[InputItem]) -> list[InputItem]:
    return [text(message)] if isinstance(message, str) else list(message)
