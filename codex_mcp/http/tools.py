"""`POST /tools/NAME`: one tool, its arguments as JSON, its result as JSON; for scripts that speak no MCP.

The call has a session of its own, without a client: what Codex asks waits in the inbox. Whoever goes away stops it.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import anyio
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from codex_mcp.http.body import read_body
from codex_mcp.http.identity import Identity, identity_of
from codex_mcp.http.options import Limits
from codex_mcp.http.sessions import Sessions
from codex_mcp.surfaces.mcp import catalog
from codex_mcp.wire import codec, messages
from codex_mcp.wire.errors import RpcError
from codex_mcp.wire.messages import JsonObject, RequestId
from codex_mcp.wire.peer import Endpoint

if TYPE_CHECKING:
    from codex_mcp.wire.messages import Message
    from codex_mcp.wire.peer import Observer

_CALL = 1
_STATUS = {
    "invalid_arguments": HTTPStatus.BAD_REQUEST,
    "config_error": HTTPStatus.BAD_REQUEST,
    "not_allowed": HTTPStatus.FORBIDDEN,
    "not_found": HTTPStatus.NOT_FOUND,
    "engine_unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
    "timeout": HTTPStatus.GATEWAY_TIMEOUT,
}


class OneCall(Endpoint):
    """A connection for a single request: what it is answered is `answer`, all else is nobody's."""

    def __init__(self, request: Message, observer: Observer | None) -> None:
        super().__init__(jsonrpc=True, observer=observer)
        self.answer: messages.Response | messages.ErrorResponse | None = None
        self._request = request

    async def read(self) -> None:
        self.accept(self._request)
        await anyio.sleep_forever()

    async def write_out(self) -> None:
        while not self._closed:
            self._wakeup = anyio.Event()
            await self._wakeup.wait()

    def transmit(self, message: Message, about: RequestId | None = None) -> None:
        if isinstance(message, messages.Response | messages.ErrorResponse) and message.id == _CALL:
            self.answer = message
            self.stop_reading()

    def left_unanswered(self, id: RequestId) -> None:
        self.stop_reading()

    async def hang_up(self) -> None:
        """There is no stream."""

    async def writable(self) -> None:
        """It always is."""


class Tools:
    """The endpoint."""

    def __init__(self, sessions: Sessions, limits: Limits) -> None:
        self._sessions = sessions
        self._limits = limits

    async def __call__(self, request: Request) -> Response:
        if request.headers.get("content-type", "application/json").partition(";")[0].strip() != "application/json":
            return _failure(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "invalid_request", "the arguments are a JSON object")
        try:
            body = await read_body(request, self._limits)
            arguments = codec.decode_value(body) if body.strip() else {}
        except ClientDisconnect:
            return Response(status_code=HTTPStatus.BAD_REQUEST)
        except messages.MalformedMessage as fault:
            return _failure(HTTPStatus.BAD_REQUEST, "invalid_arguments", fault.reason)
        if not isinstance(arguments, dict):
            return _failure(HTTPStatus.BAD_REQUEST, "invalid_arguments", "the arguments are a JSON object")
        answer = await self._call(request, identity_of(request), request.path_params["name"], arguments)
        if answer is None:
            return Response(status_code=HTTPStatus.BAD_REQUEST)  # nobody is there to read it
        if isinstance(answer, messages.ErrorResponse):
            error = RpcError.from_json(answer.error)
            code = error.data.get("code", "internal_error") if isinstance(error.data, dict) else "internal_error"
            return _failure(_STATUS.get(code, HTTPStatus.INTERNAL_SERVER_ERROR), code, error.message)
        return _result(answer.result)

    async def _call(
        self, request: Request, identity: Identity, name: str, arguments: JsonObject
    ) -> messages.Response | messages.ErrorResponse | None:
        params = {"name": name, "arguments": arguments}
        policy = self._sessions.policy()
        call = OneCall(messages.Request(_CALL, "tools/call", params, jsonrpc=True), policy)
        async with anyio.create_task_group() as tasks:

            async def watch() -> None:
                while (await request.receive())["type"] != "http.disconnect":
                    pass
                call.stop_reading()

            tasks.start_soon(watch)
            await self._sessions.run_alone(call, identity, policy)
            tasks.cancel_scope.cancel()
        return call.answer


def _result(result: Any) -> Response:
    structured = result.get("structuredContent")
    content = result["content"] if structured is None else structured
    if not result.get("isError"):
        return JSONResponse(content)
    error = content.get("error") if isinstance(content, dict) else None
    code = error.get("code", "") if isinstance(error, dict) else ""
    return JSONResponse(content, _STATUS.get(code, HTTPStatus.BAD_GATEWAY))


def _failure(status: HTTPStatus, code: str, message: str) -> Response:
    return JSONResponse({"error": {"code": code, "message": message}}, status)


def openapi(version: str, sets: tuple[str, ...]) -> JsonObject:
    """The plain endpoints as an OpenAPI 3.1 document: MCP's are described by MCP."""
    answer = {"description": "Result", "content": {"application/json": {}}}
    paths: JsonObject = {
        f"/{name}": {"get": {"summary": summary, "security": [], "responses": {"200": answer, **more}}}
        for name, summary, more in (
            ("health", "The server runs", {}),
            ("ready", "It has an engine", {"503": {"description": "Not ready; `reason` says why"}}),
        )
    }
    paths["/metrics"] = {
        "get": {
            "summary": "Figures for Prometheus",
            "responses": {"200": {"description": "Figures", "content": {"text/plain": {}}}},
        }
    }
    for tool in catalog.list_tools(sets):
        paths[f"/tools/{tool['name']}"] = {
            "post": {
                "operationId": tool["name"],
                "summary": tool.get("title", tool["name"]),
                "description": tool["description"],
                "requestBody": {"content": {"application/json": {"schema": tool["inputSchema"]}}},
                "responses": {
                    "200": {
                        "description": "The tool's structured result",
                        "content": {"application/json": {"schema": tool.get("outputSchema", {"type": "object"})}},
                    },
                    "default": {"description": "A failure: `error.code` is stable, `error.message` for people"},
                },
            }
        }
    return {
        "openapi": "3.1.0",
        "info": {"title": "codex-mcp-server", "version": version},
        "security": [{"bearer": []}],
        "components": {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}},
        "paths": paths,
    }
