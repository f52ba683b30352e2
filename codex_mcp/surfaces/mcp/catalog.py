"""The MCP tools that are offered, published by set. Light: `tools/list` is answered before the rest is loaded."""

from __future__ import annotations

import json
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from codex_mcp.wire.messages import JsonObject

DEFAULT_SET = "codex"
EXTRA_SETS = ("threads", "background", "agents", "servers", "lifecycle", "older")
"""What `--tools` may name, each a module of `tools`."""
SETS = (DEFAULT_SET, *EXTRA_SETS)


def load(set_name: str) -> list[JsonObject]:
    """The tools of a set, as tools/list shows them."""
    with open(os.path.join(os.path.dirname(__file__), "published", f"{set_name}.json"), "rb") as file:
        tools: list[JsonObject] = json.load(file)
    return tools


def list_tools(sets: tuple[str, ...]) -> list[JsonObject]:
    """The tools of the default set and of `sets`."""
    return [tool for name in (DEFAULT_SET, *sets) for tool in load(name)]
