"""`codex-mcp-server schema`: the interface as JSON Schema and as TypeScript."""

from __future__ import annotations

import argparse
import json
import pathlib

from codex_mcp.cli.output import say
from codex_mcp.protocol import reference, typescript
from codex_mcp.protocol.schema import bundle, files


def schema(arguments: list[str]) -> int:
    """Print the bundle, or write every file to a directory."""
    parser = argparse.ArgumentParser(
        prog="codex-mcp-server schema",
        description="The interface as JSON Schema, draft 2020-12: the bundle on stdout, or one file per type.",
    )
    parser.add_argument("--out", metavar="DIR", type=pathlib.Path, help="write the bundle and a file per type to DIR")
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--typescript", action="store_true", help="print TypeScript declarations instead")
    instead.add_argument("--reference", action="store_true", help="print the reference in Markdown instead")
    options = parser.parse_args(arguments)
    if options.typescript:
        say(typescript.render())
    elif options.reference:
        say(reference.render())
    elif options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
        for name, document in files().items():
            (options.out / name).write_text(_text(document), encoding="utf-8")
    else:
        say(_text(bundle()))
    return 0


def _text(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
