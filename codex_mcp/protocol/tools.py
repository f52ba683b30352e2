"""The MCP tools: their arguments and results.

`codex` and `codex-reply` take what every release of `codex mcp-server` took, and more; arguments are in kebab-case,
results in camelCase, as those releases had them. Fields of results without a value are left out. The tools
themselves are declared in `surfaces.mcp.tools`; the published form of both is `surfaces/mcp/published`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, field, to_builtins

from codex_mcp.protocol.choices import ApprovalPolicy, ReasoningEffort, SandboxMode

JsonSchema: TypeAlias = dict[str, Any]

_JSON_TYPES = ("object", "array", "string", "number", "boolean", "null")


class ToolArguments(Struct, rename="kebab"):
    """Arguments of a tool. Unknown ones are not an error: the result names them."""


class Data(Struct, rename="camel", omit_defaults=True):
    """Part of a result. Fields with a default are left out while they have it."""


class ToolResult(Data):
    """`structuredContent` of a tool's result."""

    def to_wire(self) -> dict[str, Any]:
        """As sent: without the fields that have no value."""
        data: dict[str, Any] = to_builtins(self)
        return data


Prompt = Annotated[str, Meta(description="What Codex should do.")]
Cwd = Annotated[
    str | None,
    Meta(description="Working directory. A relative path starts at the server's own working directory."),
]
Model = Annotated[str | None, Meta(description="Model name; the configured one if not given.")]
Sandbox = Annotated[SandboxMode | None, Meta(description="What commands may touch.")]
Approval = Annotated[
    ApprovalPolicy | None,
    Meta(
        description="When Codex asks before it acts. `never`: it works within the sandbox and asks nothing. "
        "`on-failure` is served as `on-request`."
    ),
]
Effort = Annotated[ReasoningEffort | None, Meta(description="How much the model reasons.")]
Images = Annotated[list[str] | None, Meta(description="Images to look at: file paths (relative to cwd) or data: URLs.")]
OutputSchema = Annotated[
    JsonSchema | None,
    Meta(description="JSON Schema of the final answer. The parsed answer is `output` of the result."),
]
Timeout = Annotated[
    Annotated[float, Meta(gt=0)] | None,
    Meta(description="Seconds after which the turn is interrupted and the call fails."),
]
OptionalThreadId = Annotated[str | None, Meta(description="The `threadId` of an earlier result.")]


class TurnArguments(ToolArguments):
    """What every tool that has Codex work takes."""

    prompt: Prompt
    model: Model = None
    sandbox: Sandbox = None
    approval_policy: Approval = None
    effort: Effort = None
    images: Images = None
    output_schema: OutputSchema = None
    timeout_seconds: Timeout = None


class CodexArguments(TurnArguments):
    """Arguments of `codex`."""

    cwd: Cwd = None
    profile: Annotated[str | None, Meta(description="A profile of the user's config.toml.")] = None
    config: Annotated[
        dict[str, Any] | None, Meta(description="Settings that override config.toml, by (dotted) key.")
    ] = None
    base_instructions: Annotated[str | None, Meta(description="Instructions to use instead of the default ones.")] = (
        None
    )
    developer_instructions: Annotated[
        str | None, Meta(description="Further instructions, given as a developer message.")
    ] = None
    compact_prompt: Annotated[str | None, Meta(description="Prompt used to compact the conversation.")] = None


class ReplyArguments(TurnArguments):
    """Arguments of `codex-reply`. One of the two ids is required; `threadId` wins."""

    thread_id: OptionalThreadId = field(name="threadId", default=None)
    conversation_id: Annotated[str | None, Meta(description="Deprecated: use threadId.")] = field(
        name="conversationId", default=None
    )


ChangeKind = Literal["add", "update", "delete"]


class ToolError(Data):
    """Why a call failed. `code` is stable; `advice` says what to do next."""

    code: str
    message: str
    advice: str | None = None


class DeniedApproval(Data):
    """Something Codex asked for and did not get."""

    kind: Literal["command", "patch", "tool"]
    what: str
    because: str


class FileChanged(Data):
    """A file that the turn's patches changed. Changes made by commands are not seen."""

    path: str
    kind: ChangeKind


class TurnUsage(Data, omit_defaults=False):
    """Tokens of this turn."""

    input_tokens: int = 0
    cached_input_tokens: int = 0
    output_tokens: int = 0
    reasoning_output_tokens: int = 0
    total_tokens: int = 0


class PendingApproval(Data):
    """A question of Codex that waits for an answer."""

    approval_id: str
    kind: Literal["command", "patch", "tool"]
    what: str
    cwd: str | None = None
    reason: str | None = None
    diff: str | None = None


TurnStatus = Literal["completed", "interrupted", "failed", "running", "queued", "waiting-for-approval"]


class AbsentServer(Data):
    """An MCP server that a thread should have and has not."""

    name: str
    state: str
    advice: str | None = None


class TurnResult(ToolResult):
    """How a turn ended, or how it stands. `content` is the text that the call shows."""

    thread_id: str
    content: str
    status: TurnStatus | None = None
    output: Annotated[
        Any,
        Meta(
            description="The parsed answer, if there was an `output-schema`.",
            extra_json_schema={"anyOf": [{"type": kind} for kind in _JSON_TYPES]},
        ),
    ] = UNSET
    files_changed: list[FileChanged] | None = None
    denied_approvals: list[DeniedApproval] | None = None
    token_usage: TurnUsage | None = None
    mcp_servers: Annotated[
        list[AbsentServer] | None, Meta(description="MCP servers of the thread that are not connected.")
    ] = None
    notes: list[str] | None = None
    error: ToolError | None = None


class ListArguments(ToolArguments):
    """Arguments of `codex-threads`."""

    limit: Annotated[Annotated[int, Meta(ge=1, le=200)] | None, Meta(description="How many; 20 if not given.")] = None
    cursor: Annotated[str | None, Meta(description="`nextCursor` of the page before.")] = None
    search: Annotated[str | None, Meta(description="Only threads whose text has these words.")] = None
    archived: Annotated[bool | None, Meta(description="The archived threads instead.")] = None


class ThreadInfo(Data):
    """A thread that the user's Codex has kept. Times are ISO 8601 UTC."""

    thread_id: str
    preview: str
    created_at: str
    updated_at: str
    running: bool
    name: str | None = None
    cwd: str | None = None
    model: str | None = None
    model_provider: str | None = None
    git_branch: str | None = None


class ThreadPage(ToolResult):
    """Newest first."""

    threads: list[ThreadInfo]
    next_cursor: str | None = None


class ReadArguments(ToolArguments):
    """Arguments of `codex-read`."""

    thread_id: str = field(name="threadId")
    limit: Annotated[
        Annotated[int, Meta(ge=1)] | None, Meta(description="The newest so many messages; 50 if not given.")
    ] = None
    diffs: Annotated[bool | None, Meta(description="Give the diffs of changed files, too.")] = None


class Message(Data):
    """Something that was said."""

    role: Literal["user", "assistant"]
    text: str


class FileTouched(Data):
    """A file that the thread's patches changed; `diffs` oldest first."""

    path: str
    kind: ChangeKind
    diffs: list[str] | None = None


class ThreadTranscript(ToolResult):
    """Messages oldest first."""

    thread: ThreadInfo
    messages: list[Message]
    earlier_messages: int
    files: list[FileTouched]


class ThreadArguments(ToolArguments):
    """Arguments of tools that take nothing but a thread."""

    thread_id: str = field(name="threadId")


class InterruptResult(ToolResult):
    """`interrupted` is false if nothing ran."""

    thread_id: str
    interrupted: bool


class ArchiveResult(ToolResult):
    """The thread is out of the lists; its file is kept."""

    thread_id: str
    archived: bool


class ForkResult(ToolResult):
    """`threadId` is the copy; the thread it was made of is unchanged."""

    thread_id: str
    forked_from: str


class StartArguments(CodexArguments, kw_only=True):
    """Arguments of `codex-start`: those of `codex`, a thread to go on with instead of a new one, or a lifecycle tool
    to run instead of the prompt."""

    prompt: Prompt = ""
    tool: Annotated[
        str | None,
        Meta(description="Run this tool of the set `lifecycle` in place of the prompt; it has to be offered."),
    ] = None
    arguments: Annotated[dict[str, Any] | None, Meta(description="The arguments of `tool`.")] = None
    thread_id: Annotated[str | None, Meta(description="Go on with this thread instead of beginning one.")] = field(
        name="threadId", default=None
    )


class WaitArguments(ToolArguments):
    """Arguments of `codex-wait`."""

    thread_id: str = field(name="threadId")
    timeout_seconds: Annotated[
        Annotated[float, Meta(ge=0, le=600)] | None,
        Meta(description="How long to wait; 30 if not given, 0 to look only."),
    ] = None


class WaitResult(TurnResult):
    """`activity` is what Codex does now."""

    activity: str | None = None
    pending_approvals: list[PendingApproval] | None = None


class AnswerArguments(ToolArguments):
    """Arguments of `codex-answer`."""

    thread_id: str = field(name="threadId")
    approval_id: Annotated[str, Meta(description="Of `pendingApprovals`.")] = field(name="approvalId")
    decision: Annotated[
        Literal["approve", "approve-for-session", "deny", "stop"],
        Meta(description="`deny`: Codex goes on without; `stop`: the turn ends."),
    ]


class AnswerResult(ToolResult):
    """The decision was given to Codex; `what` it is about."""

    thread_id: str
    approval_id: str
    decision: str
    what: str
