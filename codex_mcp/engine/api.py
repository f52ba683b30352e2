"""The calls of the engine's v2 protocol that this project makes, each by its name and with its arguments.

Every function takes the link to ask over and raises what `EngineLink.request` does. Shapes of results are those of
the engine's schema. Nothing outside of this module spells a v2 method that is called, but for the question by which
`link` finds out whether the engine is there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from codex_mcp.engine.link import EngineLink
from codex_mcp.wire.messages import JsonObject

OnResult = Callable[[Any], None] | None


def _given(**params: Any) -> JsonObject:
    """The params that have a value: to the engine, null and absent are not always the same."""
    return {name: value for name, value in params.items() if value is not None}


# -- threads


async def start_thread(
    link: EngineLink, params: JsonObject, on_result: OnResult = None, on_late: OnResult = None
) -> JsonObject:
    """thread/start. Returns `{thread, model, modelProvider, cwd, approvalPolicy, sandbox, reasoningEffort}`."""
    return await link.request("thread/start", params, on_result=on_result, on_late=on_late)


async def resume_thread(
    link: EngineLink, params: JsonObject, on_result: OnResult = None, on_late: OnResult = None
) -> JsonObject:
    """thread/resume, without the turns. `params`: `threadId`, `path` or `history`, and settings as for a start."""
    params = {"excludeTurns": True, **params}
    return await link.request("thread/resume", params, on_result=on_result, on_late=on_late)


async def fork_thread(
    link: EngineLink, params: JsonObject, on_result: OnResult = None, on_late: OnResult = None
) -> JsonObject:
    """thread/fork, without the turns. `params`: `threadId`, and settings as for a start."""
    params = {"excludeTurns": True, **params}
    return await link.request("thread/fork", params, on_result=on_result, on_late=on_late)


async def archive_thread(link: EngineLink, thread_id: str) -> None:
    """thread/archive."""
    await link.request("thread/archive", {"threadId": thread_id})


def unsubscribe_thread(link: EngineLink, thread_id: str) -> None:
    """thread/unsubscribe, not waited for: nobody here wants to hear of the thread any more."""
    link.send("thread/unsubscribe", {"threadId": thread_id})


def delete_thread(link: EngineLink, thread_id: str) -> None:
    """thread/delete, not waited for: nobody ever saw the thread, and what it had started ends."""
    link.send("thread/delete", {"threadId": thread_id})


async def read_thread(link: EngineLink, thread_id: str, *, turns: bool = False) -> JsonObject:
    """thread/read. Returns the thread; it has its turns if `turns` are wanted."""
    answer = await link.request("thread/read", {"threadId": thread_id, "includeTurns": turns})
    thread: JsonObject = answer["thread"]
    return thread


async def list_threads(link: EngineLink, **wanted: Any) -> JsonObject:
    """thread/list. Returns `{data, nextCursor}`."""
    return await link.request("thread/list", _given(**wanted))


# -- turns


async def start_turn(
    link: EngineLink, params: JsonObject, on_result: OnResult = None, on_late: OnResult = None
) -> JsonObject:
    """turn/start. `params`: `threadId`, `input`, and settings from this turn on. Returns `{turn}`."""
    return await link.request("turn/start", params, on_result=on_result, on_late=on_late)


async def start_review(
    link: EngineLink, params: JsonObject, on_result: OnResult = None, on_late: OnResult = None
) -> JsonObject:
    """review/start, in the thread itself. `params`: `threadId` and `target`. Returns `{turn}`."""
    params = {"delivery": "inline", **params}
    return await link.request("review/start", params, on_result=on_result, on_late=on_late)


def interrupt_turn(link: EngineLink, thread_id: str) -> None:
    """turn/interrupt, not waited for. The empty turn id reaches a turn that has not announced itself yet, too, and
    harms nobody when none runs."""
    link.send("turn/interrupt", {"threadId": thread_id, "turnId": ""})


def clean_terminals(link: EngineLink, thread_id: str) -> None:
    """thread/backgroundTerminals/clean, not waited for: end the commands that a turn left running."""
    link.send("thread/backgroundTerminals/clean", {"threadId": thread_id})


# -- account


async def sign_in(link: EngineLink, params: JsonObject, on_result: OnResult = None) -> JsonObject:
    """account/login/start. `params`: `type` (`apiKey`, `chatgpt`, …) and what belongs to it."""
    return await link.request("account/login/start", params, on_result=on_result)


async def cancel_sign_in(link: EngineLink, login_id: str) -> JsonObject:
    """account/login/cancel. Returns `{status}`: `canceled` or `notFound`."""
    return await link.request("account/login/cancel", {"loginId": login_id})


async def sign_out(link: EngineLink, on_result: OnResult = None) -> None:
    """account/logout."""
    await link.request("account/logout", {}, on_result=on_result)


async def read_account(link: EngineLink, *, refresh_token: bool = False) -> JsonObject:
    """account/read. Returns `{account, requiresOpenaiAuth}`."""
    return await link.request("account/read", {"refreshToken": refresh_token})


async def read_auth_status(link: EngineLink, *, include_token: bool, refresh_token: bool) -> JsonObject:
    """getAuthStatus, which the engine still serves, hidden. Returns `{authMethod, authToken, requiresOpenaiAuth}`."""
    params = {"includeToken": include_token, "refreshToken": refresh_token}
    return await link.request("getAuthStatus", params)


async def read_rate_limits(link: EngineLink) -> JsonObject:
    """account/rateLimits/read. Returns `{rateLimits}`."""
    return await link.request("account/rateLimits/read", {})


# -- settings and models


async def read_config(link: EngineLink, *, cwd: str | None = None) -> JsonObject:
    """config/read: the settings that are in force. Returns `{config}`."""
    return await link.request("config/read", _given(cwd=cwd))


async def write_config(link: EngineLink, edits: list[JsonObject], *, reload: bool | None = None) -> JsonObject:
    """config/batchWrite: edit the user's config.toml, keeping its comments. An edit is `{keyPath, value,
    mergeStrategy}`; the value null removes. `reload`: loaded threads take it up at their next turn (not in 0.144)."""
    return await link.request("config/batchWrite", _given(edits=edits, reloadUserConfig=reload))


async def list_models(link: EngineLink, *, limit: int, cursor: str | None) -> JsonObject:
    """model/list. Returns `{data, nextCursor}`."""
    return await link.request("model/list", {"limit": limit, "cursor": cursor})


# -- utilities


async def execute(link: EngineLink, params: JsonObject, *, limit: float) -> JsonObject:
    """command/exec: a command in the sandbox. `limit`: seconds for the answer. Returns `{exitCode, stdout, stderr}`."""
    return await link.request("command/exec", params, limit=limit)


def end_command(link: EngineLink, process_id: str) -> None:
    """command/exec/terminate, not waited for: the `processId` is that which the command was given."""
    link.send("command/exec/terminate", {"processId": process_id})


async def search_files(link: EngineLink, query: str, roots: list[str], token: str | None) -> JsonObject:
    """fuzzyFileSearch. Returns `{files}`."""
    params = {"query": query, "roots": roots, "cancellationToken": token}
    return await link.request("fuzzyFileSearch", params)


def end_search(link: EngineLink, token: str) -> None:
    """Have the search with that token answered with what it has found, not waited for: another one takes its place."""
    link.send("fuzzyFileSearch", {"query": "", "roots": [], "cancellationToken": token})


# -- MCP servers, plugins, hooks


async def list_mcp_servers(link: EngineLink, *, limit: float, **wanted: Any) -> JsonObject:
    """mcpServerStatus/list. With `threadId` and `serverName` it reads the thread's own connection, and waits for
    a server that is starting; without a name it connects to every server. Returns `{data, nextCursor}`."""
    return await link.request("mcpServerStatus/list", _given(**wanted), limit=limit)


async def sign_in_to_mcp_server(link: EngineLink, **wanted: Any) -> JsonObject:
    """mcpServer/oauth/login; mcpServer/oauthLogin/completed tells its end. Returns `{authorizationUrl, loginId}`."""
    return await link.request("mcpServer/oauth/login", _given(**wanted))


async def read_mcp_resource(link: EngineLink, **wanted: Any) -> JsonObject:
    """mcpServer/resource/read. Returns `{contents}`."""
    return await link.request("mcpServer/resource/read", _given(**wanted))


async def call_mcp_tool(link: EngineLink, params: JsonObject, *, limit: float) -> JsonObject:
    """mcpServer/tool/call: runs a tool without any approval. Returns `{content, structuredContent, isError}`."""
    return await link.request("mcpServer/tool/call", params, limit=limit)


async def reload_mcp_servers(link: EngineLink) -> None:
    """config/mcpServer/reload: loaded threads reconnect to the servers whose configuration has changed."""
    await link.request("config/mcpServer/reload", {})


async def list_plugins(link: EngineLink) -> JsonObject:
    """plugin/list: installed and available ones. Returns `{marketplaces, marketplaceLoadErrors}`."""
    return await link.request("plugin/list", {})


async def list_installed_plugins(link: EngineLink) -> JsonObject:
    """plugin/installed. Returns `{marketplaces, marketplaceLoadErrors}`."""
    return await link.request("plugin/installed", {})


async def read_plugin(link: EngineLink, *, name: str, marketplace_path: str | None) -> JsonObject:
    """plugin/read. Returns `{plugin}` with its hooks and the names of its MCP servers."""
    return await link.request("plugin/read", _given(pluginName=name, marketplacePath=marketplace_path))


async def upgrade_marketplaces(link: EngineLink, name: str | None) -> JsonObject:
    """marketplace/upgrade: of Git marketplaces, and of the plugins that are installed from them. Returns
    `{selectedMarketplaces, upgradedRoots, errors}`."""
    return await link.request("marketplace/upgrade", _given(marketplaceName=name))


async def list_hooks(link: EngineLink, cwds: list[str]) -> JsonObject:
    """hooks/list. Returns `{data}`, an entry for each directory."""
    return await link.request("hooks/list", {"cwds": cwds})
