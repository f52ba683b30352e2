"""The generated parts of pages in docs/: `python -m tests.guide` writes them, tests hold them.

A part stands between `<!-- generated: NAME -->` and `<!-- /generated -->`.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import re
import typing

import anyio

from codex_mcp.cli.arguments import serve_parser
from codex_mcp.cli.commands import COMMANDS
from codex_mcp.client import start_client
from codex_mcp.protocol.events import EventMsg
from codex_mcp.protocol.registry import METHODS, SERVER_REQUESTS
from codex_mcp.testing import OfflineCodex, run, say
from codex_mcp.wire.messages import JsonObject

GUIDE = pathlib.Path(__file__).parents[2] / "docs" / "interface.md"
OPTIONS = GUIDE.with_name("options.md")
_ARROWS = {">": "→", "<": "←"}
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def with_parts(page: str, parts: dict[str, str]) -> str:
    """The page with its generated parts written anew."""
    for name, text in parts.items():
        pattern = rf"(<!-- generated: {name} -->\n).*?(<!-- /generated -->)"
        written = text.replace("\\", r"\\")
        page, count = re.subn(pattern, rf"\1\n{written}\n\2", page, flags=re.DOTALL)
        assert count == 1, name
    return page


def events_table() -> str:
    """Every event, with the first sentence that the reference has of it."""
    lines = ["| type | what it tells |", "|---|---|"]
    for model in typing.get_args(typing.get_args(EventMsg)[0]):
        kind = model.model_fields["type"].default
        link = f"interface-reference.md#{model.__name__.lower()}"
        lines.append(f"| [`{kind}`]({link}) | {' '.join((model.__doc__ or '').split())} |")
    return "\n".join(lines) + "\n"


def methods_table() -> str:
    """Every method and request of the server, linked to the reference."""
    lines = ["| method | |", "|---|---|"]
    for method in (*METHODS.values(), *SERVER_REQUESTS.values()):
        anchor = re.sub(r"[^a-z0-9_-]", "", method.name.lower())
        lines.append(f"| [`{method.name}`](interface-reference.md#{anchor}) | {method.summary} |")
    return "\n".join(lines) + "\n"


def options_table() -> str:
    """The options of the server, as `--help` has them."""
    lines = ["| option | meaning |", "|---|---|"]
    for action in serve_parser()._actions:
        if not action.option_strings or action.help == argparse.SUPPRESS:
            continue
        names = ", ".join(f"`{name}`" for name in action.option_strings)
        words = " \\| ".join(f"`{word}`" for word in action.choices or ())
        value = words or (f"`{action.metavar}`" if action.metavar else "")
        lines.append(f"| {names} {value} | {action.help} |".replace("  ", " "))
    return "\n".join(lines) + "\n"


def commands_table() -> str:
    """The other commands."""
    lines = [f"| `codex-mcp-server {name}` | {purpose} |" for name, (_, purpose) in COMMANDS.items()]
    return "\n".join(["| command, each with `--help` | |", "|---|---|", *lines]) + "\n"


async def record() -> list[tuple[str, JsonObject]]:
    """The messages of a conversation with one turn, with a command that is asked for and approved."""
    messages: list[tuple[str, JsonObject]] = []
    with OfflineCodex() as codex:
        codex.turn(say("I will look.", pieces=2), run("echo hello", ask="May I look?"), say("It says hello."))

        def trace(direction: str, lines: bytes) -> None:
            text = lines.decode().replace(str(codex.workspace), "/repo").replace(str(codex.home), "/home/you/.codex")
            messages.extend((direction, json.loads(line)) for line in text.splitlines())

        async with start_client(
            cwd=codex.workspace,
            env=codex.environment,
            approve=lambda _: "approved",
            name="my-editor",
            version="1.0",
            trace=trace,
        ) as client:
            conversation = await client.new_conversation(sandbox="read-only", approval_policy="on-request")
            await conversation.ask("Look around.")
    return messages


def transcript(messages: list[tuple[str, JsonObject]]) -> str:
    """The messages as text: ids short, times alike."""
    ids: dict[str, str] = {}
    lines = []
    for direction, message in messages:
        text = json.dumps(_without_nulls(message) if direction == ">" else message, ensure_ascii=False)
        text = _UUID.sub(lambda found: ids.setdefault(found[0], f"0199-{len(ids) + 1:02d}"), text)
        text = re.sub(r"sessions/.*?\.jsonl", "sessions/2026/11/21/rollout-0199-01.jsonl", text)
        text = re.sub(r'"nanos": \d+', '"nanos": 5000000', text)
        text = re.sub(r"\([^()]*; \w+\) \w+", "(Linux 6.1; x86_64) xterm", text, count=1)
        lines.append(f"{_ARROWS[direction]} {text}\n")
    return f"```text\n{''.join(lines)}```\n"


def steps(text: str) -> list[tuple[str, str]]:
    """What a transcript says, without the details: direction, and method, event or `answer`."""
    found: list[tuple[str, str]] = []
    for line in text.splitlines():
        if line[:1] in _ARROWS.values():
            step = (line[0], json.loads(line[2:]).get("method", "answer"))
            if not (step[1].endswith("_delta") and step in found[-2:]):
                found.append(step)
    return found


def _without_nulls(message: JsonObject) -> JsonObject:
    """As people write it: only what is said."""
    params = {key: value for key, value in message.get("params", {}).items() if value is not None}
    return {**message, "params": params} if "params" in message else message


def tables() -> dict[pathlib.Path, dict[str, str]]:
    """The parts that are made from code alone, by page."""
    return {
        GUIDE: {"events": events_table(), "methods": methods_table()},
        OPTIONS: {"options": options_table(), "commands": commands_table()},
    }


def generate() -> None:
    """Write the generated parts anew. The transcript stays, unless something else happens than it says."""
    for page, parts in tables().items():
        page.write_text(with_parts(page.read_text(encoding="utf-8"), parts), encoding="utf-8")
    recorded, page_text = transcript(anyio.run(record)), GUIDE.read_text(encoding="utf-8")
    if steps(recorded) != steps(page_text):
        GUIDE.write_text(with_parts(page_text, {"transcript": recorded}), encoding="utf-8")
