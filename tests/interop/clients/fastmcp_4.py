"""FastMCP's client."""

from __future__ import annotations

import sys
from typing import Any

import anyio
from fastmcp import Client as FastClient
from fastmcp.client.elicitation import ElicitResult
from fastmcp.client.transports import StdioTransport
from meeting import ARGUMENTS, COMMAND, ENVIRONMENT, WORKSPACE, OnProgress, Result, check, decide, meet


class Client:
    asks = True
    hears_progress = True

    def __init__(self, client: FastClient) -> None:
        self._client = client

    async def tools(self) -> set[str]:
        return {tool.name for tool in await self._client.list_tools()}

    async def call(self, tool: str, arguments: dict[str, Any], on_progress: OnProgress | None = None) -> Result:
        async def progress(number: float, _: float | None, message: str | None) -> None:
            if on_progress:
                on_progress(number, message or "")

        result = await self._client.call_tool(tool, arguments, progress_handler=progress, raise_on_error=False)
        return Result(result.content[0].text, result.structured_content, result.is_error)

    async def cancel(self) -> None:
        """Cancelling the task is enough."""

    async def counts(self) -> dict[str, int]:
        return {
            "prompts": len(await self._client.list_prompts()),
            "resources": len(await self._client.list_resources()),
            "templates": len(await self._client.list_resource_templates()),
        }


async def answer(message: str, response_type: Any, params: Any, context: Any) -> Any:
    return response_type(decision="approve") if decide(message) else ElicitResult(action="decline")


async def main() -> None:
    log = WORKSPACE / "server.log"
    transport = StdioTransport(COMMAND, ARGUMENTS, ENVIRONMENT, str(WORKSPACE), keep_alive=False, log_file=log)
    async with FastClient(transport, elicitation_handler=answer) as client:
        told = client.initialize_result
        check("connect", told.server_info.name == "codex-mcp-server", told.protocol_version)
        await meet(Client(client))


if __name__ == "__main__":
    sys.exit(anyio.run(main))
