"""The command `codex-mcp-server`: arguments, subcommands, and the order in which the server comes up."""

from __future__ import annotations

import sys


def main() -> None:
    """Entry point. Without a subcommand it serves; imports of the subcommands stay out of its way."""
    from codex_mcp.cli.serve import serve

    sys.exit(serve(sys.argv[1:]))
