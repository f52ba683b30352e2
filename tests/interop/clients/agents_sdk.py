"""The OpenAI Agents SDK: its MCP server, and an agent whose model is a script."""

from __future__ import annotations

import sys
from typing import Any

import anyio
from agents import Agent, Runner, Usage, set_tracing_disabled
from agents.items import ModelResponse
from agents.mcp import MCPServerStdio
from agents.models.interface import Model
from meeting import ARGUMENTS, COMMAND, ENVIRONMENT, WORKSPACE, OnProgress, Result, check, meet
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText


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


class Scripted(Model):
    """Calls `codex`, then says something; `seen` is the result as the model gets it."""

    def __init__(self) -> None:
        self.seen = ""

    async def get_response(self, system_instructions: Any, input: Any, *args: Any, **kwargs: Any) -> ModelResponse:
        outputs = [str(item["output"]) for item in input if item.get("type") == "function_call_output"]
        self.seen = "".join(outputs)
        arguments = '{"prompt": "hello", "approval-policy": "never"}'
        item: Any = ResponseFunctionToolCall(name="codex", arguments=arguments, call_id="c", type="function_call")
        if outputs:
            text = ResponseOutputText(text="It said Done.", type="output_text", annotations=[])
            item = ResponseOutputMessage(id="m", content=[text], role="assistant", status="completed", type="message")
        return ModelResponse(output=[item], usage=Usage(), response_id=None)

    def stream_response(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError


async def main() -> None:
    set_tracing_disabled(True)
    params: Any = {"command": COMMAND, "args": ARGUMENTS, "env": ENVIRONMENT, "cwd": str(WORKSPACE)}
    async with MCPServerStdio(params, client_session_timeout_seconds=60) as server:
        told = server.server_initialize_result
        assert told is not None
        check("connect", told.server_info.name == "codex-mcp-server", str(told.protocol_version))
        await meet(Client(server))
        model = Scripted()
        agent = Agent("scripted", model=model, mcp_servers=[server])
        done = await Runner.run(agent, "Have Codex greet.")
        check("an agent calls codex", "Done." in model.seen and done.final_output == "It said Done.", model.seen)
    params["args"] = [*ARGUMENTS, "--show-thread-id"]
    async with MCPServerStdio(params, client_session_timeout_seconds=60) as server:
        model = Scripted()
        await Runner.run(Agent("scripted", model=model, mcp_servers=[server]), "Have Codex greet.")
        check("with --show-thread-id its model sees the thread", "threadId: " in model.seen, model.seen)


if __name__ == "__main__":
    sys.exit(anyio.run(main))
