"""The 1.x line of the official Python SDK."""

from __future__ import annotations

import sys
from typing import Any

import anyio
import mcp
from mcp import types
from mcp.client.stdio import StdioServerParameters, stdio_client
from meeting import ARGUMENTS, COMMAND, ENVIRONMENT, WORKSPACE, OnProgress, Result, check, decide, meet


class Client:
    asks = True
    hears_progress = True

    def __init__(self, session: mcp.ClientSession) -> None:
        self._session = session

    async def tools(self) -> set[str]:
        return {tool.name for tool in (await self._session.list_tools()).tools}

    async def call(self, tool: str, arguments: dict[str, Any], on_progress: OnProgress | None = None) -> Result:
        async def progress(number: float, _: float | None, message: str | None) -> None:
            if on_progress:
                on_progress(number, message or "")

        result = await self._session.call_tool(tool, arguments, progress_callback=progress)
        return Result(result.content[0].text, result.structuredContent, result.isError)

    async def cancel(self) -> None:
        # it leaves that to its user, and does not tell the id of a request
        latest = types.CancelledNotificationParams(requestId=self._session._request_id - 1)
        await self._session.send_notification(types.ClientNotification(types.CancelledNotification(params=latest)))

    async def counts(self) -> dict[str, int]:
        return {
            "prompts": len((await self._session.list_prompts()).prompts),
            "resources": len((await self._session.list_resources()).resources),
            "templates": len((await self._session.list_resource_templates()).resourceTemplates),
        }


async def answer(_: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
    if decide(params.message):
        return types.ElicitResult(action="accept", content={"decision": "approve-for-session"})
    return types.ElicitResult(action="cancel")


async def main() -> None:
    server = StdioServerParameters(command=COMMAND, args=ARGUMENTS, env=ENVIRONMENT, cwd=WORKSPACE)
    # what the server logs is no warning of the library
    with open(WORKSPACE / "server.log", "w") as log:
        async with (
            stdio_client(server, errlog=log) as streams,
            mcp.ClientSession(*streams, elicitation_callback=answer) as session,
        ):
            told = await session.initialize()
            check("connect", told.serverInfo.name == "codex-mcp-server", str(told.protocolVersion))
            await meet(Client(session))


if __name__ == "__main__":
    sys.exit(anyio.run(main))
