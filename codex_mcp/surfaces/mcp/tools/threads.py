"""Threads as tools: list, read, interrupt, archive, fork."""

from __future__ import annotations

import msgspec

from codex_mcp.bridge import threads
from codex_mcp.engine.link import EngineRefusal
from codex_mcp.errors import CallerError
from codex_mcp.protocol import tools as t
from codex_mcp.surfaces.mcp.context import CallContext
from codex_mcp.surfaces.mcp.results import as_data, success
from codex_mcp.surfaces.mcp.tools.declare import Tool
from codex_mcp.wire.messages import JsonObject

_DEFAULT_LIMIT = 20
_DEFAULT_MESSAGES = 50


async def list_threads(call: CallContext, arguments: t.ListArguments) -> JsonObject:
    """A page of the user's threads."""
    try:
        found, next_cursor = await threads.list_threads(
            call.engine,
            limit=arguments.limit or _DEFAULT_LIMIT,
            cursor=arguments.cursor,
            search=arguments.search,
            archived=bool(arguments.archived),
        )
    except EngineRefusal as refusal:
        raise CallerError(refusal.message, code="invalid_arguments") from None
    infos = [msgspec.convert(info, t.ThreadInfo) for info in found]
    return as_data(t.ThreadPage(threads=infos, next_cursor=next_cursor))


async def read(call: CallContext, arguments: t.ReadArguments) -> JsonObject:
    """What was said in a thread, and the files that its patches changed."""
    thread = await threads.read_thread(call.engine, arguments.thread_id, turns=True)
    messages = threads.messages(thread)
    earlier = max(0, len(messages) - (arguments.limit or _DEFAULT_MESSAGES))
    files = threads.files(thread)
    if not arguments.diffs:
        files = [{**file, "diffs": None} for file in files]
    return as_data(
        t.ThreadTranscript(
            thread=msgspec.convert(threads.thread_info(thread), t.ThreadInfo),
            messages=[msgspec.convert(message, t.Message) for message in messages[earlier:]],
            earlier_messages=earlier,
            files=[msgspec.convert(file, t.FileTouched) for file in files],
        )
    )


async def interrupt(call: CallContext, arguments: t.ThreadArguments) -> JsonObject:
    """Stop what runs in a thread of this server."""
    id = threads.check_id(arguments.thread_id)
    conversation = call.conversations.find(id)
    if conversation is None:
        await threads.read_thread(call.engine, id, turns=False)  # an id that nobody knows is an error
    running = conversation is not None and conversation.busy
    if conversation is not None and running:
        await call.conversations.interrupt(conversation)
    text = "Stopped." if running else "Nothing runs in the thread."
    return success(t.InterruptResult(thread_id=id, interrupted=running), text)


async def archive(call: CallContext, arguments: t.ThreadArguments) -> JsonObject:
    """Put a thread away."""
    id = threads.check_id(arguments.thread_id)
    try:
        await call.conversations.archive(id)
    except EngineRefusal as refusal:
        await threads.read_thread(call.engine, id, turns=False)  # an id that nobody knows is another error
        raise CallerError(f"the thread cannot be archived: {refusal.message}", code="conflict") from None
    call.mcp.turns.on_closed(id)  # what was never loaded here tells nobody that it is gone
    call.mcp.subscriptions.changed(id)
    return success(t.ArchiveResult(thread_id=id, archived=True), "Archived.")


async def fork(call: CallContext, arguments: t.ThreadArguments) -> JsonObject:
    """Copy a thread."""
    id = threads.check_id(arguments.thread_id)
    settings = await threads.settings_of(call.engine, id)
    original = call.conversations.find(id)
    if original is not None:
        settings = settings.updated(original.next_turn)
    try:
        copy = await call.conversations.fork(id, settings, call.connection.delivery, call.mcp.turns.open_thread)
    except EngineRefusal as refusal:
        raise CallerError(f"the thread cannot be copied: {refusal.message}") from None
    text = f"The copy is the thread {copy.id}; go on with it by codex-reply."
    return success(t.ForkResult(thread_id=copy.id, forked_from=id), text)


TOOLS = (
    Tool(
        "codex-threads",
        "List Codex threads",
        "The threads that the user's Codex has kept, newest first, whatever program began them.",
        t.ListArguments,
        t.ThreadPage,
        list_threads,
        read_only=True,
        idempotent=True,
    ),
    Tool(
        "codex-read",
        "Read a Codex thread",
        "What was said in a thread, oldest first, and which files its patches changed.",
        t.ReadArguments,
        t.ThreadTranscript,
        read,
        missing="the `threadId` field is required",
        read_only=True,
        idempotent=True,
    ),
    Tool(
        "codex-interrupt",
        "Interrupt a Codex thread",
        "Stop what runs in a thread of this server, commands included. The thread can be continued.",
        t.ThreadArguments,
        t.InterruptResult,
        interrupt,
        missing="the `threadId` field is required",
        destructive=True,
        idempotent=True,
    ),
    Tool(
        "codex-archive",
        "Archive a Codex thread",
        "Put a thread away: it is no longer listed or continued, its file is kept.",
        t.ThreadArguments,
        t.ArchiveResult,
        archive,
        missing="the `threadId` field is required",
        destructive=True,
    ),
    Tool(
        "codex-fork",
        "Fork a Codex thread",
        "Copy a thread with all that was said, to try something without changing the original.",
        t.ThreadArguments,
        t.ForkResult,
        fork,
        missing="the `threadId` field is required",
    ),
)
