"""The manifest of what a user can rely on: one TOML file per area, one table per behaviour.

    ["area:feature:variant"]
    behaviour = "what happens, in a sentence"
    source = "interface"          # see SOURCES
    differs = "…"                 # where we differ from the reference on purpose: what it does, and why we do not

Tests name the behaviour that they hold by `@pytest.mark.requirement("…")`. `test_manifest` fails on a behaviour
without a test and on a test without a behaviour; `python -m tests.requirements` writes docs/compatibility.md.
"""

from __future__ import annotations

import pathlib
import tomllib
from dataclasses import dataclass

HERE = pathlib.Path(__file__).parent
SOURCES = {
    "interface": "the published interface document",
    "0.53": "the released 0.53 app-server, the last to serve the interface as documented",
    "0.153.4": "the released 0.153.4 `codex mcp-server`, the last release that had the command",
    "mcp": "the MCP specification",
    "users": "issues of the users of the old command",
    "design": "this project's own design",
}


@dataclass(frozen=True)
class Requirement:
    """A behaviour."""

    id: str
    behaviour: str
    source: str
    differs: str | None = None


def load() -> dict[str, list[Requirement]]:
    """All requirements, by area (the name of the file)."""
    areas = {}
    for path in sorted(HERE.glob("*.toml")):
        entries = tomllib.loads(path.read_text())
        areas[path.stem] = [Requirement(id, **fields) for id, fields in entries.items()]
    return areas
