"""The requests of the documented interface: one function each, and the table that names them.

A handler decodes nothing and knows no dialect: it gets the params as their model, and returns the result as its
model or raises. Where the order of answer and events matters, it answers by `call.respond` itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from codex_mcp.bridge.conversations import ConfigurationError
from codex_mcp.bridge.options import ThreadOptions, TurnOptions
from codex_mcp.bridge.shapes import engine_input, engine_sandbox_policy
from codex_mcp.errors import CallerError
from codex_mcp.protocol import conversations as c
from codex_mcp.protocol import registry as r
from codex_mcp.protocol.base import Empty, WireModel
from codex_mcp.protocol.session import UserAgentResult
from codex_mcp.wire.peer import IncomingCall

if TYPE_CHECKING:
    from codex_mcp.bridge.conversation import Conversation
    from codex_mcp.surfaces.session import ClientSession


@dataclass(frozen=True)
class Context:
    """What a handler works with: the connection, and the call for handlers that answer it themselves."""

    session: ClientSession
    call: IncomingCall

    def answer(self, result: WireModel) -> None:
        """Answer now, before whatever is sent next."""
        self.call.respond(result.to_wire())


async def _get_user_agent(context: Context, _params: Empty) -> UserAgentResult:
    return UserAgentResult(user_agent=context.session.handshake.user_agent)


async def _new_conversation(context: Context, params: c.NewConversationParams) -> None:
    def started(conversation: Conversation) -> None:
        context.session.open_audience(conversation)
        context.answer(
            c.NewConversationResult(
                conversation_id=conversation.id,
                model=conversation.model,
                reasoning_effort=conversation.reasoning_effort,
                rollout_path=conversation.rollout_path,
            )
        )

    try:
        await context.session.conversations.start(thread_options(params), started, raw_items=True)
    except CallerError as error:
        raise ConfigurationError(f"error deriving config: {error.message}") from None


def thread_options(params: c.NewConversationParams) -> ThreadOptions:
    """`newConversation` params, which are also the `overrides` of a resumed conversation."""
    return ThreadOptions(
        model=params.model,
        model_provider=params.model_provider,
        profile=params.profile,
        cwd=params.cwd,
        approval_policy=params.approval_policy,
        sandbox=params.sandbox,
        config=params.config or {},
        base_instructions=params.base_instructions,
        developer_instructions=params.developer_instructions,
        compact_prompt=params.compact_prompt,
        plan_tool=params.include_plan_tool,
    )


async def _add_listener(context: Context, params: c.AddConversationListenerParams) -> None:
    conversation = context.session.conversations.get(params.conversation_id)
    audience = context.session.audience(conversation)
    subscription = audience.add(raw_items=params.experimental_raw_events)
    context.session.subscriptions[subscription] = audience
    context.answer(c.AddConversationListenerResult(subscription_id=subscription))
    audience.flush()


async def _remove_listener(context: Context, params: c.RemoveConversationListenerParams) -> Empty:
    audience = context.session.subscriptions.pop(params.subscription_id, None)
    if audience is None or not audience.remove(params.subscription_id):
        raise CallerError(f"subscription not found: {params.subscription_id}", code="not_found")
    return Empty()


async def _send_user_message(context: Context, params: c.SendUserMessageParams) -> None:
    conversation = context.session.conversations.get(params.conversation_id)
    await context.session.conversations.send(
        conversation, engine_input(params.items), TurnOptions(), lambda: context.answer(Empty())
    )


async def _send_user_turn(context: Context, params: c.SendUserTurnParams) -> None:
    conversation = context.session.conversations.get(params.conversation_id)
    options = TurnOptions(
        cwd=params.cwd,
        approval_policy=params.approval_policy,
        sandbox_policy=engine_sandbox_policy(params.sandbox_policy.to_wire()),
        model=params.model,
        effort=params.effort,
        summary=params.summary,
    )
    await context.session.conversations.send(
        conversation, engine_input(params.items), options, lambda: context.answer(Empty())
    )


async def _interrupt(context: Context, params: c.InterruptConversationParams) -> c.InterruptConversationResult:
    conversation = context.session.conversations.get(params.conversation_id)
    conversation.translator.next_submission()
    await context.session.conversations.interrupt(conversation)
    return c.InterruptConversationResult()


HandlerFunction = Callable[[Context, Any], Awaitable[WireModel | None]]

HANDLERS: dict[str, HandlerFunction] = {
    r.GET_USER_AGENT.name: _get_user_agent,
    r.NEW_CONVERSATION.name: _new_conversation,
    r.ADD_CONVERSATION_LISTENER.name: _add_listener,
    r.REMOVE_CONVERSATION_LISTENER.name: _remove_listener,
    r.SEND_USER_MESSAGE.name: _send_user_message,
    r.SEND_USER_TURN.name: _send_user_turn,
    r.INTERRUPT_CONVERSATION.name: _interrupt,
}
