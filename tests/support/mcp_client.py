"""An MCP client that shows what goes over the wire. Every message of the server is held against the SDK's models."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import mcp_types
from anyio.abc import ByteReceiveStream, ByteSendStream
from pydantic import BaseModel, TypeAdapter

from codex_mcp.client.process import start_process
from codex_mcp.wire.errors import INTERNAL_ERROR, METHOD_NOT_FOUND, RpcError
from codex_mcp.wire.messages import MalformedMessage
from codex_mcp.wire.peer import IncomingCall, Peer, PendingCall
from tests.support.home import Home

Json = dict[str, Any]

ACCEPT: Json = {"action": "accept", "content": {}}

_RESULTS: dict[str, type[BaseModel]] = {
    "initialize": mcp_types.InitializeResult,
    "ping": mcp_types.EmptyResult,
    "tools/list": mcp_types.ListToolsResult,
    "tools/call": mcp_types.CallToolResult,
    "resources/list": mcp_types.ListResourcesResult,
    "resources/templates/list": mcp_types.ListResourceTemplatesResult,
    "resources/read": mcp_types.ReadResourceResult,
    "resources/subscribe": mcp_types.EmptyResult,
    "resources/unsubscribe": mcp_types.EmptyResult,
    "prompts/list": mcp_types.ListPromptsResult,
    "prompts/get": mcp_types.GetPromptResult,
    "logging/setLevel": mcp_types.EmptyResult,
}
_REQUESTS: TypeAdapter[Any] = TypeAdapter(mcp_types.ServerRequest)
_NOTIFICATIONS: TypeAdapter[Any] = TypeAdapter(mcp_types.ServerNotification)


class McpClient:
    """The client's end. `notifications`, `questions` and `order` keep what came; `answer` answers elicitations."""

    def __init__(self, receive: ByteReceiveStream, send: ByteSendStream, answer: Callable[[Json], Any]) -> None:
        self.peer = Peer(receive, send, jsonrpc=True)
        self.notifications: list[tuple[str, Json]] = []
        self.questions: list[Json] = []
        self.order: list[str] = []
        self.server: Json = {}
        self.faults: list[str] = []
        self._answer = answer
        self._news = anyio.Event()

    async def open(self, capabilities: Json, version: str = "2025-11-25") -> None:
        """The handshake."""
        info = {"name": "test", "version": "1"}
        params = {"protocolVersion": version, "capabilities": capabilities, "clientInfo": info}
        self.server = await self.request("initialize", params)
        self.peer.notify("notifications/initialized")

    async def request(self, method: str, params: Json | None = None) -> Any:
        return await self.result(method, self.peer.begin(method, params))

    async def result(self, method: str, pending: PendingCall) -> Any:
        result = await pending.result()
        self.order.append(f"result of {method}")
        _RESULTS[method].model_validate(result)
        return result

    def begin(self, tool: str, token: str | None = None, /, **arguments: Any) -> PendingCall:
        """Send a call; names of arguments have `_` for `-`, and a trailing `_` is dropped."""
        params: Json = {"name": tool, "arguments": {_argument(name): value for name, value in arguments.items()}}
        if token is not None:
            params["_meta"] = {"progressToken": token}
        return self.peer.begin("tools/call", params)

    async def call(self, tool: str, token: str | None = None, /, **arguments: Any) -> Json:
        """Call a tool and wait for its result."""
        result: Json = await self.result("tools/call", self.begin(tool, token, **arguments))
        return result

    def cancel(self, call: PendingCall, reason: str = "the user said so") -> None:
        self.peer.notify("notifications/cancelled", {"requestId": call.id, "reason": reason})

    def of(self, method: str) -> list[Json]:
        """Params of the notifications of a method, so far."""
        return [params for name, params in self.notifications if name == method]

    def events(self) -> list[str]:
        """Types of the events, so far."""
        return [params["msg"]["type"] for params in self.of("codex/event")]

    async def until(self, condition: Callable[[], Any]) -> None:
        """Wait for the message of the server after which it holds."""
        while not condition():
            self._news = anyio.Event()
            await self._news.wait()

    # -- Handler

    def on_request(self, call: IncomingCall) -> None:
        self._check(_REQUESTS, call.method, call.params)
        if call.method != "elicitation/create":
            raise RpcError(METHOD_NOT_FOUND, call.method)
        self.questions.append(call.params)
        self.order.append("elicitation")
        self._news.set()
        call.start(self._decide(call.params))

    async def _decide(self, params: Json) -> Any:
        answer = self._answer(params)
        if isinstance(answer, RpcError):
            raise answer
        if answer is None:
            await anyio.sleep_forever()
        return answer

    def on_notification(self, method: str, params: Any) -> None:
        if not method.startswith("notifications/"):  # the documented interface's own
            mcp_types.JSONRPCNotification.model_validate({"jsonrpc": "2.0", "method": method, "params": params})
        else:
            self._check(_NOTIFICATIONS, method, params)
        self.notifications.append((method, params))
        self.order.append(method if method != "codex/event" else params["msg"]["type"])
        self._news.set()

    def _check(self, models: TypeAdapter[Any], method: str, params: Any) -> None:
        try:
            models.validate_python({"method": method, "params": params})
        except ValueError as error:
            self.faults.append(f"{method}: {error}")

    def on_malformed(self, fault: MalformedMessage) -> None:
        self.faults.append(fault.reason)

    def on_bug(self, error: Exception) -> None:
        self.faults.append(repr(error))

    def to_rpc_error(self, error: Exception) -> RpcError:
        self.faults.append(repr(error))
        return RpcError(INTERNAL_ERROR, repr(error))


def _argument(name: str) -> str:
    return name if name.endswith("Id") else name.rstrip("_").replace("_", "-")


@asynccontextmanager
async def mcp_serving(
    home: Home,
    *arguments: str,
    answer: Callable[[Json], Any] | None = None,
    version: str = "2025-11-25",
    capabilities: Json | None = None,
    stderr: int | None = None,
    **environment: str,
) -> AsyncIterator[McpClient]:
    """A server, and an MCP client that is connected to it. With `answer` it declares elicitation; `answer` gets the
    params of a question and returns the result, an RpcError, or None to leave it open."""
    if capabilities is None:
        capabilities = {} if answer is None else {"elicitation": {}}
    failure: Exception | None = None
    command = [sys.executable, "-m", "codex_mcp", *arguments]
    environ = home.environment(**environment)
    async with start_process(command, cwd=home.workspace, env=environ, stderr=stderr) as server:
        client = McpClient(server.receive, server.send, answer or (lambda _: None))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(client.peer.run, client)
            try:
                await client.open(capabilities, version)
                yield client
            except Exception as error:  # raised outside of the task group, so that the test shows it and not a group
                failure = error
            tasks.cancel_scope.cancel()
        if failure is not None:
            raise failure
        assert client.faults == []


def text(result: Json) -> str:
    """All text of a tool's result."""
    return "\n".join(block["text"] for block in result["content"])
