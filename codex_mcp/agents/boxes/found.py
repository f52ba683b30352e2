"""Provisioners by name, from the entry points of what is installed."""

from __future__ import annotations

from importlib.metadata import entry_points

from codex_mcp.agents.boxes.model import Provisioner
from codex_mcp.agents.errors import NoIsolation

GROUP = "codex_mcp_server.provisioners"
AUTO = ("bwrap", "container")
"""What `auto` tries. Never `none`: who wants no wall says so."""


def provisioner(name: str) -> Provisioner:
    """Raises NoIsolation if none of that name is installed, or it cannot be loaded."""
    found = {entry.name: entry for entry in entry_points(group=GROUP)}
    if name not in found:
        raise NoIsolation(f"there is no isolation {name!r}; there are auto, {', '.join(sorted(found))}")
    try:
        made: Provisioner = found[name].load()()
    except Exception as error:  # somebody else's package
        raise NoIsolation(f"the isolation {name} cannot be loaded: {error}") from error
    return made
