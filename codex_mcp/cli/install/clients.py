"""The clients that a server can be registered in: where their files are, and what an entry looks like there."""

from __future__ import annotations

import os
import pathlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from codex_mcp.cli.install.documents import Format, Path

Scope = Literal["user", "project"]
Platform = Literal["linux", "macos", "windows"]


@dataclass(frozen=True)
class Machine:
    """Where the clients of a user keep their files. Paths begin with `home`, `project` or a name of `environment`."""

    home: pathlib.Path
    project: pathlib.Path
    platform: Platform
    environment: Mapping[str, str]

    @classmethod
    def here(cls) -> Machine:
        platform: Platform = "linux"
        if sys.platform == "darwin":
            platform = "macos"
        elif sys.platform == "win32":
            platform = "windows"
        return cls(pathlib.Path.home(), pathlib.Path.cwd(), platform, os.environ)

    @property
    def settings(self) -> pathlib.Path:
        """Where applications keep their settings."""
        if self.platform == "macos":
            return self.home / "Library" / "Application Support"
        if self.platform == "windows":
            return pathlib.Path(self.environment.get("APPDATA") or self.home / "AppData" / "Roaming")
        return pathlib.Path(self.environment.get("XDG_CONFIG_HOME") or self.home / ".config")

    def folder(self, variable: str, otherwise: str) -> pathlib.Path:
        """A folder that a variable of the environment names, or one in the home."""
        named = self.environment.get(variable)
        return pathlib.Path(named) if named else self.home / otherwise


@dataclass(frozen=True)
class Place:
    """A file, and where in it the servers are: `*` stands for every key."""

    file: pathlib.Path
    servers: Path
    format: Format = "json"


@dataclass(frozen=True)
class Client:
    """One client on one machine."""

    name: str
    title: str
    user: Place | None
    project: Place | None
    here: pathlib.Path
    """A file or folder that is there if the client is."""
    from_shell: bool = False
    """Whether users start it in a shell, so that it has the shell's PATH."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Further fields of a new entry."""
    nested: bool = False
    """Whether older versions had the command line in a table `command`."""
    also: tuple[Place, ...] = ()
    """Further places where old entries are found."""
    plugins: tuple[tuple[pathlib.Path, str], ...] = ()
    """Folders of plugins, and the pattern of their files: these are only read."""
    restart: str = ""
    """What makes the client see a new entry."""

    def place(self, scope: Scope) -> Place | None:
        return self.user if scope == "user" else self.project


_HOUR = 3600


def clients(machine: Machine) -> dict[str, Client]:
    """Every client that is known, by its name."""
    home, project, settings = machine.home, machine.project, machine.settings
    claude = machine.folder("CLAUDE_CONFIG_DIR", ".claude")
    claude_file = claude / ".claude.json" if machine.environment.get("CLAUDE_CONFIG_DIR") else home / ".claude.json"
    desktop = settings / "Claude" / "claude_desktop_config.json"
    code = [settings / name / "User" for name in ("Code", "Code - Insiders", "VSCodium")]
    zed = settings / "Zed" if machine.platform == "windows" else home / ".config" / "zed"
    codex = machine.folder("CODEX_HOME", ".codex")
    windsurf = home / ".codeium" / "windsurf" / "mcp_config.json"
    known = [
        Client(
            "claude-code",
            "Claude Code",
            Place(claude_file, ("mcpServers",)),
            Place(project / ".mcp.json", ("mcpServers",)),
            here=claude_file,
            from_shell=True,
            extra={"type": "stdio"},
            also=(Place(claude_file, ("projects", "*", "mcpServers")),),
            plugins=((claude / "plugins", "**/.mcp.json"), (claude / "plugins", "**/plugin.json")),
            restart="start a new session",
        ),
        Client(
            "claude-desktop",
            "Claude Desktop",
            Place(desktop, ("mcpServers",)),
            None,
            here=desktop.parent,
            restart="quit it wholly and start it again",
        ),
        Client(
            "cursor",
            "Cursor",
            Place(home / ".cursor" / "mcp.json", ("mcpServers",)),
            Place(project / ".cursor" / "mcp.json", ("mcpServers",)),
            here=home / ".cursor",
            restart="turn the server on in its MCP settings",
        ),
        Client(
            "vscode",
            "VS Code",
            Place(code[0] / "mcp.json", ("servers",)),
            Place(project / ".vscode" / "mcp.json", ("servers",)),
            here=code[0],
            extra={"type": "stdio"},
            also=(
                *(Place(folder / "settings.json", ("mcp", "servers")) for folder in code),
                *(Place(folder / "mcp.json", ("servers",)) for folder in code[1:]),
                *(Place(file, ("servers",)) for file in sorted(code[0].glob("profiles/*/mcp.json"))),
            ),
            restart="`MCP: List Servers`, then start it",
        ),
        Client(
            "windsurf",
            "Windsurf",
            Place(windsurf, ("mcpServers",)),
            None,
            here=windsurf.parent,
            restart="refresh the list of servers in its settings",
        ),
        Client(
            "zed",
            "Zed",
            Place(zed / "settings.json", ("context_servers",)),
            Place(project / ".zed" / "settings.json", ("context_servers",)),
            here=zed,
            nested=True,
            restart="nothing: it reads the file at once",
        ),
        Client(
            "gemini-cli",
            "Gemini CLI",
            Place(home / ".gemini" / "settings.json", ("mcpServers",)),
            Place(project / ".gemini" / "settings.json", ("mcpServers",)),
            here=home / ".gemini",
            from_shell=True,
            extra={"timeout": _HOUR * 1000},
            plugins=((home / ".gemini" / "extensions", "*/gemini-extension.json"),),
            restart="start it again",
        ),
        Client(
            "codex",
            "Codex CLI",
            Place(codex / "config.toml", ("mcp_servers",), "toml"),
            Place(project / ".codex" / "config.toml", ("mcp_servers",), "toml"),
            here=codex,
            from_shell=True,
            extra={"tool_timeout_sec": _HOUR},
            plugins=((codex / "plugins", "**/.mcp.json"),),
            restart="start it again",
        ),
    ]
    return {client.name: client for client in known}
