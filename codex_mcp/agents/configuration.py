"""The config.toml of a new agent: the user's, without what belongs to the user's machine and not to the agent."""

from __future__ import annotations

import os
import pathlib

import tomli_w

from codex_mcp.engine.home import CodexHome

# MCP servers, hooks and notifications are programs of the user's machine, and projects are the user's directories.
_LEFT_OUT = ("mcp_servers", "projects", "hooks", "notify", "plugins", "marketplaces", "cli_auth_credentials_store")


def seed_configuration(user: CodexHome, codex_home: pathlib.Path) -> None:
    """Write it, readable by nobody else. Raises CallerError if the user's cannot be read."""
    kept = {key: value for key, value in user.read_config().items() if key not in _LEFT_OUT}
    with open(os.open(codex_home / "config.toml", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(tomli_w.dumps(kept))
