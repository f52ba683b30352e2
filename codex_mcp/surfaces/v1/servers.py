"""Methods of the MCP servers that Codex uses."""

from __future__ import annotations

from typing import Any

from codex_mcp.bridge.conversation import Conversation
from codex_mcp.bridge.mcp_servers import changes, entries, inventory, oauth
from codex_mcp.bridge.mcp_servers.startup import METHOD as STARTUP
from codex_mcp.bridge.mcp_servers.states import State
from codex_mcp.bridge.mcp_servers.survey import Report
from codex_mcp.engine import api
from codex_mcp.errors import CallerError, EngineError
from codex_mcp.protocol import registry as r
from codex_mcp.protocol import servers as s
from codex_mcp.protocol.base import Empty
from codex_mcp.surfaces.connection import Connection
from codex_mcp.surfaces.v1.context import Context, Handler
from codex_mcp.surfaces.v1.questions import ask_for_tool
from codex_mcp.wire.messages import JsonObject

_LIMIT = 15.0  # seconds
_LOGIN_LIMIT = 300.0  # seconds, as the engine has it
_CALL_LIMIT = 600.0  # seconds; the server's own tool_timeout_sec ends a call before
_GLANCE = 2.0  # seconds


async def list_status(context: Context, params: s.McpServerStatusListParams) -> s.McpServerStatusListResult:
    roster = context.connection.agent.mcp_servers
    limit = _LIMIT if params.timeout_secs is None else params.timeout_secs
    names = None if params.server_name is None else [params.server_name]
    if params.thread is None:
        reports = await roster.check(names, limit=limit)
    else:
        thread = context.conversations.get(params.thread)
        reports = await roster.of_thread(thread.thread_id, thread.translator.cwd, names=names, limit=limit)
    return s.McpServerStatusListResult(data=[_status(report) for report in reports])


def _status(report: Report) -> s.McpServerStatus:
    item, shown = report.item, report.to_json()
    return s.McpServerStatus(
        name=report.name,
        state=shown["state"],
        advice=shown["advice"],
        detail=shown["detail"],
        runtime_status=item.get("runtimeStatus"),
        auth_status=item.get("authStatus"),
        plugin_id=shown["pluginId"],
        http_origin=item.get("httpOrigin"),
        server_info=item.get("serverInfo"),
        tools=item.get("tools") or {},
        tools_error=shown["detail"] if item.get("toolsError") else None,
    )


async def login(context: Context, params: s.McpServerOauthLoginParams) -> s.McpServerOauthLoginResult:
    logins = context.connection.agent.mcp_servers.logins
    limit = _LOGIN_LIMIT if params.timeout_secs is None else params.timeout_secs
    pending = await logins.begin(params.name, scopes=params.scopes or (), limit=limit)
    return s.McpServerOauthLoginResult(authorization_url=pending.login.url, login_id=pending.login.id)


async def cancel_login(context: Context, params: s.McpServerOauthCancelParams) -> None:
    ended = context.connection.agent.mcp_servers.logins.cancel(params.login_id)
    context.answer(Empty())
    _tell_login(context.connection, ended)


async def logout(context: Context, params: s.McpServerName) -> s.McpServerSignedOut:
    signed_out = await changes.sign_out(await context.engine.link(), context.engine.home, params.name)
    return s.McpServerSignedOut(signed_out=signed_out)


async def read_resource(context: Context, params: s.McpResourceReadParams) -> s.McpResourceReadResult:
    link = await context.engine.link()
    thread = None if params.thread is None else context.conversations.get(params.thread).thread_id
    answer = await api.read_mcp_resource(link, server=params.server, uri=params.uri, threadId=thread)
    return s.McpResourceReadResult(contents=answer["contents"])


async def call_tool(context: Context, params: s.McpToolCallParams) -> s.McpToolCallResult:
    """What the server does not declare as read-only is asked for: the engine would run it without a word."""
    if params.thread is None:
        raise CallerError("missing field `threadId`")
    conversation = context.conversations.get(params.thread)
    if not await _is_read_only(context, conversation, params.server, params.tool):
        command = ["mcp", params.server, params.tool, entries.as_text(params.arguments)]
        if not await ask_for_tool(context.connection.client, conversation.id, command, conversation.translator.cwd):
            raise CallerError(
                f"{params.server}/{params.tool} was not called: nobody approved it", code="approval_denied"
            )
    link = await context.engine.link()
    wanted = {"threadId": conversation.thread_id, "server": params.server, "tool": params.tool}
    answer = await api.call_mcp_tool(link, {**wanted, "arguments": params.arguments or {}}, limit=_CALL_LIMIT)
    return s.McpToolCallResult(
        content=answer.get("content") or [],
        structured_content=answer.get("structuredContent"),
        is_error=answer.get("isError"),
    )


async def _is_read_only(context: Context, conversation: Conversation, server: str, tool: str) -> bool:
    roster = context.connection.agent.mcp_servers
    cwd = conversation.translator.cwd
    [report] = await roster.of_thread(conversation.thread_id, cwd, names=[server], limit=_LIMIT)
    known = (report.item.get("tools") or {}).get(tool) or {}
    return (known.get("annotations") or {}).get("readOnlyHint") is True


async def reload(context: Context, _params: Empty) -> Empty:
    await api.reload_mcp_servers(await context.engine.link())
    return Empty()


async def add(context: Context, params: s.McpServerAddParams) -> s.McpServerStatus:
    if (params.url is None) == (params.command is None):
        raise entries.EntryError("a server has either a `url` or a `command`")
    if params.url is not None:
        entry = entries.http_entry(
            params.url,
            bearer_token_env_var=params.bearer_token_env_var,
            headers=params.http_headers,
            env_headers=params.env_http_headers,
            client_id=params.client_id,
            scopes=params.scopes or (),
            required=bool(params.required),
        )
    else:
        words = [params.command or "", *(params.args or ())]
        entry = entries.command_entry(words, env=params.env, required=bool(params.required))
    link = await context.engine.link()
    await changes.add(link, context.engine.home, params.name, entry, replace=bool(params.replace))
    [report] = await context.connection.agent.mcp_servers.check([params.name], limit=_LIMIT)
    return _status(report)


async def remove(context: Context, params: s.McpServerName) -> s.McpServerSignedOut:
    signed_out = await changes.remove(await context.engine.link(), context.engine.home, params.name)
    return s.McpServerSignedOut(signed_out=signed_out)


async def set_enabled(context: Context, params: s.McpServerSetEnabledParams) -> Empty:
    await changes.switch(await context.engine.link(), context.engine.home, params.name, on=params.enabled)
    return Empty()


async def list_plugins(context: Context, _params: Empty) -> s.PluginListResult:
    return s.PluginListResult.model_validate(await api.list_plugins(await context.engine.link()))


async def list_installed_plugins(context: Context, _params: Empty) -> s.PluginListResult:
    return s.PluginListResult.model_validate(await api.list_installed_plugins(await context.engine.link()))


async def read_plugin(context: Context, params: s.PluginReadParams) -> s.PluginReadResult:
    link = await context.engine.link()
    answer = await api.read_plugin(link, name=params.plugin_name, marketplace_path=params.marketplace_path)
    return s.PluginReadResult.model_validate(answer)


async def list_marketplaces(context: Context, _params: Empty) -> s.MarketplaceListResult:
    found = await inventory.read(await context.engine.link(), context.engine.home)
    return s.MarketplaceListResult(marketplaces=found["marketplaces"], errors=found["errors"])


async def upgrade_marketplaces(context: Context, params: s.MarketplaceUpgradeParams) -> s.MarketplaceUpgradeResult:
    link, home = await context.engine.link(), context.engine.home
    return s.MarketplaceUpgradeResult.model_validate(await inventory.upgrade(link, home, params.marketplace_name))


async def list_hooks(context: Context, params: s.HooksListParams) -> s.HooksListResult:
    home = context.engine.home
    cwds = [home.absolute(cwd) for cwd in params.cwds or ["."]]
    return s.HooksListResult.model_validate(await api.list_hooks(await context.engine.link(), cwds))


class Followers:
    """Tells a client of its conversations' servers once it has shown that it knows of them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._unwatch = connection.agent.watch((STARTUP, oauth.COMPLETED), self._on_news)

    def close(self) -> None:
        """The connection is over."""
        self._unwatch()

    def _on_news(self, method: str, params: JsonObject) -> None:
        if method == STARTUP:
            self._connection.client.spawn(self._tell_startup, params)
        else:
            _tell_login(self._connection, params)

    async def _tell_startup(self, params: JsonObject) -> None:
        agent, thread_id = self._connection.agent, params["threadId"]
        conversation = agent.conversations.of_thread(thread_id)
        origin = conversation or await agent.origin_of(thread_id)
        if origin is None:  # it may have become known meanwhile
            conversation = origin = agent.conversations.of_thread(thread_id)
        if origin is None or origin.outlet is not self._connection.delivery:
            return
        state, advice, error = State.STARTING.value, None, params.get("error")
        if params["status"] == "ready":
            state = State.CONNECTED.value
        elif params["status"] != "starting":
            try:
                [report] = await agent.mcp_servers.of_thread(
                    thread_id, origin.translator.cwd, names=[params["name"]], limit=_GLANCE
                )
            except EngineError:
                return
            shown = report.to_json()
            state, advice, error = shown["state"], shown["advice"], shown["detail"]
        told = s.McpServerStartupUpdated(
            thread_id=thread_id,
            parent_thread_id=origin.id if conversation is None else None,
            name=params["name"],
            status=params["status"],
            error=error,
            failure_reason=params.get("failureReason"),
            state=state,
            advice=advice,
        )
        self._connection.client.notify(r.MCP_SERVER_STARTUP_UPDATED.name, told.to_wire())


def _tell_login(connection: Connection, params: JsonObject) -> None:
    error: Any = None if params.get("success") else oauth.reason(params, _LOGIN_LIMIT)
    told = s.McpServerOauthLoginCompleted(
        name=params["name"], login_id=params.get("loginId"), success=bool(params.get("success")), error=error
    )
    connection.client.notify(r.MCP_SERVER_OAUTH_LOGIN_COMPLETED.name, told.to_wire())


HANDLERS: dict[str, Handler] = {
    r.MCP_SERVER_STATUS_LIST.name: list_status,
    r.MCP_SERVER_OAUTH_LOGIN.name: login,
    r.MCP_SERVER_OAUTH_CANCEL.name: cancel_login,
    r.MCP_SERVER_OAUTH_LOGOUT.name: logout,
    r.MCP_SERVER_RESOURCE_READ.name: read_resource,
    r.MCP_SERVER_TOOL_CALL.name: call_tool,
    r.MCP_SERVER_RELOAD.name: reload,
    r.MCP_SERVER_ADD.name: add,
    r.MCP_SERVER_REMOVE.name: remove,
    r.MCP_SERVER_SET_ENABLED.name: set_enabled,
    r.PLUGIN_LIST.name: list_plugins,
    r.PLUGIN_INSTALLED.name: list_installed_plugins,
    r.PLUGIN_READ.name: read_plugin,
    r.MARKETPLACE_LIST.name: list_marketplaces,
    r.MARKETPLACE_UPGRADE.name: upgrade_marketplaces,
    r.HOOKS_LIST.name: list_hooks,
}
