"""The command `codex-mcp-server`: arguments, subcommands, and the order in which the server comes up."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


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
