"""The MCP tools that are offered: `tools.json`, by set. Light: `tools/list` is answered before the rest is loaded."""

from __future__ import annotations

import json
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from codex_mcp.wire.messages import JsonObject

DEFAULT_SET = "codex"
EXTRA_SETS = ("threads", "background")
"""What `--tools` may name, each a module of `tools`."""
SETS = (DEFAULT_SET, *EXTRA_SETS)


def load() -> dict[str, list[JsonObject]]:
    """All tools by set, as tools/list shows them."""
    with open(os.path.join(os.path.dirname(__file__), "tools.json"), "rb") as file:
        catalog: dict[str, list[JsonObject]] = json.load(file)
    return catalog


def list_tools(sets: tuple[str, ...]) -> list[JsonObject]:
    """The tools of the default set and of `sets`."""
    catalog = load()
    return [tool for name in (DEFAULT_SET, *sets) for tool in catalog[name]]
