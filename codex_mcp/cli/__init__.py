"""The command `codex-mcp-server`: arguments, subcommands, and the order in which the server comes up."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

COMMANDS = {
    "install": ("codex_mcp.cli.install:install", "register the server in Claude Code, Cursor, VS Code and others"),
    "login": ("codex_mcp.cli.engine_commands:login", "sign in: with ChatGPT, a device code or an API key"),
    "logout": ("codex_mcp.cli.engine_commands:logout", "sign out"),
    "mcp": ("codex_mcp.cli.mcp:mcp", "the MCP servers that Codex uses: add, sign in, see their states"),
    "doctor": ("codex_mcp.cli.doctor:doctor", "say what works here, and what to do about the rest"),
    "demo": ("codex_mcp.cli.demo:demo", "show a whole conversation, without an account"),
    "http": ("codex_mcp.cli.http:http", "serve many clients over HTTP"),
    "agents": ("codex_mcp.cli.agents:agents", "agents with a workspace, a box and limits of their own"),
    "inventory": ("codex_mcp.cli.inventory:inventory", "plugins, marketplaces, hooks, servers; what of them changed"),
    "policy": ("codex_mcp.cli.policy:policy", "check and explain a policy file"),
    "audit": ("codex_mcp.cli.audit:audit", "check and read the trail of what was done"),
    "schema": ("codex_mcp.cli.schema:schema", "print the interface as JSON Schema"),
    "engine": ("codex_mcp.cli.engine_commands:engine", "run the Codex engine itself with the arguments that follow"),
}
"""Each subcommand's function, as `module:name`, and what it is for. They are imported when they are called."""


def main() -> None:
    """Entry point. Without a subcommand it serves; the subcommands' imports stay out of its way."""
    from codex_mcp.errors import CodexMcpError

    arguments = sys.argv[1:]
    try:
        sys.exit(_run(arguments))
    except CodexMcpError as error:
        sys.exit(f"codex-mcp-server: {error.message}")
    except OSError as error:
        place = "" if error.filename is None else f": {error.filename}"
        sys.exit(f"codex-mcp-server: {error.strerror or error}{place}")
    except KeyboardInterrupt:
        sys.exit(130)


def _run(arguments: list[str]) -> int:
    if not arguments or arguments[0].startswith("-") or arguments[0] == "mcp-server":
        from codex_mcp.cli.serve import serve

        return _leave(serve(arguments))
    from codex_mcp.cli import output
    from codex_mcp.cli.commands import COMMANDS

    output.prepare()
    if arguments[0] == "help":
        arguments = [*arguments[1:2], "--help"]
    if arguments[0] not in COMMANDS:
        from codex_mcp.cli.arguments import parse_arguments

        parse_arguments(arguments)  # says what is wrong, or prints the help
        return 0
    from importlib import import_module

    module, _, name = COMMANDS[arguments[0]][0].partition(":")
    status: int = getattr(import_module(module), name)(arguments[1:])
    return status


def _leave(status: int) -> NoReturn:
    """Exit at once: nothing is left to be ended, and to take all modules apart takes longer than an engine's end."""
    import os

    sys.stderr.flush()
    os._exit(status)
