"""`codex-mcp-server audit`: check the trail, read it, hand it on."""

from __future__ import annotations

import argparse
import os
import pathlib

from codex_mcp.cli.output import say
from codex_mcp.errors import CallerError
from codex_mcp.policy.audit.export import FORMATS, Chosen, as_table, read
from codex_mcp.policy.audit.verify import verify
from codex_mcp.policy.document import Audit
from codex_mcp.policy.load import load
from codex_mcp.policy.places import policy_files


def audit(arguments: list[str]) -> int:
    """Run a subcommand; the exit status: 1 if the trail was tampered with. Raises CallerError, PolicyError."""
    parser = argparse.ArgumentParser(prog="codex-mcp-server audit", description="The audit trail of the policy.")
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("verify", help="check that nothing was changed; status 1 if something was")
    check.add_argument("--key", type=pathlib.Path, metavar="FILE", help="the public key to trust, kept elsewhere")
    check.add_argument("--anchor", type=pathlib.Path, metavar="FILE", help="checkpoint lines that were kept elsewhere")
    show = commands.add_parser("show", help="print records as a table")
    export = commands.add_parser("export", help="print records for other systems")
    export.add_argument("--format", choices=FORMATS, default="jsonl")
    for reader in (show, export):
        reader.add_argument(
            "--since", default="", metavar="TIME", help="a time, or the beginning of one: 2026-11-21T14"
        )
        for name in ("thread", "decision", "event", "kind", "category", "client"):
            reader.add_argument(f"--{name}")
    for subparser in (check, show, export):
        subparser.add_argument("--dir", type=pathlib.Path, help="the folder; that of the policy in force, if not given")
        subparser.add_argument("--policy", metavar="FILE")
    options = parser.parse_args(arguments)
    folder = _folder(options)
    if not folder.is_dir():
        raise CallerError(f"there is no audit trail in {folder}")
    if options.command == "verify":
        return _verify(folder, options)
    chosen = Chosen(
        *(getattr(options, n) for n in ("since", "thread", "decision", "event", "kind", "category", "client"))
    )
    records = read(folder, chosen)
    for line in as_table(records) if options.command == "show" else FORMATS[options.format](records):
        say(line + "\n")
    return 0


def _folder(options: argparse.Namespace) -> pathlib.Path:
    if options.dir is not None:
        return pathlib.Path(options.dir)
    files = policy_files(options.policy)
    folder = load(files).document.audit.dir if files else Audit().dir
    return pathlib.Path(os.path.expanduser(folder))


def _verify(folder: pathlib.Path, options: argparse.Namespace) -> int:
    try:
        anchors = options.anchor.read_bytes().splitlines() if options.anchor else []
        report = verify(folder, key=options.key, anchors=anchors)
    except (OSError, ValueError) as error:
        raise CallerError(f"{folder} cannot be checked: {error}") from None
    for finding in report.findings:
        say(f"{finding}\n")
    verdict = f"{len(report.findings)} findings" if report.findings else "nothing was changed"
    say(f"{report.records} records in {report.files} files, {report.checkpoints} checkpoints: {verdict}\n")
    return 1 if report.findings else 0
