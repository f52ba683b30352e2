"""Methods that begin, continue, list and end conversations."""

from __future__ import annotations

import os
import pathlib

import anyio

from codex_mcp.bridge import history, rollouts
from codex_mcp.bridge.conversation import Conversation
from codex_mcp.bridge.conversations import ConfigurationError, ConversationNotFound, ResumeSource
from codex_mcp.bridge.options import ThreadOptions, TurnOptions
from codex_mcp.bridge.rollouts import RolloutUnreadable
from codex_mcp.bridge.shapes import engine_input, engine_sandbox_policy
from codex_mcp.engine.link import EngineRefusal
from codex_mcp.errors import CallerError, CodexMcpError, EngineError
from codex_mcp.protocol import conversations as c
from codex_mcp.protocol import registry as r
from codex_mcp.protocol.base import Empty, WireModel
from codex_mcp.protocol.session import SessionConfigured
from codex_mcp.protocol.unknown import unknown_fields, unknown_fields_notice
from codex_mcp.surfaces.v1.context import Context, Handler
from codex_mcp.wire.errors import INVALID_REQUEST
from codex_mcp.wire.messages import JsonObject


def thread_options(params: c.NewConversationParams, notices: tuple[JsonObject, ...]) -> ThreadOptions:
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
        patch_tool=params.include_apply_patch_tool,
        notices=notices,
    )


def _ignored(context: Context, params: WireModel) -> tuple[JsonObject, ...]:
    """The notice about fields of the call that nobody knows, if there are some."""
    unknown = unknown_fields(params, context.call.params)
    return (unknown_fields_notice(context.call.method, unknown),) if unknown else ()


async def new_conversation(context: Context, params: c.NewConversationParams) -> None:
    def started(conversation: Conversation) -> None:
        context.connection.delivery.open(conversation)
        context.answer(
            c.NewConversationResult(
                conversation_id=conversation.id,
                model=conversation.model,
                reasoning_effort=conversation.reasoning_effort,
                rollout_path=conversation.rollout_path,
            )
        )

    options = thread_options(params, _ignored(context, params))
    try:
        await context.conversations.start(options, context.connection.delivery, started, raw_items=True)
    except CallerError as error:
        code = error.code if error.code == "policy_denied" else ConfigurationError.code
        raise ConfigurationError(f"error deriving config: {error.message}", code=code) from None
    except EngineError as error:
        raise _failed("creating", error) from None


async def add_listener(context: Context, params: c.AddConversationListenerParams) -> None:
    conversation = context.conversations.get(params.conversation_id)
    delivery = context.connection.delivery
    if not delivery.is_open(conversation):  # another client began it
        raise ConversationNotFound(params.conversation_id)
    subscription = delivery.add_listener(conversation, raw_items=params.experimental_raw_events)
    context.answer(c.AddConversationListenerResult(subscription_id=subscription))
    delivery.flush(conversation)


async def remove_listener(context: Context, params: c.RemoveConversationListenerParams) -> Empty:
    context.connection.delivery.remove_listener(params.subscription_id)
    return Empty()


async def send_user_message(context: Context, params: c.SendUserMessageParams) -> None:
    await _send(context, params, TurnOptions())


async def send_user_turn(context: Context, params: c.SendUserTurnParams) -> None:
    options = TurnOptions(
        cwd=params.cwd,
        approval_policy=params.approval_policy,
        sandbox_policy=engine_sandbox_policy(params.sandbox_policy.to_wire(), context.engine.home.absolute),
        model=params.model,
        effort=params.effort,
        summary=params.summary,
    )
    await _send(context, params, options)


async def _send(context: Context, params: c.SendUserMessageParams | c.SendUserTurnParams, options: TurnOptions) -> None:
    conversation = context.conversations.get(params.conversation_id)

    def taken() -> None:
        context.answer(Empty())
        conversation.show_notices(_ignored(context, params))

    await context.conversations.send(conversation, engine_input(params.items), options, taken)


async def interrupt(context: Context, params: c.InterruptConversationParams) -> c.InterruptConversationResult:
    conversation = context.conversations.get(params.conversation_id)
    await context.conversations.interrupt(conversation)
    return c.InterruptConversationResult()


async def list_conversations(context: Context, params: c.ListConversationsParams) -> c.ListConversationsResult:
    page = await history.list_conversations(
        context.engine, page_size=params.page_size, cursor=params.cursor, providers=params.model_providers
    )
    return c.ListConversationsResult.model_validate(page)


async def get_summary(context: Context, params: c.GetConversationSummaryParams) -> c.GetConversationSummaryResult:
    if params.rollout_path is not None:
        unwritten = _find_unwritten(context, params.rollout_path)
        if unwritten is not None:
            summary = await history.summary_by_id(context.engine, unwritten.thread_id)
        else:
            summary = await history.summary_by_path(context.engine.home, params.rollout_path)
    elif params.conversation_id is not None:
        summary = await history.summary_by_id(context.engine, params.conversation_id)
    else:
        raise context.connection.dialect.bad_params("one of `rolloutPath` and `conversationId` is required")
    return c.GetConversationSummaryResult(summary=c.ConversationSummary.model_validate(summary))


async def resume_conversation(context: Context, params: c.ResumeConversationParams) -> None:
    source, rollout = await _resume_source(context, params)
    messages = [] if rollout is None else await anyio.to_thread.run_sync(rollouts.initial_messages, rollout)

    def resumed(conversation: Conversation) -> None:
        context.connection.delivery.open(conversation)
        configured = SessionConfigured(
            session_id=conversation.id,
            model=conversation.model,
            reasoning_effort=conversation.reasoning_effort,
            history_log_id=0,
            history_entry_count=0,
            initial_messages=messages,
            rollout_path=conversation.rollout_path,
        )
        context.connection.client.notify(r.SESSION_CONFIGURED.name, configured.to_wire())
        context.answer(
            c.ResumeConversationResult(
                conversation_id=conversation.id,
                model=conversation.model,
                initial_messages=messages,
                rollout_path=conversation.rollout_path,
            )
        )

    options = thread_options(params.overrides or c.NewConversationParams(), _ignored(context, params))
    try:
        await context.conversations.resume(source, options, context.connection.delivery, resumed, raw_items=True)
    except ConfigurationError as error:
        raise ConfigurationError(f"error deriving config: {error.message}") from None
    except EngineError as error:
        raise _failed("resuming", error) from None


def _failed(what: str, error: EngineError) -> CodexMcpError:
    """As the old server put it."""
    caused_by_caller = isinstance(error, EngineRefusal) and error.rpc_code == INVALID_REQUEST
    family = CallerError if caused_by_caller else EngineError
    return family(f"error {what} conversation: {error.message}", code=error.code)


async def _resume_source(
    context: Context, params: c.ResumeConversationParams
) -> tuple[ResumeSource, pathlib.Path | None]:
    """What to resume, and its rollout file; None if nothing was written yet."""
    if params.path is not None:
        unwritten = _find_unwritten(context, params.path)
        if unwritten is not None:
            return ResumeSource(id=unwritten.id), None
        try:
            rollout = rollouts.locate(context.engine.home, params.path)
        except RolloutUnreadable as problem:
            reason = f"failed to load rollout `{params.path}`: {problem.message}"
            raise CallerError(reason, code="not_found") from None
        return ResumeSource(path=str(rollout)), rollout
    if params.conversation_id is not None:
        if context.conversations.find_unwritten(id=params.conversation_id) is not None:
            return ResumeSource(id=params.conversation_id), None
        try:
            summary = await history.summary_by_id(context.engine, params.conversation_id)
            return ResumeSource(id=params.conversation_id), rollouts.locate(context.engine.home, summary["path"])
        except RolloutUnreadable:
            reason = f"no rollout found for conversation id {params.conversation_id}"
            raise CallerError(reason, code="not_found") from None
    if params.history:
        return ResumeSource(history=params.history), None
    raise CallerError("either path, conversation id or non empty history must be provided")


def _find_unwritten(context: Context, path: str) -> Conversation | None:
    """The conversation whose rollout file will be at `path` (relative: to CODEX_HOME), if it is not there yet."""
    return context.conversations.find_unwritten(path=os.path.join(context.engine.home.path, path))


async def archive(context: Context, params: c.ArchiveConversationParams) -> Empty:
    path, id = context.engine.home.absolute(params.rollout_path), params.conversation_id
    if context.conversations.find_unwritten(path=path) is None:
        try:
            rollouts.locate(context.engine.home, path, ("sessions",))
        except RolloutUnreadable:
            raise CallerError(f"rollout path `{params.rollout_path}` must be in sessions directory") from None
    if id not in os.path.basename(path):
        raise CallerError(f"rollout path `{params.rollout_path}` does not match conversation id {id}")
    await context.conversations.archive(id)
    return Empty()


HANDLERS: dict[str, Handler] = {
    r.NEW_CONVERSATION.name: new_conversation,
    r.ADD_CONVERSATION_LISTENER.name: add_listener,
    r.REMOVE_CONVERSATION_LISTENER.name: remove_listener,
    r.SEND_USER_MESSAGE.name: send_user_message,
    r.SEND_USER_TURN.name: send_user_turn,
    r.INTERRUPT_CONVERSATION.name: interrupt,
    r.LIST_CONVERSATIONS.name: list_conversations,
    r.GET_CONVERSATION_SUMMARY.name: get_summary,
    r.RESUME_CONVERSATION.name: resume_conversation,
    r.ARCHIVE_CONVERSATION.name: archive,
}
