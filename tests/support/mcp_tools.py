"""An MCP server with two tools, for the engine to call: `python -m tests.support.mcp_tools`."""

from __future__ import annotations

from typing import TypedDict

from mcp.server import MCPServer

server = MCPServer("tools")


class Sum(TypedDict):
    """What `add` gives."""

    total: int


@server.tool()
def add(a: int, b: int) -> Sum:
    """Add two numbers."""
    return {"total": a + b}


@server.tool()
def fail(reason: str) -> str:
    """Fail for that reason."""
    raise RuntimeError(reason)


@server.tool()
def join(parts: list[str]) -> str:
    """Put a text together, which nobody has said before."""
    return "".join(parts)


if __name__ == "__main__":
    server.run()
