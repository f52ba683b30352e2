"""`codex-mcp-server doctor`: what a client would meet on this machine, one check a line, and what to do about it.

What is tried is tried in a home of its own with a copy of the configuration, so that the user's stays as it is.
"""

from __future__ import annotations

import argparse

import anyio

from codex_mcp.cli.arguments import parse_arguments, serve_parser
from codex_mcp.cli.doctor.report import Report

_DESCRIPTION = """\
Check what a client would meet on this machine: configuration, engines, sign-in, the model's provider, a conversation
with these options on the offline model, the sandbox, the MCP servers of Codex, and every client that has this server
registered. Prints nothing secret: the output is meant for bug reports. Exits with 1 if a client cannot work here."""


def doctor(arguments: list[str]) -> int:
    """Run the checks; `arguments` are the server's own. Returns 0 if a client can work here, 1 otherwise."""
    parser = serve_parser("codex-mcp-server doctor")
    parser.description, parser.epilog = _DESCRIPTION, None
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--json", action="store_true", help="print the checks as JSON")
    as_json = parser.parse_args(arguments).json
    arguments = [argument for argument in arguments if argument != "--json"]
    options = parse_arguments(arguments, "codex-mcp-server doctor")
    report = Report(as_json=as_json)

    from codex_mcp.cli.doctor.examination import examine

    anyio.run(examine, report, arguments, options)
    return report.end()
