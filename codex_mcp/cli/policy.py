"""`codex-mcp-server policy`: what is in force, why something would be refused, and the names of the file."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from typing import Any

from codex_mcp.cli.output import say
from codex_mcp.errors import CallerError
from codex_mcp.policy.decide import Effect, Request, Ruling, decide
from codex_mcp.policy.document import Document
from codex_mcp.policy.load import Policy, load
from codex_mcp.policy.paths import resolve
from codex_mcp.policy.places import policy_files


def policy(arguments: list[str]) -> int:
    """Run a subcommand; the exit status. Raises PolicyError if a file cannot be trusted or read."""
    parser = argparse.ArgumentParser(prog="codex-mcp-server policy", description="The policy in front of clients.")
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check", help="read the files and say what is in force")
    explain = commands.add_parser(
        "explain",
        help="say what would become of a command, path, method, tool or setting, and by which rule",
        description="Exit status: 0 allowed, 1 denied, 3 a person would be asked.",
    )
    explain.add_argument("--method", help="a method of the documented interface, or METHOD.PARAM")
    explain.add_argument("--offered-tool", help="a tool of this server")
    explain.add_argument("--path", action="append", default=[], help="a working directory, image or rollout")
    explain.add_argument("--patch", action="append", default=[], metavar="PATH", help="a file that a patch touches")
    explain.add_argument("--mcp-tool", metavar="SERVER/TOOL", help="a tool of an MCP server of the engine")
    explain.add_argument("--sandbox")
    explain.add_argument("--approval")
    explain.add_argument("--network", action="store_true", default=None)
    explain.add_argument("--config", metavar="KEY", action="append", default=[], help="a key of config.toml")
    explain.add_argument("words", nargs="*", metavar="-- COMMAND", help="a command of the model")
    for subparser in (check, explain):
        subparser.add_argument("--policy", metavar="FILE", help="the policy; the system-wide one counts in any case")
        subparser.add_argument("--json", action="store_true")
    export = commands.add_parser(
        "export", help="print the policy as requirements.toml, which holds for every Codex on the machine"
    )
    export.add_argument("--policy", metavar="FILE")
    commands.add_parser("schema", help="print the JSON Schema of the file, for editors")
    options = parser.parse_args(arguments)
    if options.command == "schema":
        say(json.dumps(schema(), indent=2) + "\n")
        return 0
    in_force = _in_force(options.policy)
    if options.command == "export":
        from codex_mcp.policy.requirements import export as exported

        say(exported(in_force.document))
        return 0
    if options.command == "check":
        return _check(in_force, as_json=options.json)
    return _explain(in_force.document, _request(options), as_json=options.json)


def schema() -> dict[str, Any]:
    """The JSON Schema of a policy file."""
    import msgspec

    [found], components = msgspec.json.schema_components([Document], ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Policy of codex-mcp-server",
        "$ref": found["$ref"],
        "$defs": components,
    }


def _in_force(named: str | None) -> Policy:
    files = policy_files(named)
    if not files:
        raise CallerError("there is no policy: give --policy FILE, or put one in the system-wide place")
    return load(files)


def _check(in_force: Policy, *, as_json: bool) -> int:
    import msgspec

    document = msgspec.to_builtins(in_force.document)
    if as_json:
        facts = {"files": in_force.files, "digest": in_force.digest, "policy": document}
        say(json.dumps(facts, indent=2) + "\n")
        return 0
    import tomli_w

    files = "\n".join(f"# {path}" for path in in_force.files)
    say(f"# In force, from:\n{files}\n# sha256 {in_force.digest}\n{tomli_w.dumps(_without_none(document))}")
    if in_force.document.masking.level == "off":
        sys.stderr.write("masking is off: secrets leave as they are\n")
    if in_force.document.mode == "observe":
        sys.stderr.write("mode is observe: nothing is stopped\n")
    return 0


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(inner) for key, inner in value.items() if inner is not None}
    return [_without_none(inner) for inner in value] if isinstance(value, list | tuple) else value


def _request(options: argparse.Namespace) -> Request:
    command = None
    if options.words:
        command = options.words[0] if len(options.words) == 1 else shlex.join(options.words)
    server, _, tool = (options.mcp_tool or "").partition("/")
    name = f"mcp__{server}__{tool}" if tool else None
    return Request(
        method=options.method,
        offered_tool=options.offered_tool,
        paths=tuple(resolve(path) for path in options.path),
        touched=tuple(resolve(path, os.getcwd()) for path in options.patch),
        sandbox=options.sandbox,
        approval=options.approval,
        network=options.network,
        config=dict.fromkeys(options.config) or None,
        server=server or None,
        tool=name or ("Bash" if command else "apply_patch" if options.patch else None),
        command=command,
    )


def _explain(document: Document, request: Request, *, as_json: bool) -> int:
    if request == Request():
        raise CallerError("say what to explain: -- COMMAND, --path, --patch, --method, --mcp-tool …")
    ruling = decide(document, request)
    if as_json:
        facts = {"decision": ruling.effect.value, "rule": ruling.rule, "because": ruling.because}
        say(json.dumps({**facts, "categories": ruling.categories, "mode": document.mode}) + "\n")
    else:
        say(_told(document, ruling) + "\n")
    return {Effect.ALLOW: 0, Effect.DENY: 1, Effect.ASK: 3}[ruling.effect]


def _told(document: Document, ruling: Ruling) -> str:
    words = {Effect.ALLOW: "allowed", Effect.DENY: "denied", Effect.ASK: "asked: a person must approve it"}
    line = f"{words[ruling.effect]}\n  rule: {ruling.rule}\n  because: {ruling.because}"
    if document.mode == "observe" and ruling.effect is not Effect.ALLOW:
        line += "\n  mode is observe: it would be recorded, and let through"
    return line
