"""`codex-mcp-server mcp`: the MCP servers that Codex uses: add, sign in, see their states."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Awaitable, Callable

import anyio

from codex_mcp.cli import output
from codex_mcp.cli.mcp import configure, login, status
from codex_mcp.errors import CodexMcpError

_Command = Callable[[argparse.Namespace], Awaitable[int]]


def mcp(arguments: list[str]) -> int:
    """Run a subcommand. Returns 0 if it did what was asked, 1 if it could not or a server is not connected; wrong
    arguments exit with 2."""
    parser = argparse.ArgumentParser(
        prog="codex-mcp-server mcp",
        description="The MCP servers that Codex uses in conversations: add, sign in, see their states.",
        epilog="Exit status: 0 done; 1 not done, or a server is not connected; 2 wrong arguments.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _listing(commands)
    _changing(commands)
    _signing_in(commands)
    words, options_of_command = _split(arguments)
    options = parser.parse_args(words)
    options.words = options_of_command
    run: _Command = options.run
    try:
        return anyio.run(run, options)
    except CodexMcpError as error:
        if not options.json:
            raise
        output.say(json.dumps({"error": {"code": error.code, "message": error.message}}) + "\n")
        return 1


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """What stands before and after `--`: the latter is the command of a server."""
    if "--" not in arguments:
        return arguments, []
    place = arguments.index("--")
    return arguments[:place], arguments[place + 1 :]


_Subparsers = argparse._SubParsersAction  # argparse has no public name for it


def _listing(commands: _Subparsers[argparse.ArgumentParser]) -> None:
    _add(commands, "list", configure.list_servers, "the configured servers; asks none of them")
    parser = _add(commands, "get", configure.get, "the configuration of a server")
    parser.add_argument("name")
    parser = _add(commands, "status", status.status, "start the servers, and say of each in which state it is")
    parser.add_argument("name", nargs="*")
    _limit(parser, 20.0, "how long to wait for servers")


def _changing(commands: _Subparsers[argparse.ArgumentParser]) -> None:
    parser = _add(
        commands,
        "add",
        configure.add,
        "add a server: by URL, or a command after `--`",
        epilog="Examples: mcp add sessions --url https://example.com/mcp; "
        "mcp add sessions --url https://example.com/mcp --bearer-token-env-var SESSIONS_KEY; "
        "mcp add files -- npx some-server",
    )
    parser.add_argument("name")
    parser.add_argument("--url", help="of a server that speaks streamable HTTP")
    parser.add_argument("--bearer-token-env-var", metavar="VARIABLE", help="the environment variable with the key")
    parser.add_argument(
        "--header", action="append", default=[], metavar="NAME=VALUE", help="a header; is stored as it is"
    )
    parser.add_argument(
        "--env-header",
        action="append",
        default=[],
        metavar="NAME=VARIABLE",
        help="a header whose value is a variable's",
    )
    parser.add_argument("--client-id", help="of an OAuth client that is registered already")
    parser.add_argument("--scopes", type=_words, default=[], metavar="A,B", help="OAuth scopes to ask for")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE", help="for a command")
    parser.add_argument("--required", action="store_true", help="conversations fail to begin without it")
    parser.add_argument("--replace", action="store_true", help="in the place of one of that name")
    parser.add_argument("--no-check", action="store_true", help="do not ask it for its state")
    _limit(parser, 10.0, "how long to wait for its state")
    for word, function, about in (
        ("remove", configure.remove, "remove a server, its sign-in first"),
        ("enable", configure.enable, "switch a server on"),
        ("disable", configure.disable, "switch a server off; it stays configured"),
    ):
        _add(commands, word, function, about).add_argument("name")


def _signing_in(commands: _Subparsers[argparse.ArgumentParser]) -> None:
    parser = _add(commands, "login", login.login, "sign in to a server by OAuth, in the browser")
    parser.add_argument("name")
    parser.add_argument("--scopes", type=_words, default=[], metavar="A,B", help="ask for these scopes only")
    parser.add_argument("--no-browser", action="store_true", help="show the address only")
    _limit(parser, 300.0, "how long to wait for the user")
    _add(commands, "logout", login.logout, "remove the stored sign-in of a server").add_argument("name")


def _add(
    commands: _Subparsers[argparse.ArgumentParser], word: str, function: _Command, about: str, epilog: str | None = None
) -> argparse.ArgumentParser:
    parser = commands.add_parser(word, help=about, description=about[0].upper() + about[1:] + ".", epilog=epilog)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--codex", metavar="PATH", help="the Codex engine to use")
    parser.set_defaults(run=function)
    return parser


def _limit(parser: argparse.ArgumentParser, default: float, about: str) -> None:
    parser.add_argument("--timeout", type=_seconds, default=default, metavar="SECONDS", help=f"{about}; {default:g}")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 1 <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds from 1 to 3600")
    return seconds


def _words(text: str) -> list[str]:
    return [word for word in text.replace(",", " ").split() if word]
