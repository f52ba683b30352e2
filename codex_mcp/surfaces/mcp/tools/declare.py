"""What a tool is: declared once, with its handler. The catalogue, the docs and the check of arguments come from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from codex_mcp.protocol.tools import ToolArguments, ToolResult
from codex_mcp.surfaces.mcp.context import CallContext
from codex_mcp.surfaces.mcp.results import failure
from codex_mcp.wire.messages import JsonObject

Handler: TypeAlias = Callable[[CallContext, Any], Awaitable[JsonObject]]
"""Takes the arguments as their model; returns the result of `tools/call`, or raises CodexMcpError."""


@dataclass(frozen=True)
class Tool:
    """A tool, as `tools/list` shows it, and who serves it."""

    name: str
    title: str
    description: str
    arguments: type[ToolArguments]
    result: type[ToolResult]
    run: Handler
    fail: Callable[[str, str], JsonObject] = failure
    """The result of a call that is refused before it runs, by code and message."""
    missing: str = ""
    """What the old server said when there were no arguments at all."""
    read_only: bool = False
    destructive: bool = False
    idempotent: bool = False
    open_world: bool = False
