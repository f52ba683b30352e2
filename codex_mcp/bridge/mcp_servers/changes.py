"""Changes of the configured MCP servers: add, remove, switch, sign out of. Checked here, written by the engine."""

from __future__ import annotations

from codex_mcp import invocation
from codex_mcp.bridge.mcp_servers import entries, survey
from codex_mcp.bridge.mcp_servers.credentials import forget
from codex_mcp.bridge.mcp_servers.writing import write_setting
from codex_mcp.engine.home import CodexHome
from codex_mcp.engine.link import EngineLink
from codex_mcp.errors import CallerError
from codex_mcp.wire.messages import JsonObject


class UnknownServer(CallerError):
    """No server of that name is configured."""

    code = "unknown_server"


class DuplicateServer(CallerError):
    """A server of that name is configured already."""

    code = "duplicate_server"


async def find(link: EngineLink, home: CodexHome, name: str) -> JsonObject:
    """The configuration of a server. Raises UnknownServer."""
    found = await survey.configured(link, home.cwd)
    if name not in found:
        there = ", ".join(sorted(found)) or "none"
        raise UnknownServer(f"no MCP server {name!r} is configured; there are: {there}. {how_to_add()}")
    return found[name]


def how_to_add() -> str:
    """The next step of a user who has no such server."""
    return f"`{invocation.command('mcp', 'add')}` adds one"


async def add(link: EngineLink, home: CodexHome, name: str, entry: JsonObject, *, replace: bool = False) -> None:
    """Write a server into config.toml. Raises EntryError, DuplicateServer, CallerError (config_error)."""
    entries.check_name(name)
    if not replace:
        await refuse_duplicate(link, home, name)
    await write_setting(link, entries.key_path(name), entry)


async def refuse_duplicate(link: EngineLink, home: CodexHome, name: str) -> None:
    """Raise DuplicateServer if there is one of that name."""
    if name in await survey.configured(link, home.cwd):
        raise DuplicateServer(
            f"an MCP server {name!r} is configured already: `--replace` puts this one in its place; "
            f"`{invocation.command('mcp', 'get', name)}` shows the other"
        )


async def remove(link: EngineLink, home: CodexHome, name: str) -> bool:
    """Take a server out of config.toml, its stored sign-in first; whether there was one. Raises UnknownServer,
    EngineError (the sign-in is left), CallerError (config.toml cannot be written, or is not where it is from)."""
    signed_out = await sign_out(link, home, name)
    await write_setting(link, entries.key_path(name), None)
    if name in await survey.configured(link, home.cwd):
        raise CallerError(
            f"{name} is configured outside of {home.config_path}, too: remove it there (a project's "
            ".codex/config.toml, or the system's)"
        )
    return signed_out


async def switch(link: EngineLink, home: CodexHome, name: str, *, on: bool) -> None:
    """Switch a server on or off. Raises UnknownServer, CallerError (config_error)."""
    await find(link, home, name)
    await write_setting(link, entries.key_path(name, "enabled"), on)


async def sign_out(link: EngineLink, home: CodexHome, name: str) -> bool:
    """Remove the stored sign-in of a server; whether there was one. Raises UnknownServer, EngineError."""
    entry = await find(link, home, name)
    return "url" in entry and await forget(link.binary, home, name)
