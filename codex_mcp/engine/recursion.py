"""Against a Codex that starts this server, which starts a Codex, and so on: users list it among their MCP servers.

Entries of config.toml that run this server are switched off for the engines that it starts. What is listed elsewhere
(a project's configuration, a call's `config`) is noticed by the server that is started. Light: `serve` imports this.
"""

from __future__ import annotations

import os
import re
import sys

from codex_mcp.engine.home import CodexHome
from codex_mcp.engine.orphans import MARK, environment_of
from codex_mcp.errors import CallerError

_OURS = re.compile(r"codex[-_]mcp")


def own_entries(home: CodexHome) -> list[str]:
    """Names of the MCP servers in config.toml that are this server, or the `codex mcp-server` whose place it takes."""
    if not home.mentions(b"codex-mcp-server", b"codex_mcp", b"mcp-server"):
        return []
    try:
        servers = home.read_config().get("mcp_servers")
    except CallerError:  # the engine says what is wrong with it
        return []
    if not isinstance(servers, dict):
        return []
    return [name for name, entry in servers.items() if _runs_us(entry)]


def _runs_us(entry: object) -> bool:
    if not isinstance(entry, dict):
        return False
    arguments = entry.get("args")
    words = [entry.get("command"), *(arguments if isinstance(arguments, list) else ())]
    names = [os.path.basename(word) for word in words if isinstance(word, str)]
    return any(map(_OURS.match, names)) or (names[:1] == ["codex"] and "mcp-server" in names)


def started_by_our_engine() -> bool:
    """Whether an engine of another server runs this one as an MCP server. Only Linux tells; elsewhere False.

    An engine has a mark in its environment. The commands that it runs inherit it: they may start servers. Its MCP
    servers do not.
    """
    if not sys.platform.startswith("linux") or MARK in os.environ:
        return False
    pid = os.getppid()
    try:
        while pid > 1:
            if any(entry.startswith(f"{MARK}=".encode()) for entry in environment_of(pid)):
                return True
            with open(f"/proc/{pid}/stat", "rb") as stat:
                pid = int(stat.read().rpartition(b")")[2].split()[1])
    except (OSError, ValueError, IndexError):  # somebody else's process, or one that is gone
        pass
    return False
