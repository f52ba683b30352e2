"""A conversation as the client sees it: send, interrupt, and iterate over its events."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
from pydantic import TypeAdapter, ValidationError

from codex_mcp.client.errors import ServerEnded, TurnFailed
from codex_mcp.protocol import registry
from codex_mcp.protocol.base import Empty, SnakeModel
from codex_mcp.protocol.choices import ApprovalPolicy, ReasoningEffort, ReasoningSummary
from codex_mcp.protocol.conversations import (
    InterruptConversationParams,
    InterruptConversationResult,
    NewConversationResult,
    SendUserMessageParams,
    SendUserTurnParams,
)
from codex_mcp.protocol.events import ErrorEvent, EventMsg, TaskComplete, TurnAborted
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


def read_msg(body: JsonObject) -> EventMsg | UnknownEvent:
    """The `msg` of an event."""
    try:
        return _EVENT_MSG.validate_python(body)
    except ValidationError:
        return UnknownEvent(type=body["type"], body=body)


def read_event(params: JsonObject) -> ConversationEvent:
    """The params of a `codex/event` notification."""
    return ConversationEvent(params["id"], read_msg(params["msg"]))


class ClientConversation:
    """Made by `CodexClient.new_conversation` and `resume_conversation`. Its events are kept until somebody takes them;
    one at a time may iterate over them."""

    def __init__(
        self,
        client: CodexClient,
        info: NewConversationResult,
        history: Sequence[EventMsg | UnknownEvent] = (),
    ) -> None:
        self.id = info.conversation_id
        """What `resume_conversation` takes."""
        self.info = info
        """Its model, reasoning effort, and the file that keeps it."""
        self.history = list(history)
        """What was said before it was resumed: messages and reasoning, as events."""
        self._client = client
        self._waiting: deque[ConversationEvent] = deque()
        self._arrived = anyio.Event()
        self._ended: ServerEnded | None = None

    async def ask(self, message: str | Sequence[InputItem]) -> str:
        """Send a message, wait for the end of the turn, and return the answer: the agent's last message.

        Raises:
            TurnFailed: The turn failed or was interrupted; the text says why.
            ServerEnded: The server is gone.
        """
        problem = "the turn ended without an answer"
        async for event in self.turn(message):
            if isinstance(event.msg, ErrorEvent) and event.id:
                problem = event.msg.message
            elif isinstance(event.msg, TurnAborted):
                raise TurnFailed(f"the turn was ended: {event.msg.reason}", event.msg.reason)
            elif isinstance(event.msg, TaskComplete) and event.msg.last_agent_message is not None:
                return event.msg.last_agent_message
        raise TurnFailed(problem, "error")

    async def turn(self, message: str | Sequence[InputItem]) -> AsyncGenerator[ConversationEvent]:
        """Send a message and give the events up to the end of the turn; what was not taken of turns that are over is
        passed over. While a turn runs, the message joins it. Raises ServerEnded if the server goes in between."""
        params = SendUserMessageParams(conversation_id=self.id, items=_items(message))
        await self._client.call(registry.SEND_USER_MESSAGE, params, self._pass_over)
        async for event in self.until_turn_end():
            yield event

    def _pass_over(self, _sent: Empty) -> None:
        """The answer to a message comes before the events of its turn: forget those of earlier turns."""
        while any(event.ends_turn for event in self._waiting):
            self._waiting.popleft()

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

    async def until_turn_end(self) -> AsyncGenerator[ConversationEvent]:
        """The events that have not been taken yet, up to the end of a turn."""
        async for event in self.events():
            yield event
            if event.ends_turn:
                return

    async def events(self) -> AsyncGenerator[ConversationEvent]:
        """All events that have not been taken yet, and those to come. Raises ServerEnded when no more can come."""
        while True:
            while self._waiting:
                yield self._waiting.popleft()
            if self._ended is not None:
                raise self._ended
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

    def close(self, reason: ServerEnded) -> None:
        """Called by the client when the connection is gone."""
        self._ended = reason
        self._arrived.set()


def _items(message: str | Sequence[InputItem]) -> list[InputItem]:
    return [text(message)] if isinstance(message, str) else list(message)
