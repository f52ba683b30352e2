"""`codex-mcp-server chat`: talk with Codex in the terminal."""

from __future__ import annotations

import argparse
import sys

from codex_mcp import invocation


def chat(arguments: list[str]) -> int:
    """Run the chat. What it does not know itself are options of the server. Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="codex-mcp-server chat",
        description="Talk with Codex in the terminal. Further options are those of the server: -m, -s, -a, --offline …",
    )
    parser.add_argument("--plain", action="store_true", help="words alone: for a screen reader, or a log")
    parser.add_argument("--resume", metavar="ID", help="go on with that conversation")
    parser.add_argument("--say", metavar="TEXT", action="append", default=[], help="say this first; may be repeated")
    options, server = parser.parse_known_args(arguments)
    try:
        from codex_mcp.chat import app
    except ImportError as error:
        sys.stderr.write(
            f"codex-mcp-server: the chat needs {error.name}. Install it: {invocation.install_extra('chat')}\n"
        )
        return 1
    import anyio

    try:
        return anyio.run(lambda: app.chat(server, plain=options.plain, resume=options.resume, first=options.say))
    except KeyboardInterrupt:
        return 130
