"""The MCP methods beside the handshake, and what they share: one `McpSurface` per connection.

Every request is looked up and its params are checked at once, in order of arrival; the work runs in tasks.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import anyio

from codex_mcp.bridge.conversation import Conversation
from codex_mcp.bridge.events import Event
from codex_mcp.surfaces.mcp.client_log import ClientLog
from codex_mcp.surfaces.mcp.elicitation import Elicitations
from codex_mcp.surfaces.mcp.options import McpOptions
from codex_mcp.surfaces.mcp.turn import ToolTurn
from codex_mcp.wire.errors import INVALID_PARAMS, RpcError
from codex_mcp.wire.messages import JsonObject
from codex_mcp.wire.peer import IncomingCall

if TYPE_CHECKING:
    from codex_mcp.surfaces.mcp.background_tools import Job
    from codex_mcp.surfaces.mcp.work import Work
    from codex_mcp.surfaces.session import ClientSession

log = logging.getLogger(__name__)

_TURN_ENDS = ("task_complete", "turn_aborted")


class McpSurface:
    """State of the MCP side of a connection. `session` is the connection it belongs to."""

    def __init__(self, session: ClientSession, options: McpOptions) -> None:
        handshake = session.handshake
        self.session = session
        self.options = options
        self.elicitations = Elicitations(
            session.peer, handshake.client_capabilities, handshake.protocol_version, options.approval_timeout
        )
        self.turns: dict[str, ToolTurn] = {}
        """The turns that tools run now, by conversation."""
        self.jobs: dict[str, deque[Job]] = {}
        """Turns in the background, by conversation: those whose result was not asked for yet, and the last one."""
        self._queues: WeakValueDictionary[str, anyio.Semaphore] = WeakValueDictionary()
        self.subscriptions: set[str] = set()
        """URIs of resources whose changes the client wants to hear of."""
        self._log = ClientLog(session.peer)

    def warm_up(self) -> None:
        """Load the tools, so that their first call does not wait for it."""
        import codex_mcp.surfaces.mcp.tools  # noqa: F401

    # -- requests

    @staticmethod
    def serves(method: str) -> bool:
        return method in _METHODS

    def on_request(self, call: IncomingCall) -> None:
        """Begin to serve a request that it `serves`. Raises RpcError."""
        params = {} if call.params is None else call.params
        if not isinstance(params, dict):
            raise RpcError(INVALID_PARAMS, "params must be an object")
        call.start(_METHODS[call.method](self, call, params))

    def on_cancelled(self, params: Any) -> None:
        """`notifications/cancelled`: the request gets no answer, and what it runs is stopped."""
        id = params.get("requestId") if isinstance(params, dict) else None
        if isinstance(id, bool) or not isinstance(id, int | str):
            return
        call = self.session.peer.incoming(id)
        if call is not None:
            log.info("the client cancelled request %r: %s", id, params.get("reason"))
            call.withdraw()

    async def _call_tool(self, call: IncomingCall, params: JsonObject) -> JsonObject:
        from codex_mcp.surfaces.mcp.tools import call_tool

        return await call_tool(self, call, params)

    async def _list_resources(self, _call: IncomingCall, params: JsonObject) -> JsonObject:
        from codex_mcp.surfaces.mcp import resources

        return await resources.list_resources(self.session.engine, _optional_text(params, "cursor"))

    async def _list_templates(self, _call: IncomingCall, _params: JsonObject) -> JsonObject:
        from codex_mcp.surfaces.mcp import resources

        return {"resourceTemplates": resources.TEMPLATES}

    async def _read_resource(self, _call: IncomingCall, params: JsonObject) -> JsonObject:
        from codex_mcp.surfaces.mcp import resources

        return await resources.read_resource(self.session.engine, _text(params, "uri"))

    async def _subscribe(self, _call: IncomingCall, params: JsonObject) -> JsonObject:
        from codex_mcp.surfaces.mcp import resources

        uri = _text(params, "uri")
        resources.check_uri(uri)
        self.subscriptions.add(uri)
        return {}

    async def _unsubscribe(self, _call: IncomingCall, params: JsonObject) -> JsonObject:
        self.subscriptions.discard(_text(params, "uri"))
        return {}

    async def _list_prompts(self, _call: IncomingCall, _params: JsonObject) -> JsonObject:
        from codex_mcp.surfaces.mcp import prompts

        return {"prompts": prompts.list_prompts()}

    async def _get_prompt(self, _call: IncomingCall, params: JsonObject) -> JsonObject:
        from codex_mcp.surfaces.mcp import prompts

        return prompts.get_prompt(_text(params, "name"), params.get("arguments"))

    async def _set_level(self, _call: IncomingCall, params: JsonObject) -> JsonObject:
        self._log.set_level(_text(params, "level"))
        return {}

    # -- turns of tools

    @property
    def shows_thread_id(self) -> bool:
        """Whether results name the thread in their text: MCP had no structured results before 2025-06-18."""
        return self.options.show_thread_id or self.session.handshake.protocol_version < "2025-06-18"

    @asynccontextmanager
    async def queue(self, thread_id: str) -> AsyncIterator[None]:
        """Wait until earlier turns of tools in the thread are over; later ones wait for the end of the block."""
        queue = self._queues.setdefault(thread_id, anyio.Semaphore(1))  # first in, first out
        async with queue:
            yield

    def queue_is_busy(self, thread_id: str) -> bool:
        queue = self._queues.get(thread_id)
        return queue is not None and queue.value == 0

    def forget(self, thread_id: str) -> None:
        """The thread was put away."""
        self.jobs.pop(thread_id, None)
        self.session.close_audience(thread_id)
        self.changed(thread_id)

    @contextmanager
    def watch(self, conversation: Conversation, work: Work) -> Iterator[ToolTurn]:
        """The turn of a tool runs in the block: it gets the conversation's events and approvals."""
        turn = ToolTurn(conversation.id, work.progress, self.elicitations, work.call_id, work.changed)
        self.turns[conversation.id] = turn
        try:
            yield turn
        finally:
            turn.end()
            if self.turns.get(conversation.id) is turn:
                del self.turns[conversation.id]

    # -- events

    def on_events(self, conversation: Conversation, events: list[Event]) -> None:
        """Collect what tools and subscribers want to know."""
        turn = self.turns.get(conversation.id)
        if turn is not None:
            turn.on_events(events)
        if self.subscriptions and any(event.msg["type"] in _TURN_ENDS for event in events):
            self.changed(conversation.id)

    def changed(self, thread_id: str) -> None:
        """Tell subscribers that a thread changed."""
        from codex_mcp.surfaces.mcp import resources

        for uri in resources.uris_of(thread_id):
            if uri in self.subscriptions:
                self.session.peer.notify("notifications/resources/updated", {"uri": uri})

    def close(self) -> None:
        """The connection is over."""
        self._log.close()


def _text(params: JsonObject, name: str) -> str:
    value = params.get(name)
    if not isinstance(value, str):
        raise RpcError(INVALID_PARAMS, f"`{name}` is a string and required")
    return value


def _optional_text(params: JsonObject, name: str) -> str | None:
    return None if params.get(name) is None else _text(params, name)


_METHODS: dict[str, Callable[[McpSurface, IncomingCall, JsonObject], Coroutine[Any, Any, JsonObject]]] = {
    "tools/call": McpSurface._call_tool,
    "resources/list": McpSurface._list_resources,
    "resources/templates/list": McpSurface._list_templates,
    "resources/read": McpSurface._read_resource,
    "resources/subscribe": McpSurface._subscribe,
    "resources/unsubscribe": McpSurface._unsubscribe,
    "prompts/list": McpSurface._list_prompts,
    "prompts/get": McpSurface._get_prompt,
    "logging/setLevel": McpSurface._set_level,
}
