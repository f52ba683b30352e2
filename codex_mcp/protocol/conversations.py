"""Conversations: begin, listen, send, interrupt, list, resume, archive."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from codex_mcp.protocol.base import Uuid, WireModel
from codex_mcp.protocol.choices import ApprovalPolicy, ReasoningEffort, ReasoningSummary, SandboxMode
from codex_mcp.protocol.input_items import InputItem
from codex_mcp.protocol.sandbox import SandboxPolicy
from codex_mcp.protocol.session import AnEventMsg


class NewConversationParams(WireModel):
    """Everything is optional. Typed fields beat `config`, which beats `profile`, which beats config.toml."""

    model: str | None = None
    model_provider: str | None = None
    profile: str | None = None
    cwd: str | None = None
    """Relative to the server's own; need not exist."""
    approval_policy: ApprovalPolicy | None = None
    sandbox: SandboxMode | None = None
    config: dict[str, Any] | None = None
    """Settings of config.toml by dotted key."""
    base_instructions: str | None = None
    developer_instructions: str | None = None
    compact_prompt: str | None = None
    include_plan_tool: bool | None = None
    """On unless `false`."""
    include_apply_patch_tool: bool | None = None
    """Taken and without effect: whether a model has the patch tool is the model's own property today."""


class NewConversationResult(WireModel):
    """The conversation that was begun."""

    conversation_id: str
    model: str
    reasoning_effort: str | None
    rollout_path: str
    """The file that keeps the conversation. It is written with the first turn."""


class AddConversationListenerParams(WireModel):
    """Ask for the events of a conversation."""

    conversation_id: Uuid
    experimental_raw_events: bool = False
    """Also send `raw_response_item` events."""


class AddConversationListenerResult(WireModel):
    """The id to remove the listener by."""

    subscription_id: str


class RemoveConversationListenerParams(WireModel):
    """Give a listener up."""

    subscription_id: Uuid


class SendUserMessageParams(WireModel):
    """Send a message with the settings the conversation has. While a turn runs, the message joins it."""

    conversation_id: Uuid
    items: list[InputItem]


class SendUserTurnParams(WireModel):
    """Send a message with settings for this turn and those after it. While a turn runs, the message joins it and
    the settings count from the next turn."""

    conversation_id: Uuid
    items: list[InputItem]
    cwd: str
    approval_policy: ApprovalPolicy
    sandbox_policy: SandboxPolicy
    model: str
    effort: ReasoningEffort | None = None
    summary: ReasoningSummary


class InterruptConversationParams(WireModel):
    """Stop what is running."""

    conversation_id: Uuid


class InterruptConversationResult(WireModel):
    """Answered after the `turn_aborted` event, at once when nothing runs."""

    abort_reason: Literal["interrupted", "replaced", "review_ended"] = "interrupted"


class ListConversationsParams(WireModel):
    """Page through the conversations of the user's Codex, newest first."""

    page_size: Annotated[int, Field(ge=0)] | None = None
    """25 if not given."""
    cursor: str | None = None
    """`nextCursor` of the page before."""
    model_providers: list[str] | None = None
    """Of these providers; null: of the default one; `[]`: of all."""


class ConversationSummary(WireModel):
    """What a list shows of a conversation."""

    conversation_id: str
    path: str
    preview: str
    """The user's first message."""
    timestamp: str | None
    """When it was begun, RFC 3339, UTC."""
    model_provider: str


class ListConversationsResult(WireModel):
    """A page."""

    items: list[ConversationSummary]
    next_cursor: str | None


class GetConversationSummaryParams(WireModel):
    """One of both; the path wins. A relative path is relative to CODEX_HOME."""

    rollout_path: str | None = None
    conversation_id: Uuid | None = None


class GetConversationSummaryResult(WireModel):
    """The conversation asked for."""

    summary: ConversationSummary


class ResumeConversationParams(WireModel):
    """Go on with a conversation: by the path of its rollout, by id, or with a history of response items.

    The path wins over the id, the id over the history.
    """

    path: str | None = None
    conversation_id: Uuid | None = None
    history: list[Any] | None = None
    overrides: NewConversationParams | None = None


class ResumeConversationResult(WireModel):
    """The conversation, with what was said in it so far, as events."""

    conversation_id: str
    model: str
    initial_messages: list[AnEventMsg]
    rollout_path: str


class ArchiveConversationParams(WireModel):
    """Put a conversation away; both have to name the same one."""

    conversation_id: Uuid
    rollout_path: str
