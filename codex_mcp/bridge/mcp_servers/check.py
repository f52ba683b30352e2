"""The states of MCP servers without a conversation: in a thread that is begun for it and kept nowhere."""

from __future__ import annotations

from collections.abc import Collection

import anyio

from codex_mcp.bridge.mcp_servers import survey
from codex_mcp.bridge.mcp_servers.entries import is_plain
from codex_mcp.bridge.mcp_servers.startup import StartupLog
from codex_mcp.bridge.mcp_servers.survey import Report, Servers
from codex_mcp.engine import api
from codex_mcp.engine.home import CodexHome
from codex_mcp.engine.link import EngineLink
from codex_mcp.engine.recursion import own_entries
from codex_mcp.wire.messages import JsonObject


async def check(
    link: EngineLink, log: StartupLog, home: CodexHome, *, names: Collection[str] | None = None, limit: float
) -> list[Report]:
    """Start the servers (those in `names` alone if given) and say how each fares, after at most `limit` seconds.

    One that is switched off is not started. `log` is told of what the engine tells meanwhile.
    Raises EngineRefusal, EngineLost.
    """
    entries = await survey.configured(link, home.cwd)
    servers = Servers(entries, own_entries(home), home.environment)
    known = log.threads()
    began = anyio.current_time()
    thread = await _begin(link, home, servers, names, limit)
    left = limit - (anyio.current_time() - began)
    if thread is not None:
        try:
            return await survey.survey(link, thread, servers, log, names=names, limit=max(left, 0.0))
        finally:
            api.delete_thread(link, thread)
    # it still waits for its servers, as 0.144 does: what it has told is all there is
    thread = next(iter(log.threads() - known), "")
    for name in entries.keys() - log.of(thread).keys():
        log.note({"threadId": thread, "name": name, "status": "starting"})
    return await survey.survey(link, thread, servers, log, names=names, asked=(), limit=0.0)


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
