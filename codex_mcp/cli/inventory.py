"""`codex-mcp-server inventory`: plugins, marketplaces, hooks and MCP servers, and what of them has changed."""

from __future__ import annotations

import argparse
import json
import pathlib
from typing import Any

import anyio

from codex_mcp.bridge.mcp_servers import inventory as reading
from codex_mcp.bridge.mcp_servers.check import check
from codex_mcp.bridge.mcp_servers.startup import StartupLog
from codex_mcp.cli import output
from codex_mcp.engine.home import CodexHome
from codex_mcp.engine.link import EngineRefusal
from codex_mcp.engine.short_lived import short_lived_engine
from codex_mcp.errors import CallerError, EngineError
from codex_mcp.redaction import redact
from codex_mcp.wire.messages import JsonObject

_LIMIT = 20.0  # seconds for the servers that are started


def inventory(arguments: list[str]) -> int:
    """Print it. Returns 1 if `--against` shows a change, or an upgrade has errors."""
    parser = argparse.ArgumentParser(
        prog="codex-mcp-server inventory",
        description="What extends this user's Codex: plugins (installed and available), marketplaces, hooks, servers.",
        epilog="`inventory upgrade [MARKETPLACE]` upgrades Git marketplaces and says what that replaced. "
        "Exit status 1: something changed (--against), or the upgrade has errors.",
    )
    parser.add_argument("word", nargs="?", choices=["upgrade"], metavar="upgrade", help="upgrade Git marketplaces")
    parser.add_argument("marketplace", nargs="?", help="only this one")
    parser.add_argument("--start", action="store_true", help="start the MCP servers, for their tools and schemas")
    parser.add_argument(
        "--against", metavar="FILE", type=pathlib.Path, help="say what changed since that --json output"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--codex", metavar="PATH", help="the Codex engine to use")
    options = parser.parse_args(arguments)
    before = None if options.against is None else _earlier(options.against)
    return anyio.run(_inventory, options, before)


async def _inventory(options: argparse.Namespace, before: JsonObject | None) -> int:
    home = CodexHome.of_process()
    home.read_config()
    async with short_lived_engine(options.codex, home) as (link, notifications):
        if options.word == "upgrade":
            try:
                evidence = await reading.upgrade(link, home, options.marketplace)
            except EngineRefusal as refusal:
                raise EngineError(redact(refusal.message), code="upgrade_failed") from None
            output.say(json.dumps(evidence) + "\n" if options.json else _upgraded(evidence))
            return 1 if evidence.get("errors") else 0
        log = StartupLog()
        notifications.watch(log.hear)
        reports = await check(link, log, home, limit=_LIMIT) if options.start else []
        found = await reading.read(link, home, reports)
    if before is None:
        output.say(json.dumps(found) + "\n" if options.json else _listed(found))
        return 0
    changed = reading.changes(before, found)
    output.say(json.dumps({"changes": changed}) + "\n" if options.json else _changed(changed))
    return 1 if changed else 0


def _earlier(path: pathlib.Path) -> JsonObject:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise CallerError(f"{path} is no output of `inventory --json`: {error}") from None
    if not isinstance(found, dict) or not set(reading.KINDS) <= found.keys():
        raise CallerError(f"{path} is no output of `inventory --json`")
    return found


def _listed(found: JsonObject) -> str:
    lines = [f"engine {found['engine']}"]
    lines += [f"marketplace {m['name']}: {m['source'] or m['path']}" for m in found["marketplaces"]]
    for plugin in found["plugins"]:
        there = "installed" if plugin["installed"] else "available"
        policies = f"install {plugin['installPolicy']}, sign-in {plugin['authPolicy']}"
        brings = [f"servers {', '.join(plugin['mcpServers'])}"] if plugin["mcpServers"] else []
        brings += [f"{len(plugin['hooks'])} hooks"] if plugin["hooks"] else []
        lines.append(f"plugin {plugin['name']} {plugin['version']}: {'; '.join([there, policies, *brings])}")
    lines += [f"hook {hook['key']}: {hook['eventName']}, {hook['trustStatus']}" for hook in found["hooks"]]
    for server in found["servers"]:
        about: list[Any] = [server["origin"] or "a command", server["auth"], server["pluginId"], server["state"]]
        lines.append(f"server {server['name']}: {', '.join(str(part) for part in about if part)}")
    lines += [f"error in {error['part']}: {error.get('message')}" for error in found["errors"]]
    return "\n".join(lines) + "\n"


def _changed(changed: list[JsonObject]) -> str:
    if not changed:
        return "nothing has changed\n"
    return "".join(
        f"{item['change']}: {item['kind']} {item['name']}{': ' * bool(item['fields'])}{', '.join(item['fields'])}\n"
        for item in changed
    )


def _upgraded(evidence: JsonObject) -> str:
    text = f"selected: {', '.join(map(str, evidence.get('selectedMarketplaces') or ())) or 'none'}\n"
    text += f"upgraded: {', '.join(map(str, evidence.get('upgradedRoots') or ())) or 'none'}\n"
    text += "".join(f"error: {redact(json.dumps(error))}\n" for error in evidence.get("errors") or ())
    return text + _changed(evidence["replaced"])
