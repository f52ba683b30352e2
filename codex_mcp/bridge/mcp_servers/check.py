"""The states of MCP servers without a conversation: in a thread that is begun for it and kept nowhere."""

from __future__ import annotations

from collections.abc import Collection

import anyio

from codex_mcp.bridge.mcp_servers import startup, survey
from codex_mcp.bridge.mcp_servers.entries import is_plain
from codex_mcp.bridge.mcp_servers.survey import Report, Servers
from codex_mcp.engine import api
from codex_mcp.engine.home import CodexHome
from codex_mcp.engine.link import EngineLink
from codex_mcp.engine.recursion import own_entries
from codex_mcp.engine.short_lived import Notifications
from codex_mcp.wire.messages import JsonObject


async def check(
    link: EngineLink,
    notifications: Notifications,
    home: CodexHome,
    *,
    names: Collection[str] | None = None,
    limit: float,
) -> list[Report]:
    """Start the servers (those in `names` alone if given) and say how each fares, after at most `limit` seconds.

    One that is switched off is not started.
    Raises EngineRefusal, EngineLost; EngineUnavailable is the caller's, who has started the engine.
    """
    entries = await survey.configured(link, home.cwd)
    servers = Servers(entries, own_entries(home), home.environment)
    log = startup.StartupLog()
    notifications.watch(lambda method, params: log.note(params) if method == startup.METHOD else None)
    began = anyio.current_time()
    thread = await _begin(link, home, servers, names, limit)
    left = limit - (anyio.current_time() - began)
    if thread is None:  # it still waits for its servers, as 0.144 does: what it has told is all there is
        thread = next((p["threadId"] for m, p in notifications.received if m == startup.METHOD), "")
        for name in {*entries, *log.of(thread)}.difference(log.of(thread)):
            log.note({"threadId": thread, "name": name, "status": "starting"})
        left = 0.0
    return await survey.survey(link, thread, servers, log, names=names, limit=max(left, 0.0))


async def _begin(
    link: EngineLink, home: CodexHome, servers: Servers, names: Collection[str] | None, limit: float
) -> str | None:
    params: JsonObject = {"cwd": home.cwd, "ephemeral": True}
    if settings := _settings(servers, names):
        params["config"] = settings
    with anyio.move_on_after(limit):
        begun = await api.start_thread(link, params)
        return str(begun["thread"]["id"])
    return None


def _settings(servers: Servers, names: Collection[str] | None) -> JsonObject:
    """Settings of the thread: only the wanted servers are on, and none of them keeps the thread from beginning.

    Dotted keys go over what the engine was started with; a table would take its place, so it names our own entries.
    """
    wished: dict[str, JsonObject] = {}
    for name, entry in servers.entries.items():
        if name in servers.own or (names is not None and name not in names):
            wished[name] = {"enabled": False}
        elif entry.get("required"):
            wished[name] = {"required": False}
    if all(map(is_plain, wished)):
        return {f"mcp_servers.{name}.{key}": value for name, keys in wished.items() for key, value in keys.items()}
    return {"mcp_servers": wished}
