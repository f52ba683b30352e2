"""What extends this user's Codex: plugins, marketplaces, hooks, MCP servers; and what of it has changed since.

Every item has a fingerprint of what an approval of it would have looked at: where it comes from, its version and
policies, the hashes of its hooks, the schemas of its tools.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Iterable, Mapping
from typing import Any

from codex_mcp.bridge.mcp_servers import entries
from codex_mcp.bridge.mcp_servers.survey import Report
from codex_mcp.bridge.mcp_servers.wording import plain
from codex_mcp.engine import api
from codex_mcp.engine.home import CodexHome
from codex_mcp.engine.link import EngineLink, EngineRefusal
from codex_mcp.engine.recursion import own_entries
from codex_mcp.wire.messages import JsonObject

_UNDER_WAY = "auto-upgrade was in flight"
KINDS = ("marketplaces", "plugins", "hooks", "servers")


async def read(link: EngineLink, home: CodexHome, reports: Iterable[Report] = ()) -> JsonObject:
    """`{engine, marketplaces, plugins, hooks, servers, errors}`. `reports`: of servers that were started; only they
    tell their tools. What one part of it cannot tell is in `errors`. Raises EngineLost."""
    errors: list[JsonObject] = []
    config = await _ask("settings", api.read_config(link, cwd=home.cwd), errors)
    listed = await _ask("plugins", api.list_plugins(link), errors)
    hooked = await _ask("hooks", api.list_hooks(link, [home.cwd]), errors)
    errors += [{"part": "marketplace", **_bounded(error)} for error in listed.get("marketplaceLoadErrors") or ()]
    sources = (config.get("config") or {}).get("marketplaces") or {}
    marketplaces = [_marketplace(market, sources.get(market["name"])) for market in listed.get("marketplaces") or ()]
    hooks = []
    for place in hooked.get("data") or ():
        hooks += [_hook(hook) for hook in place.get("hooks") or ()]
        errors += [{"part": "hooks", "message": plain(str(error))} for error in place.get("errors") or ()]
    plugins = [
        await _plugin(link, market, plugin, hooks, errors)
        for market in listed.get("marketplaces") or ()
        for plugin in market.get("plugins") or ()
    ]
    configured = ((config.get("config") or {}).get("mcp_servers")) or {}
    servers = _servers(configured, own_entries(home), plugins, {report.name: report for report in reports})
    return {
        "engine": link.version,
        "marketplaces": marketplaces,
        "plugins": plugins,
        "hooks": hooks,
        "servers": servers,
        "errors": errors,
    }


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[JsonObject]:
    """What has come, gone or changed between two inventories: `{kind, name, change, fields}`.

    Tools of servers count only where both have asked for them.
    """
    found: list[JsonObject] = []
    for kind in KINDS:
        old, new = _by_name(before.get(kind)), _by_name(after.get(kind))
        for name in sorted(old.keys() | new.keys()):
            if name not in old or name not in new:
                found.append(
                    {"kind": kind, "name": name, "change": "added" if name in new else "removed", "fields": []}
                )
                continue
            fields = [key for key in sorted(new[name]) if _differs(old[name].get(key), new[name][key], key)]
            if fields:
                found.append({"kind": kind, "name": name, "change": "changed", "fields": fields})
    return found


async def upgrade(link: EngineLink, home: CodexHome, marketplace: str | None) -> JsonObject:
    """Upgrade Git marketplaces (one, or all), which also replaces plugins that are installed from them.

    The engine's fields as they came (`selectedMarketplaces`, `upgradedRoots`, `errors`), and `replaced`: what is
    different now. The engine also upgrades by itself when it is asked for its plugins, so that an upgrade may find
    one under way, or its work done: `changes` against a kept inventory misses nothing.
    Raises EngineRefusal, EngineLost.
    """
    before = await read(link, home)
    evidence = await api.upgrade_marketplaces(link, marketplace)
    if any(_UNDER_WAY in str(error) for error in evidence.get("errors") or ()):
        evidence = await api.upgrade_marketplaces(link, marketplace)
    return {**evidence, "replaced": changes(before, await read(link, home))}


async def _ask(part: str, asked: Awaitable[JsonObject], errors: list[JsonObject]) -> JsonObject:
    try:
        answer = await asked
    except EngineRefusal as refusal:
        errors.append({"part": part, "message": plain(refusal.message)})
        return {}
    return answer if isinstance(answer, dict) else {}


def _marketplace(market: JsonObject, source: Any) -> JsonObject:
    known = source if isinstance(source, dict) else {}
    found = {
        "name": market["name"],
        "path": market.get("path"),
        "sourceType": known.get("source_type"),
        "source": entries.shown_url(known["source"]) if "://" in str(known.get("source")) else known.get("source"),
        "ref": known.get("ref"),
        "revision": known.get("last_revision"),
    }
    return _fingerprinted(found)


async def _plugin(
    link: EngineLink, market: JsonObject, plugin: JsonObject, hooks: list[JsonObject], errors: list[JsonObject]
) -> JsonObject:
    asked = api.read_plugin(link, name=plugin["name"], marketplace_path=market.get("path"))
    detail = (await _ask(f"plugin {plugin['id']}", asked, errors)).get("plugin") or {}
    own = [hook for hook in hooks if hook["pluginId"] == plugin["id"]]
    return _fingerprinted(
        {
            "name": plugin["id"],
            "marketplaceName": market["name"],
            "version": plugin.get("version") or plugin.get("localVersion"),
            "source": plugin.get("source"),
            "installed": plugin.get("installed"),
            "enabled": plugin.get("enabled"),
            "installPolicy": plugin.get("installPolicy"),
            "authPolicy": plugin.get("authPolicy"),
            "hooks": [{"key": hook["key"], "eventName": hook["eventName"]} for hook in detail.get("hooks") or ()],
            "hookHashes": [hook["currentHash"] for hook in own],
            "mcpServers": detail.get("mcpServers") or [],
        }
    )


def _hook(hook: JsonObject) -> JsonObject:
    keys = ("eventName", "handlerType", "command", "source", "pluginId", "sourcePath", "enabled", "trustStatus")
    found = {"name": hook["key"], "key": hook["key"], **{key: hook.get(key) for key in keys}}
    return _fingerprinted({**found, "currentHash": hook.get("currentHash")})


def _servers(
    configured: Mapping[str, Any], own: Iterable[str], plugins: list[JsonObject], reports: Mapping[str, Report]
) -> list[JsonObject]:
    of_plugins = {name: plugin["name"] for plugin in plugins if plugin["installed"] for name in plugin["mcpServers"]}
    found = []
    for name in sorted({*configured, *of_plugins, *reports}):
        entry = configured.get(name) or {}
        report = reports.get(name)
        item = {} if report is None else report.item
        tools = item.get("tools") if isinstance(item.get("tools"), dict) else None
        server = {
            "name": name,
            "pluginId": item.get("pluginId") or (None if name in configured else of_plugins.get(name)),
            "origin": item.get("httpOrigin") or (entries.shown_url(entry["url"]) if "url" in entry else None),
            "auth": entries.authentication(entry) if entry else None,
            "enabled": bool(entry.get("enabled", True)) and name not in own,
            "state": None if report is None else report.verdict.state.value,
            "entry": entries.shown(entry) if entry else None,
            "tools": None if not tools else {tool: _hash(schema) for tool, schema in sorted(tools.items())},
        }
        found.append(_fingerprinted(server, leave=("state",)))
    return found


def _fingerprinted(item: JsonObject, leave: Iterable[str] = ()) -> JsonObject:
    return {**item, "fingerprint": _hash({key: value for key, value in item.items() if key not in leave})}


def _hash(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _by_name(items: Any) -> dict[str, JsonObject]:
    found = items if isinstance(items, list) else []
    return {item["name"]: item for item in found if isinstance(item, dict) and "name" in item}


def _differs(before: Any, after: Any, key: str) -> bool:
    if key in ("fingerprint", "state") or (key == "tools" and (before is None or after is None)):
        return False
    return bool(before != after)


def _bounded(error: Any) -> JsonObject:
    found = error if isinstance(error, dict) else {"message": error}
    return {key: plain(str(value)) for key, value in found.items()}
