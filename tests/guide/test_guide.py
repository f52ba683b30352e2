"""The guide says what the server does."""

from __future__ import annotations

import ast
import re

import pytest

from tests.guide import GUIDE, events_table, methods_table, record, steps, transcript, with_parts
from tests.support import engine_in_use
from tests.test_layers import PACKAGE

# What answers the documented methods; MCP tools and commands have codes of their own.
_SOURCES = ["errors.py", "wire", "engine", "bridge", "surfaces/handshake.py", "surfaces/session.py", "surfaces/v1"]
_ELSEWHERE = ["mcp_servers", "bridge/threads.py"]


def test_the_tables_are_up_to_date() -> None:
    page = GUIDE.read_text(encoding="utf-8")
    assert with_parts(page, {"events": events_table(), "methods": methods_table()}) == page, "run python -m tests.guide"


@pytest.mark.skipif(engine_in_use.version()[:2] != (0, 163), reason="recorded with the engine of the wheel")
async def test_the_transcript_is_what_happens() -> None:
    page = GUIDE.read_text(encoding="utf-8")
    told = steps(page)
    assert ("←", "execCommandApproval") in told
    assert told == steps(transcript(await record())), "run python -m tests.guide"


def test_every_code_of_an_error_is_explained() -> None:
    explained = set(
        re.findall(r"`([a-z_]+)`", GUIDE.read_text(encoding="utf-8").split("## Errors")[1].split("## Events")[0])
    )
    assert codes() - explained == set()


def codes() -> set[str]:
    """The stable codes in the source: `code = "…"`, `code="…"`, `{"code": "…"}`."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        name = path.relative_to(PACKAGE).as_posix()
        if not name.startswith(tuple(_SOURCES)) or any(part in name for part in _ELSEWHERE):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            value: ast.AST | None = None
            if (
                isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "code"
            ) or (isinstance(node, ast.keyword) and node.arg == "code"):
                value = node.value
            elif isinstance(node, ast.Dict) and node.keys and isinstance(node.keys[0], ast.Constant):
                value = node.values[0] if node.keys[0].value == "code" else None
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                found.add(value.value)
    assert "engine_lost" in found
    return found
