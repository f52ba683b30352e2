"""`codex-mcp-server install`: register the server in MCP clients, and repair entries of the `codex mcp-server` that is
gone. By default it only shows what it would write."""

from __future__ import annotations

import argparse
import difflib
import json
import sys

from codex_mcp import invocation
from codex_mcp.cli.arguments import parse_arguments
from codex_mcp.cli.install import plan
from codex_mcp.cli.install.clients import Client, Machine, Scope, clients
from codex_mcp.cli.install.files import replace_text
from codex_mcp.cli.output import say
from codex_mcp.errors import CallerError
from codex_mcp.redaction import redact


def install(arguments: list[str]) -> int:
    """Show or write. Returns 0, or 1 if a client's configuration was not understood."""
    machine = Machine.here()
    known = clients(machine)
    flags, writing = None, invocation.command("install", "--write", *arguments)
    if "--" in arguments:
        place = arguments.index("--")
        arguments, flags = arguments[:place], arguments[place + 1 :]
        parse_arguments(flags, "codex-mcp-server install … --")  # what is wrong is said now, not in a client's log
    names = [*known, "json"]
    parser = _parser(names)
    options = parser.parse_args(arguments)
    if options.all == bool(options.clients):
        parser.error(f"name a client ({', '.join(names)}), or give --all")
    for name in options.clients:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            parser.error(f"there is no client `{name}`" + (f"; did you mean `{near[0]}`?" if near else ""))
    if "json" in options.clients:
        entry = plan.new_entry(None, options.scope, flags or ())
        say(json.dumps({"mcpServers": {options.name: entry}}, indent=2, ensure_ascii=False) + "\n")
    chosen = list(known.values()) if options.all else [known[name] for name in options.clients if name != "json"]
    run = _Run(options.scope, options.name, flags, write=options.write)
    for client in chosen:
        if options.uninstall:
            run.show(client, lambda client: plan.uninstall_from(client, options.scope))
        elif options.all:
            run.show(client, plan.repair)
        else:
            run.show(client, lambda client: plan.install_in(client, options.scope, options.name, flags))
        run.report_plugins(client)
    if run.pending:
        say(f"\nNothing was written. This writes it: {writing}\n")
    return 1 if run.failed else 0


def _parser(names: list[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="codex-mcp-server install",
        usage="codex-mcp-server install [options] CLIENT… [-- OPTIONS OF THE SERVER]",
        description="Register this server in MCP clients. Entries that still run `codex mcp-server` are replaced; "
        "their options, environment and time limits stay. Without --write it is only shown.",
        epilog=f"clients: {', '.join(names)} (json prints an entry for any other)",
    )
    parser.add_argument("clients", nargs="*", metavar="CLIENT", help="see below")
    parser.add_argument("--all", action="store_true", help="repair the dead entries of every client; adds none")
    parser.add_argument("--write", action="store_true", help="write the files; the old ones are kept beside them")
    scope = parser.add_mutually_exclusive_group()
    scope.add_argument(
        "--user", dest="scope", action="store_const", const="user", default="user", help="for this user (the default)"
    )
    scope.add_argument(
        "--project", dest="scope", action="store_const", const="project", help="for the project in this directory"
    )
    parser.add_argument("--name", default="codex", help="of a new entry; codex if not given")
    parser.add_argument("--uninstall", action="store_true", help="take this server's entries out again")
    return parser


class _Run:
    """Shows the changes of one client after the other, and writes them if that is wanted."""

    def __init__(self, scope: Scope, name: str, flags: list[str] | None, *, write: bool) -> None:
        self._scope = scope
        self._name = name
        self._flags = flags
        self._write = write
        self.failed = False
        self.pending = False

    def show(self, client: Client, make: plan.Make) -> None:
        try:
            changes = make(client)
            for change in changes:
                self._one(change)
        except CallerError as error:
            self.failed = True
            say(f"{client.title}: not changed: {error.message}\n")
            return
        if not changes:
            there = "" if client.here.exists() else " (it does not seem to be here)"
            say(f"{client.title}: nothing to do{there}\n")
        elif self._write:
            say(f"{client.title}: to have it seen: {client.restart}\n")

    def _one(self, change: plan.FileChange) -> None:
        title = change.client.title
        say(f"{title}: {change.file}: {'; '.join(change.said)}\n")
        if not self._write:
            self.pending = True
            diff = difflib.unified_diff(
                (change.before or "").splitlines(), change.after.splitlines(), "as it is", "as it would be", lineterm=""
            )
            say("".join(f"    {redact(line)}\n" for line in diff))
            return
        kept = replace_text(change.file, change.before, change.after)
        say(f"{title}: written" + (f"; as it was: {kept}\n" if kept else "\n"))

    def report_plugins(self, client: Client) -> None:
        for file, name in plan.plugin_files(client):
            sys.stderr.write(
                f"codex-mcp-server: warning: {client.title}: a plugin runs `codex mcp-server`, which is gone, as "
                f"`{name}`: {file}. It is not changed, for an update would undo that: update it, or switch it off.\n"
            )
