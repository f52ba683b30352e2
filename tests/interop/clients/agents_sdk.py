"""The OpenAI Agents SDK's side of an MCP server. `examples/openai_agents.py` has an agent use it."""

from __future__ import annotations

import sys
from typing import Any

import anyio
from agents.mcp import MCPServerStdio
from meeting import ARGUMENTS, COMMAND, ENVIRONMENT, WORKSPACE, OnProgress, Result, check, meet


class Client:
    asks = False  # it has no callback for elicitation
    hears_progress = False

    def __init__(self, server: MCPServerStdio) -> None:
        self._server = server

    async def tools(self) -> set[str]:
        return {tool.name for tool in await self._server.list_tools()}

    async def call(self, tool: str, arguments: dict[str, Any], on_progress: OnProgress | None = None) -> Result:
        result = await self._server.call_tool(tool, arguments)
        return Result(result.content[0].text, result.structured_content, result.is_error)

    async def cancel(self) -> None:
        """Cancelling the task is enough."""

    async def counts(self) -> dict[str, int]:
        return {
            "prompts": len((await self._server.list_prompts()).prompts),
            "resources": len((await self._server.list_resources()).resources),
            "templates": len((await self._server.list_resource_templates()).resource_templates),
        }


async def main() -> None:
    params: Any = {"command": COMMAND, "args": ARGUMENTS, "env": ENVIRONMENT, "cwd": str(WORKSPACE)}
    async with MCPServerStdio(params, client_session_timeout_seconds=60) as server:
        told = server.server_initialize_result
        assert told is not None
        check("connect", told.server_info.name == "codex-mcp-server", str(told.protocol_version))
        await meet(Client(server))


if __name__ == "__main__":
    sys.exit(anyio.run(main))
