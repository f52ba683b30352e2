"""Entries of MCP servers in clients: which run this server, which the `codex mcp-server` that is gone, and what the
new one is."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["ours", "dead", "unclear", "other"]

_CODEX = re.compile(r"codex(\.exe|\.cmd|\.bat|\.ps1|\.js)?", re.IGNORECASE)
_PACKAGE = re.compile(r"@openai/codex(@[\w.^~-]+)?")
_OURS = re.compile(r"codex-mcp-server(\.exe)?|codex_mcp")
_RUNNERS = {"npx", "bunx", "pnpx", "node", "npm", "pnpm", "yarn", "bun", "uvx", "uv"}
_SHELLS = {"sh", "bash", "zsh"}
_WINDOWS_SHELL = {"cmd", "cmd.exe"}
_OLD_WORDS = ("mcp-server", "mcp")


@dataclass(frozen=True)
class Found:
    """What an entry runs. `flags`: what came with `codex mcp-server`, or with this server."""

    kind: Kind
    flags: tuple[str, ...] = ()


def read_command(entry: Any) -> tuple[str, ...]:
    """The command line of an entry, in any of the forms that clients have; empty if it has none."""
    if not isinstance(entry, dict):
        return ()
    command: Any = entry.get("command")
    arguments: Any = entry.get("args")
    if isinstance(command, dict):  # Zed had the whole command line in it
        command, arguments = command.get("path"), command.get("args")
    if isinstance(command, list):
        command, arguments = (command[0], command[1:]) if command else (None, None)
    words = [command, *(arguments if isinstance(arguments, list) else ())]
    return tuple(words) if all(isinstance(word, str) for word in words) else ()


def judge(entry: Any) -> Found:
    """What an entry is."""
    words = list(read_command(entry))
    if not words:
        return Found("other")
    words = _unwrapped(words)
    names = [_name(word) for word in words]
    for place, name in enumerate(names):
        if _OURS.fullmatch(name) and (place == 0 or names[0] in _RUNNERS or names[0].startswith("python")):
            return Found("ours", tuple(word for word in words[place + 1 :] if word != "mcp-server"))
    program = _program(words, names)
    if program is not None:
        flags = words[program + 1 :]
        word = next((word for word in _OLD_WORDS if word in flags), None)
        if word == "mcp-server" or (word == "mcp" and flags == ["mcp"]):
            flags.remove(word)
            return Found("dead", tuple(flags))
    line = " ".join(words)
    if re.search(r"\bcodex\b", line) and re.search(r"\bmcp-server\b", line) and not _OURS.search(line):
        return Found("unclear")
    return Found("other")


def _name(word: str) -> str:
    return re.split(r"[/\\]", word)[-1]


def _unwrapped(words: list[str]) -> list[str]:
    """Without the shell around it: `cmd /c …`, `bash -lc "…"`, `env …`."""
    name = _name(words[0]).lower()
    if name in _WINDOWS_SHELL and len(words) > 2 and words[1].lower() == "/c":
        return words[2:]
    if name in _SHELLS and len(words) == 3 and words[1] in ("-c", "-lc", "-ic"):
        try:
            inner = shlex.split(words[2])
        except ValueError:
            return words
        inner = inner[1:] if inner[:1] == ["exec"] else inner
        plain = all(re.fullmatch(r"[\w./:@=,+~-]+", word) for word in inner)
        return inner if inner and plain else words
    return words


def _program(words: list[str], names: list[str]) -> int | None:
    """Which word is the Codex CLI: the first one, or the package that a runner of Node's is given."""
    if _CODEX.fullmatch(names[0]):
        return 0
    runner = re.sub(r"\.(exe|cmd)$", "", names[0].lower())
    if runner in _RUNNERS:
        for place, word in enumerate(words[1:], 1):
            if _PACKAGE.fullmatch(word) or (runner == "node" and _CODEX.fullmatch(names[place])):
                # `npx -p @openai/codex codex mcp-server` names the program behind the package
                return place + 1 if names[place + 1 : place + 2] == ["codex"] else place
    return None
