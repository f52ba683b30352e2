"""Asks the engine for the states of a thread's MCP servers: side by side, within a limit.

Asked by name, the engine reads the thread's own connection, and waits for a server that is starting. Asked without,
it connects to every server anew. Engine 0.144 knows only the latter, so it is asked once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio

from codex_mcp import invocation
from codex_mcp.bridge.mcp_servers import entries
from codex_mcp.bridge.mcp_servers.startup import StartupLog
from codex_mcp.bridge.mcp_servers.states import Seen, Verdict, judge
from codex_mcp.engine import api
from codex_mcp.engine.link import EngineLink, EngineLost, EngineRefusal
from codex_mcp.wire.messages import JsonObject

_DETAIL = "toolsAndAuthOnly"
_FAILED = ("failed", "authenticationRequired")
_TOLD_WITHIN = 1.0  # seconds


@dataclass(frozen=True)
class Servers:
    """The configured servers, by name, and what is needed to judge them."""

    entries: Mapping[str, Mapping[str, Any]]
    own: Collection[str] = ()
    """Names of the entries that run this server."""
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """A server with its state. `item`: the engine's own, `{}` if it gave none."""

    name: str
    verdict: Verdict
    item: JsonObject
    entry: Mapping[str, Any] | None

    def to_json(self) -> JsonObject:
        """For people and programs, without secrets."""
        entry = self.entry or {}
        tools = self.item.get("tools")
        url = entry.get("url")
        return {
            "name": self.name,
            "state": self.verdict.state.value,
            "advice": self.verdict.advice,
            "detail": self.verdict.detail,
            "source": "plugin" if self.item.get("pluginId") else "config",
            "pluginId": self.item.get("pluginId"),
            "origin": self.item.get("httpOrigin") or (entries.shown_url(url) if isinstance(url, str) else None),
            "auth": entries.authentication(entry) if self.entry is not None else None,
            "required": bool(entry.get("required")),
            "tools": [_tool(name, tool) for name, tool in tools.items()] if isinstance(tools, dict) else [],
        }


def _tool(name: str, tool: Any) -> JsonObject:
    hints = (tool.get("annotations") if isinstance(tool, dict) else None) or {}
    return {
        "name": name,
        "title": hints.get("title"),
        "readOnlyHint": hints.get("readOnlyHint"),
        "destructiveHint": hints.get("destructiveHint"),
    }


async def configured(link: EngineLink, cwd: str) -> dict[str, JsonObject]:
    """The servers of config.toml and of the project in `cwd`, by name; plugins' servers are not among them.

    Raises EngineRefusal, EngineLost.
    """
    answer = await api.read_config(link, cwd=cwd)
    servers = (answer.get("config") or {}).get("mcp_servers")
    return {name: entry for name, entry in (servers or {}).items() if isinstance(entry, dict)}


async def survey(
    link: EngineLink,
    thread: str,
    servers: Servers,
    startup: StartupLog,
    *,
    names: Collection[str] | None = None,
    asked: Collection[str] | None = None,
    limit: float,
) -> list[Report]:
    """The servers of a thread, by name; those in `names` alone if given. The engine is asked for `asked`, all of them
    if not given; what it does not tell in `limit` seconds is judged by what was told before."""
    wanted = sorted(names) if names is not None else sorted({*servers.entries, *startup.of(thread)})
    asked = wanted if asked is None else asked
    items = await _list_items(link, thread, [name for name in asked if name not in servers.own], limit)
    failed = [name for name, item in items.items() if item.get("runtimeStatus") in _FAILED]
    with anyio.move_on_after(min(limit, _TOLD_WITHIN)):  # why it failed may be told a moment after that it did
        await startup.settled(thread, failed)
    told = startup.of(thread)
    return [_report(name, items.get(name), told.get(name), servers) for name in wanted]


def _report(name: str, item: JsonObject | None, told: JsonObject | None, servers: Servers) -> Report:
    """Put together what is known of one server: the engine's item, and the params of its last notification."""
    entry = servers.entries.get(name)
    found, told = item or {}, told or {}
    tools = found.get("tools")
    seen = Seen(
        name,
        entry=entry,
        listed=item is not None,
        runtime_status=found.get("runtimeStatus"),
        auth_status=found.get("authStatus"),
        connected=found.get("serverInfo") is not None,
        tools=len(tools) if isinstance(tools, dict) else 0,
        tools_error=found.get("toolsError"),
        startup_status=told.get("status"),
        startup_error=told.get("error"),
        failure_reason=told.get("failureReason"),
        own=name in servers.own,
        environment=servers.environment,
    )
    return Report(name, judge(seen, invocation.command()), found, entry)


async def _list_items(link: EngineLink, thread: str, names: list[str], limit: float) -> dict[str, JsonObject]:
    """The engine's items by name, as far as they come in `limit` seconds."""
    found: dict[str, JsonObject] = {}

    async def ask(name: str) -> None:
        try:
            answer = await api.list_mcp_servers(link, limit=limit, threadId=thread, serverName=name, detail=_DETAIL)
        except (EngineRefusal, EngineLost):
            return
        for item in answer.get("data") or ():
            found.setdefault(item["name"], item)

    with anyio.move_on_after(limit):
        if names and not asks_by_name(link):
            await ask(names[0])
        async with anyio.create_task_group() as tasks:
            for name in names:
                if name not in found:
                    tasks.start_soon(ask, name)
    return found


def asks_by_name(link: EngineLink) -> bool:
    """Whether a server's state can be asked for without connecting to all of them. Measured: not with 0.144, with
    0.163."""
    return tuple(map(int, link.version.split("."))) >= (0, 163, 0)
