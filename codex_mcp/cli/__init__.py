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
    except KeyboardInterrupt:
        sys.exit(130)


def _run(arguments: list[str]) -> int:
    if arguments[:1] == ["demo"]:
        from codex_mcp.cli.demo import demo

        return demo(arguments[1:])
    if arguments[:1] == ["schema"]:
        from codex_mcp.cli.schema import schema

        return schema(arguments[1:])
    if arguments[:1] == ["doctor"]:
        from codex_mcp.cli.doctor import doctor

        return doctor(arguments[1:])
    if arguments[:1] == ["policy"]:
        from codex_mcp.cli.policy import policy

        return policy(arguments[1:])
    if arguments[:1] == ["audit"]:
        from codex_mcp.cli.audit import audit

        return audit(arguments[1:])
    from codex_mcp.cli.serve import serve

    return _leave(serve(arguments))


def _leave(status: int) -> NoReturn:
    """Exit at once: nothing is left to be ended, and to take all modules apart takes longer than an engine's end."""
    import os

    sys.stderr.flush()
    os._exit(status)
