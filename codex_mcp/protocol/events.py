"""The events of a conversation: `msg` of the notification `codex/event`, by `type`.

Keys are snake_case here. Optional fields are either left out (`= None` with `omit` in the comment) or sent as null,
each as the released server did; `EventMsg` is for reading, what is sent is built by `codex_mcp.bridge.events`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from codex_mcp.protocol.approvals import FileChange, ParsedCommand
from codex_mcp.protocol.base import SnakeModel
from codex_mcp.protocol.rate_limits import RateLimits


class Duration(SnakeModel):
    """A span of time."""

    secs: int
    nanos: int


class TokenUsage(SnakeModel):
    """Tokens of one or more model calls."""

    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    reasoning_output_tokens: int
    total_tokens: int


class TokenUsageInfo(SnakeModel):
    """Tokens of the conversation and of its last model call."""

    total_token_usage: TokenUsage
    last_token_usage: TokenUsage
    model_context_window: int | None


class TextInput(SnakeModel):
    """Text of a user message."""

    type: Literal["text"] = "text"
    text: str


class ImageInput(SnakeModel):
    """Image of a user message, by URL."""

    type: Literal["image"] = "image"
    image_url: str


class LocalImageInput(SnakeModel):
    """Image of a user message, by path."""

    type: Literal["local_image"] = "local_image"
    path: str


UserInput = Annotated[TextInput | ImageInput | LocalImageInput, Field(discriminator="type")]


class UserMessageBody(SnakeModel):
    """What the user sent."""

    id: str
    content: list[UserInput]


class AgentText(SnakeModel):
    """A piece of text."""

    text: str


class AgentContent(SnakeModel):
    """`{"Text": …}`."""

    text: AgentText = Field(alias="Text")


class AgentMessageBody(SnakeModel):
    """What the agent answers; empty when it starts."""

    id: str
    content: list[AgentContent]


class ReasoningBody(SnakeModel):
    """What the agent thinks; empty when it starts."""

    id: str
    summary_text: list[str]
    raw_content: list[str]


class WebSearchBody(SnakeModel):
    """A search."""

    id: str
    query: str


class UserMessageItem(SnakeModel):
    """`{"UserMessage": …}`."""

    user_message: UserMessageBody = Field(alias="UserMessage")


class AgentMessageItem(SnakeModel):
    """`{"AgentMessage": …}`."""

    agent_message: AgentMessageBody = Field(alias="AgentMessage")


class ReasoningItem(SnakeModel):
    """`{"Reasoning": …}`."""

    reasoning: ReasoningBody = Field(alias="Reasoning")


class WebSearchItem(SnakeModel):
    """`{"WebSearch": …}`."""

    web_search: WebSearchBody = Field(alias="WebSearch")


TurnItem = UserMessageItem | AgentMessageItem | ReasoningItem | WebSearchItem
"""Externally tagged: exactly one key, which names the kind."""


class McpInvocation(SnakeModel):
    """A call of a tool of another MCP server."""

    server: str
    tool: str
    arguments: Any


class PlanStep(SnakeModel):
    """A step of the plan."""

    step: str
    status: Literal["pending", "in_progress", "completed"]


class ErrorEvent(SnakeModel):
    """The turn failed (`task_complete` follows), or something of the session did (event id `""`)."""

    type: Literal["error"] = "error"
    message: str


class TaskStarted(SnakeModel):
    """A turn begins."""

    type: Literal["task_started"] = "task_started"
    model_context_window: int | None


class TaskComplete(SnakeModel):
    """A turn ended by itself: the last of its events."""

    type: Literal["task_complete"] = "task_complete"
    last_agent_message: str | None


class TurnAborted(SnakeModel):
    """A turn was ended: the last of its events."""

    type: Literal["turn_aborted"] = "turn_aborted"
    reason: Literal["interrupted", "replaced", "review_ended"]


class TokenCount(SnakeModel):
    """Tokens used and limits left, after a model call."""

    type: Literal["token_count"] = "token_count"
    info: TokenUsageInfo | None
    rate_limits: RateLimits | None


class UserMessage(SnakeModel):
    """What the user sent, taken up by the turn."""

    type: Literal["user_message"] = "user_message"
    message: str
    images: list[str] | None = None


class AgentMessage(SnakeModel):
    """A complete message of the agent."""

    type: Literal["agent_message"] = "agent_message"
    message: str


class AgentMessageDelta(SnakeModel):
    """A piece of a message of the agent."""

    type: Literal["agent_message_delta"] = "agent_message_delta"
    delta: str


class AgentReasoning(SnakeModel):
    """A complete section of the reasoning summary."""

    type: Literal["agent_reasoning"] = "agent_reasoning"
    text: str


class AgentReasoningDelta(SnakeModel):
    """A piece of the reasoning summary."""

    type: Literal["agent_reasoning_delta"] = "agent_reasoning_delta"
    delta: str


class AgentReasoningRawContent(SnakeModel):
    """The complete raw reasoning; only with `show_raw_agent_reasoning = true`."""

    type: Literal["agent_reasoning_raw_content"] = "agent_reasoning_raw_content"
    text: str


class AgentReasoningRawContentDelta(SnakeModel):
    """A piece of the raw reasoning."""

    type: Literal["agent_reasoning_raw_content_delta"] = "agent_reasoning_raw_content_delta"
    delta: str


class AgentReasoningSectionBreak(SnakeModel):
    """A section of the reasoning summary begins."""

    type: Literal["agent_reasoning_section_break"] = "agent_reasoning_section_break"


class SessionConfiguredEvent(SnakeModel):
    """A thread of the tools `codex` and `codex-reply` is ready. Not sent for conversations of the v1 methods."""

    type: Literal["session_configured"] = "session_configured"
    session_id: str
    thread_id: str
    model: str
    model_provider_id: str
    approval_policy: str | None = None
    cwd: str
    reasoning_effort: str | None = None
    history_log_id: int
    history_entry_count: int
    initial_messages: list[Any] | None = None
    rollout_path: str


class McpToolCallBegin(SnakeModel):
    """A tool of another MCP server is called."""

    type: Literal["mcp_tool_call_begin"] = "mcp_tool_call_begin"
    call_id: str
    invocation: McpInvocation


class McpToolCallEnd(SnakeModel):
    """It answered: `result` is `{"Ok": …}` or `{"Err": "…"}`."""

    type: Literal["mcp_tool_call_end"] = "mcp_tool_call_end"
    call_id: str
    invocation: McpInvocation
    duration: Duration
    result: dict[str, Any]


class WebSearchEnd(SnakeModel):
    """A search was made."""

    type: Literal["web_search_end"] = "web_search_end"
    call_id: str
    query: str


class ExecCommandBegin(SnakeModel):
    """A command is about to run; an approval may be asked first."""

    type: Literal["exec_command_begin"] = "exec_command_begin"
    call_id: str
    command: list[str]
    cwd: str
    parsed_cmd: list[ParsedCommand]
    is_user_shell_command: bool


class ExecCommandOutputDelta(SnakeModel):
    """Output of a command, base64."""

    type: Literal["exec_command_output_delta"] = "exec_command_output_delta"
    call_id: str
    stream: Literal["stdout", "stderr"]
    chunk: str


class ExecCommandEnd(SnakeModel):
    """A command ended. The exit code is -1 when it was rejected or killed, 124 when it was left running."""

    type: Literal["exec_command_end"] = "exec_command_end"
    call_id: str
    stdout: str
    stderr: str
    aggregated_output: str
    exit_code: int
    duration: Duration
    formatted_output: str


class ViewImageToolCall(SnakeModel):
    """The agent looks at an image file."""

    type: Literal["view_image_tool_call"] = "view_image_tool_call"
    call_id: str
    path: str


class ExecApprovalRequest(SnakeModel):
    """The request `execCommandApproval` follows."""

    type: Literal["exec_approval_request"] = "exec_approval_request"
    call_id: str
    command: list[str]
    cwd: str
    reason: str | None = None
    parsed_cmd: list[ParsedCommand]


class ApplyPatchApprovalRequest(SnakeModel):
    """The request `applyPatchApproval` follows."""

    type: Literal["apply_patch_approval_request"] = "apply_patch_approval_request"
    call_id: str
    changes: dict[str, FileChange]
    reason: str | None = None
    grant_root: str | None = None


class DeprecationNotice(SnakeModel):
    """Something the user relies on is no longer what it was."""

    type: Literal["deprecation_notice"] = "deprecation_notice"
    summary: str
    details: str | None = None


class BackgroundEvent(SnakeModel):
    """Something to know that is no error."""

    type: Literal["background_event"] = "background_event"
    message: str


class StreamError(SnakeModel):
    """The model's stream broke and is tried again."""

    type: Literal["stream_error"] = "stream_error"
    message: str


class PatchApplyBegin(SnakeModel):
    """A patch is applied."""

    type: Literal["patch_apply_begin"] = "patch_apply_begin"
    call_id: str
    auto_approved: bool
    changes: dict[str, FileChange]


class PatchApplyEnd(SnakeModel):
    """A patch was applied, or could not be."""

    type: Literal["patch_apply_end"] = "patch_apply_end"
    call_id: str
    stdout: str
    stderr: str
    success: bool


class TurnDiff(SnakeModel):
    """All changes of the turn so far."""

    type: Literal["turn_diff"] = "turn_diff"
    unified_diff: str


class PlanUpdate(SnakeModel):
    """The agent's plan changed."""

    type: Literal["plan_update"] = "plan_update"
    explanation: str | None
    plan: list[PlanStep]


class ShutdownComplete(SnakeModel):
    """The conversation was closed."""

    type: Literal["shutdown_complete"] = "shutdown_complete"


class EnteredReviewMode(SnakeModel):
    """A review begins."""

    type: Literal["entered_review_mode"] = "entered_review_mode"
    prompt: str
    user_facing_hint: str


class ExitedReviewMode(SnakeModel):
    """A review ended."""

    type: Literal["exited_review_mode"] = "exited_review_mode"
    review_output: Any


class RawResponseItem(SnakeModel):
    """An item of the model's conversation as the provider sees it; only for listeners with raw events."""

    type: Literal["raw_response_item"] = "raw_response_item"
    item: Any


class ItemStarted(SnakeModel):
    """An item of the turn begins."""

    type: Literal["item_started"] = "item_started"
    thread_id: str
    turn_id: str
    item: TurnItem


class ItemCompleted(SnakeModel):
    """An item of the turn is complete."""

    type: Literal["item_completed"] = "item_completed"
    thread_id: str
    turn_id: str
    item: TurnItem


class AgentMessageContentDelta(SnakeModel):
    """A piece of an AgentMessage item; `agent_message_delta` with the same text follows."""

    type: Literal["agent_message_content_delta"] = "agent_message_content_delta"
    thread_id: str
    turn_id: str
    item_id: str
    delta: str


class ReasoningContentDelta(SnakeModel):
    """A piece of a Reasoning item; `agent_reasoning_delta` with the same text follows."""

    type: Literal["reasoning_content_delta"] = "reasoning_content_delta"
    thread_id: str
    turn_id: str
    item_id: str
    delta: str


class ReasoningRawContentDelta(SnakeModel):
    """A piece of raw reasoning; `agent_reasoning_raw_content_delta` with the same text follows."""

    type: Literal["reasoning_raw_content_delta"] = "reasoning_raw_content_delta"
    thread_id: str
    turn_id: str
    item_id: str
    delta: str


EventMsg = Annotated[
    ErrorEvent
    | TaskStarted
    | TaskComplete
    | TurnAborted
    | TokenCount
    | UserMessage
    | AgentMessage
    | AgentMessageDelta
    | AgentReasoning
    | AgentReasoningDelta
    | AgentReasoningRawContent
    | AgentReasoningRawContentDelta
    | AgentReasoningSectionBreak
    | SessionConfiguredEvent
    | McpToolCallBegin
    | McpToolCallEnd
    | WebSearchEnd
    | ExecCommandBegin
    | ExecCommandOutputDelta
    | ExecCommandEnd
    | ViewImageToolCall
    | ExecApprovalRequest
    | ApplyPatchApprovalRequest
    | DeprecationNotice
    | BackgroundEvent
    | StreamError
    | PatchApplyBegin
    | PatchApplyEnd
    | TurnDiff
    | PlanUpdate
    | ShutdownComplete
    | EnteredReviewMode
    | ExitedReviewMode
    | RawResponseItem
    | ItemStarted
    | ItemCompleted
    | AgentMessageContentDelta
    | ReasoningContentDelta
    | ReasoningRawContentDelta,
    Field(discriminator="type"),
]
"""Every event that is sent."""
