"""The guide says what the server does."""

from __future__ import annotations

import ast
import re

import pytest

from tests.guide import GUIDE, OPTIONS, record, steps, tables, transcript, with_parts
from tests.support import engine_in_use
from tests.test_layers import PACKAGE

_VARIABLE = re.compile(r"(CODEX|OPENAI|XDG)_[A-Z_]+|NO_COLOR")
# set by the server for itself and for what it starts
_OF_OUR_OWN = {"CODEX_MCP_AGENT", "CODEX_MCP_DEMO_OUTSIDE", "CODEX_MCP_ENGINE_RUN", "CODEX_MCP_GATE"}


def test_the_tables_are_up_to_date() -> None:
    for path, parts in tables().items():
        page = path.read_text(encoding="utf-8")
        assert with_parts(page, parts) == page, "run python -m tests.guide"


def test_every_variable_of_the_environment_is_explained() -> None:
    explained = set(re.findall(r"`([A-Z_]+)`", OPTIONS.read_text(encoding="utf-8")))
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and _VARIABLE.fullmatch(node.value):
                found.add(node.value)
    assert {"CODEX_HOME", "CODEX_MCP_ENGINE"} <= found
    assert found - explained - _OF_OUR_OWN == set()


@pytest.mark.skipif(engine_in_use.version()[:2] != (0, 163), reason="recorded with the engine of the wheel")
async def test_the_transcript_is_what_happens() -> None:
    page = GUIDE.read_text(encoding="utf-8")
    told = steps(page)
    assert ("←", "execCommandApproval") in told
    assert told == steps(transcript(await record())), "run python -m tests.guide"
