"""Threads as tools: list, read, interrupt, archive, fork."""

from __future__ import annotations

import msgspec

from codex_mcp.bridge import threads
from codex_mcp.engine.link import EngineRefusal
from codex_mcp.errors import CallerError
from codex_mcp.protocol import tools as t
from codex_mcp.surfaces.mcp.call import ToolCall
from codex_mcp.surfaces.mcp.results import as_data, success
from codex_mcp.surfaces.mcp.work import open_thread
from codex_mcp.wire.messages import JsonObject

_DEFAULT_LIMIT = 20
_DEFAULT_MESSAGES = 50


async def list_threads(call: ToolCall, arguments: t.ListArguments) -> JsonObject:
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


async def read(call: ToolCall, arguments: t.ReadArguments) -> JsonObject:
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


async def interrupt(call: ToolCall, arguments: t.ThreadArguments) -> JsonObject:
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


async def archive(call: ToolCall, arguments: t.ThreadArguments) -> JsonObject:
    """Put a thread away."""
    id = threads.check_id(arguments.thread_id)
    try:
        await call.conversations.archive(id)
    except EngineRefusal:
        raise threads.ThreadNotFound(id) from None
    call.surface.forget(id)
    return success(t.ArchiveResult(thread_id=id, archived=True), "Archived.")


async def fork(call: ToolCall, arguments: t.ThreadArguments) -> JsonObject:
    """Copy a thread."""
    id = threads.check_id(arguments.thread_id)
    settings = await threads.settings_of(call.engine, id)
    original = call.conversations.find(id)
    if original is not None:
        settings = settings.updated(original.next_turn)
    try:
        copy = await call.conversations.fork(id, settings, lambda forked: open_thread(call.surface, forked))
    except EngineRefusal as refusal:
        raise CallerError(f"the thread cannot be copied: {refusal.message}") from None
    text = f"The copy is the thread {copy.id}; go on with it by codex-reply."
    return success(t.ForkResult(thread_id=copy.id, forked_from=id), text)
