"""The lines of the pages that register the server, run as they stand there."""

from __future__ import annotations

import pathlib
import re
import shlex

import pytest

from codex_mcp.cli.install import install
from codex_mcp.cli.install.clients import Machine
from tests.support.home import Home

ROOT = pathlib.Path(__file__).parents[3]
PAGES = [
    "README.md",
    "docs/migrating.md",
    "docs/trouble.md",
    *(f"docs/clients/{p.name}" for p in (ROOT / "docs/clients").glob("*.md")),
]


def lines() -> set[str]:
    found: set[str] = set()
    for page in PAGES:
        found |= set(re.findall(r"codex-mcp-server install [^`\n]*[^`\n.:,]", (ROOT / page).read_text()))
    return {line for line in found if "CLIENT" not in line}


def test_there_are_such_lines() -> None:
    assert len(lines()) > 10


@pytest.mark.requirement("install:new")
@pytest.mark.parametrize("line", sorted(lines()))
def test_a_line_that_registers_the_server_does_so(line: str, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Machine, "here", lambda: Machine(home.root, home.workspace, "linux", {}))
    _, _, *arguments = shlex.split(line)
    assert install(arguments) == 0
