"""`codex-mcp-server tokens`: make, list and revoke the tokens that let clients in over HTTP."""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import time
from typing import TYPE_CHECKING

import platformdirs

from codex_mcp.cli.output import say
from codex_mcp.errors import CallerError

if TYPE_CHECKING:
    from codex_mcp.http.tokens import Token

_SCOPES = {
    "use": "call tools and methods",
    "answer": "see the page and answer what agents ask: for people, not for agents",
    "metrics": "read /metrics",
}
_DAY = 24 * 3600.0


def default_path() -> pathlib.Path:
    """The token file that is used if none is named; also CODEX_MCP_TOKENS."""
    named = os.environ.get("CODEX_MCP_TOKENS")
    return pathlib.Path(named) if named else platformdirs.user_config_path("codex-mcp-server") / "tokens.json"


def tokens(arguments: list[str]) -> int:
    """Run a subcommand; the exit status. Raises CallerError."""
    from codex_mcp.http.tokens import TokenFile

    found = _parser().parse_args(arguments)
    file = TokenFile(pathlib.Path(found.file) if found.file else default_path())
    if found.command == "create":
        scopes = [f"codex:{scope}" for scope in found.scope or ["use"]]
        seconds = None if found.days is None else found.days * _DAY
        token = file.create(found.name, scopes, seconds=seconds, tools=found.tool)
        if found.json:
            say(json.dumps({"name": found.name, "token": token, "file": str(file.path)}) + "\n")
        else:
            say(f"{token}\n\nIt is shown this once. Clients send it as `Authorization: Bearer {token[:8]}…`.\n")
        return 0
    if found.command == "revoke":
        gone = file.revoke(found.which)
        if not gone:
            raise CallerError(f"there is no token {found.which!r}; `codex-mcp-server tokens list` shows them")
        say(f"revoked: {', '.join(f'{token.name} ({token.id})' for token in gone)}\n")
        return 0
    kept = file.tokens()
    if found.json:
        say(json.dumps([_as_data(token) for token in kept], indent=2) + "\n")
    elif not kept:
        say(f"There is no token in {file.path}. `codex-mcp-server tokens create NAME` makes one.\n")
    else:
        say("".join(_line(one) + "\n" for one in kept))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="codex-mcp-server tokens", description="The tokens of the HTTP server.")
    commands = parser.add_subparsers(dest="command", required=True)
    create = commands.add_parser("create", help="make a token; it is shown once")
    create.add_argument("name", help="whose it is: all tokens of a name are one identity")
    create.add_argument(
        "--scope",
        action="append",
        choices=list(_SCOPES),
        help="what it is for; may be repeated. " + "; ".join(f"{name}: {text}" for name, text in _SCOPES.items()),
    )
    create.add_argument("--tool", action="append", metavar="NAME", help="the only tool that it may call; repeatable")
    create.add_argument("--days", type=_positive, metavar="N", help="until it expires; without it, never")
    revoke = commands.add_parser("revoke", help="forget tokens; it counts at once")
    revoke.add_argument("which", metavar="NAME|ID")
    listing = commands.add_parser("list", help="show names, scopes and dates")
    for command in (create, revoke, listing):
        command.add_argument("--file", help="the token file; also CODEX_MCP_TOKENS")
    for command in (create, listing):
        command.add_argument("--json", action="store_true")
    return parser


def _positive(text: str) -> float:
    days = float(text)
    if not 0 < days < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days")
    return days


def _as_data(token: Token) -> dict[str, object]:
    return {
        "id": token.id,
        "name": token.name,
        "scopes": token.scopes,
        "tools": token.tools,
        "created": token.created,
        "expires": token.expires,
        "expired": token.expired,
    }


def _line(token: Token) -> str:
    day = time.strftime("%Y-%m-%d", time.gmtime(token.created))
    until = "" if token.expires is None else time.strftime(", until %Y-%m-%d", time.gmtime(token.expires))
    scopes = ",".join(scope.removeprefix("codex:") for scope in token.scopes)
    tools = f", tools {','.join(token.tools)}" if token.tools else ""
    return f"{token.id}  {token.name}: {scopes}{tools}, made {day}{until}{' (expired)' if token.expired else ''}"
