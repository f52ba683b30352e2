"""`mcp list`, `get`, `add`, `remove`, `enable`, `disable`: config.toml, read and written by the engine.

The engine keeps comments and refuses tables that mean nothing; what it does not check (names, URLs, duplicates) is
checked here.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from codex_mcp.bridge.mcp_servers import changes, entries
from codex_mcp.cli.mcp.common import say, session
from codex_mcp.cli.mcp.status import line
from codex_mcp.engine.recursion import own_entries
from codex_mcp.wire.messages import JsonObject


async def list_servers(options: argparse.Namespace) -> int:
    """The configured servers."""
    async with session(options) as engine:
        own = own_entries(engine.home)
        found = {name: entry for name, entry in sorted((await engine.entries()).items()) if name not in own}
        own = [name for name in own if name not in found]
    lines = [_line(name, entry) for name, entry in found.items()]
    lines += [f"{name}: this server itself; off for the engines that it starts" for name in own]
    value = {"servers": [_described(name, entry) for name, entry in found.items()], "own": own}
    say(
        options,
        "\n".join(lines) or f"no MCP servers are configured; {changes.how_to_add()}",
        value,
    )
    return 0


async def get(options: argparse.Namespace) -> int:
    """The configuration of a server, without its secrets."""
    async with session(options) as engine:
        entry = await engine.entry(options.name)
    shown = entries.shown(entry)
    text = "\n".join([options.name, *(f"  {key}: {_plainly(value)}" for key, value in sorted(shown.items()))])
    say(options, text, {"name": options.name, **shown})
    return 0


async def add(options: argparse.Namespace) -> int:
    """Write a server into config.toml, then say its state and what comes next."""
    name = entries.check_name(options.name)
    entry = _entry(options)
    async with session(options) as engine:
        await changes.add(engine.link, engine.home, name, entry, replace=options.replace)
        reports = [] if options.no_check else await engine.check([name], options.timeout)
    text = f"added {', '.join(map(line, reports)) or name}"
    state = reports[0].to_json() if reports else {}
    if entry.get("http_headers"):
        text += "\nthe values of its headers are in config.toml as they are: prefer --env-header for keys"
    say(options, text, {"name": name, "added": True, **state})
    return 0


async def remove(options: argparse.Namespace) -> int:
    """Take a server out of config.toml, its stored sign-in first."""
    async with session(options) as engine:
        signed_out = await changes.remove(engine.link, engine.home, options.name)
    text = f"removed {options.name}" + (" and its stored sign-in" if signed_out else "")
    say(options, text, {"name": options.name, "removed": True, "signedOut": signed_out})
    return 0


async def enable(options: argparse.Namespace) -> int:
    """Switch a server on."""
    return await _switch(options, on=True)


async def disable(options: argparse.Namespace) -> int:
    """Switch a server off."""
    return await _switch(options, on=False)


async def _switch(options: argparse.Namespace, *, on: bool) -> int:
    async with session(options) as engine:
        await changes.switch(engine.link, engine.home, options.name, on=on)
    word = "enabled" if on else "disabled"
    say(options, f"{word} {options.name}; new conversations see it", {"name": options.name, "enabled": on})
    return 0


def _entry(options: argparse.Namespace) -> JsonObject:
    if (options.url is None) == (not options.words):
        raise entries.EntryError("say where the server is: `--url URL`, or its command after `--`; one of them")
    if options.url is None:
        if options.bearer_token_env_var or options.header or options.env_header or options.client_id or options.scopes:
            raise entries.EntryError("keys, headers and OAuth are for servers with a URL; a command has `--env`")
        return entries.command_entry(options.words, env=_pairs(options.env, "--env"), required=options.required)
    if options.env:
        raise entries.EntryError("`--env` is for a command; a URL has `--bearer-token-env-var` and `--env-header`")
    return entries.http_entry(
        options.url,
        bearer_token_env_var=options.bearer_token_env_var,
        headers=_pairs(options.header, "--header"),
        env_headers=_pairs(options.env_header, "--env-header"),
        client_id=options.client_id,
        scopes=options.scopes,
        required=options.required,
    )


def _pairs(words: Iterable[str], option: str) -> dict[str, str]:
    pairs = {}
    for word in words:
        name, separator, value = word.partition("=")
        if not separator or not name:
            raise entries.EntryError(f"{option} takes NAME=VALUE")  # the word may be a key: it is not repeated
        pairs[name.strip()] = value.strip()
    return pairs


def _described(name: str, entry: JsonObject) -> JsonObject:
    return {
        "name": name,
        "enabled": bool(entry.get("enabled", True)),
        "transport": "http" if "url" in entry else "stdio",
        "auth": entries.authentication(entry),
        **entries.shown(entry),
    }


def _line(name: str, entry: JsonObject) -> str:
    shown = entries.shown(entry)
    where = shown.get("url") or " ".join([str(shown.get("command", "")), *map(str, shown.get("args") or ())])
    text = f"{name}: {where}"
    if (auth := entries.authentication(entry)) in ("key", "header"):
        text += f" ({auth})"
    return text if entry.get("enabled", True) else f"{text}, disabled"


def _plainly(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}={_plainly(inner)}" for key, inner in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
