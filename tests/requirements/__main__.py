"""Writes docs/compatibility.md from the manifest, and docs/errors.md from the catalogue of error codes."""

from __future__ import annotations

from codex_mcp import error_codes
from tests.requirements import HERE, SOURCES, load

TARGET = HERE.parent.parent / "docs" / "compatibility.md"
ERRORS = TARGET.with_name("errors.md")


def render() -> str:
    """The page: hand-written introduction, then every deliberate difference, then every behaviour."""
    parts = [(HERE / "introduction.md").read_text()]
    parts.append("## What differs from the old servers on purpose\n\n| here | the reference | id |\n|---|---|---|\n")
    for requirements in load().values():
        parts += [f"| {r.behaviour} | {r.differs} | `{r.id}` |\n" for r in requirements if r.differs]
    parts.append("\n## Every behaviour\n\nSources: ")
    parts.append("; ".join(f"*{name}*, {meaning}" for name, meaning in SOURCES.items()) + ".\n")
    for area, requirements in load().items():
        parts.append(f"\n### {area.capitalize()}\n\n| behaviour | source | id |\n|---|---|---|\n")
        parts += [f"| {r.behaviour} | {r.source} | `{r.id}` |\n" for r in requirements]
    return "".join(parts)


if __name__ == "__main__":
    TARGET.write_text(render())
    ERRORS.write_text(error_codes.render())
