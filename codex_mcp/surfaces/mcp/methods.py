"""The MCP methods beside the handshake: which there are, and who serves them.

Every request is looked up and its params are checked at once, in order of arrival; the work runs in tasks.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from codex_mcp.errors import CallerError
from codex_mcp.surfaces.connection import Connection
from codex_mcp.surfaces.mcp.context import McpContext
from codex_mcp.surfaces.mcp.options import McpOptions
from codex_mcp.wire.errors import INVALID_PARAMS, RpcError
from codex_mcp.wire.messages import JsonObject
from codex_mcp.wire.peer import IncomingCall


class McpMethods:
    """One per connection."""

    def __init__(self, connection: Connection, options: McpOptions) -> None:
        self.context = McpContext(connection, options)

    def warm_up(self) -> None:
        """Load the tools, so that their first call does not wait for it."""
        from codex_mcp.surfaces.mcp import tools

        tools.load(self.context.options.tool_sets)

    @staticmethod
    def serves(method: str) -> bool:
        return method in _METHODS

    def on_request(self, call: IncomingCall) -> None:
        """Begin to serve a request that it `serves`. Raises RpcError."""
        params = {} if call.params is None else call.params
        if not isinstance(params, dict):
            raise RpcError(INVALID_PARAMS, "params must be an object")
        call.start(_METHODS[call.method](self.context, call, params))

    def close(self) -> None:
        """The connection is over."""
        self.context.close()


async def _call_tool(context: McpContext, call: IncomingCall, params: JsonObject) -> JsonObject:
    from codex_mcp.surfaces.mcp.tools import call_tool

    return await call_tool(context, call.id, params)


async def _list_resources(context: McpContext, _call: IncomingCall, params: JsonObject) -> JsonObject:
    from codex_mcp.surfaces.mcp import resources

    cursor = _optional_text(params, "cursor")
    page = await resources.list_resources(context.connection.engine, cursor)
    if cursor is None and context.offers_servers:
        from codex_mcp.surfaces.mcp import server_resources

        page["resources"][:0] = server_resources.FIXED
    return page


async def _list_templates(context: McpContext, _call: IncomingCall, _params: JsonObject) -> JsonObject:
    from codex_mcp.surfaces.mcp import resources, server_resources

    return {
        "resourceTemplates": [*resources.TEMPLATES, *(server_resources.TEMPLATES if context.offers_servers else ())]
    }


async def _read_resource(context: McpContext, _call: IncomingCall, params: JsonObject) -> JsonObject:
    from codex_mcp.surfaces.mcp import resources, server_resources

    uri = _text(params, "uri")
    if context.offers_servers and server_resources.is_one(uri):
        try:
            return {"contents": await server_resources.read(context.connection.agent, uri)}
        except CallerError as error:
            raise resources.not_found(uri, error.message) from None
    return await resources.read_resource(context.connection.engine, uri)


async def _subscribe(context: McpContext, _call: IncomingCall, params: JsonObject) -> JsonObject:
    from codex_mcp.surfaces.mcp import resources, server_resources

    uri = _text(params, "uri")
    if not (context.offers_servers and server_resources.is_one(uri)):
        resources.check_uri(uri)
    context.subscriptions.add(uri)
    return {}


async def _unsubscribe(context: McpContext, _call: IncomingCall, params: JsonObject) -> JsonObject:
    context.subscriptions.discard(_text(params, "uri"))
    return {}


async def _list_prompts(_context: McpContext, _call: IncomingCall, _params: JsonObject) -> JsonObject:
    from codex_mcp.surfaces.mcp import prompts

    return {"prompts": prompts.list_prompts()}


async def _get_prompt(_context: McpContext, _call: IncomingCall, params: JsonObject) -> JsonObject:
    from codex_mcp.surfaces.mcp import prompts

    return prompts.get_prompt(_text(params, "name"), params.get("arguments"))


async def _set_level(context: McpContext, _call: IncomingCall, params: JsonObject) -> JsonObject:
    context.log.set_level(_text(params, "level"))
    return {}


def _text(params: JsonObject, name: str) -> str:
    value = params.get(name)
    if not isinstance(value, str):
        raise RpcError(INVALID_PARAMS, f"`{name}` is a string and required")
    return value


def _optional_text(params: JsonObject, name: str) -> str | None:
    return None if params.get(name) is None else _text(params, name)


_METHODS: dict[str, Callable[[McpContext, IncomingCall, JsonObject], Coroutine[Any, Any, JsonObject]]] = {
    "tools/call": _call_tool,
    "resources/list": _list_resources,
    "resources/templates/list": _list_templates,
    "resources/read": _read_resource,
    "resources/subscribe": _subscribe,
    "resources/unsubscribe": _unsubscribe,
    "prompts/list": _list_prompts,
    "prompts/get": _get_prompt,
    "logging/setLevel": _set_level,
}
