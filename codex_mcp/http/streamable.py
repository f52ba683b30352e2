"""`/mcp`: the Streamable HTTP transport of the SDK, one for each session, behind checks of our own.

A body is read and decoded here, strictly, and the transport gets what passed. A request that opens a session is
answered without one if its handshake would be refused.
"""

from __future__ import annotations

import re
from http import HTTPStatus

import anyio
from mcp.server.streamable_http import StreamableHTTPServerTransport
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Message as AsgiMessage
from starlette.types import Receive, Scope, Send

from codex_mcp.http.body import read_body, replay
from codex_mcp.http.events import RecentEvents
from codex_mcp.http.identity import Identity, identity_of
from codex_mcp.http.options import Limits
from codex_mcp.http.peer import MESSAGE
from codex_mcp.http.sessions import HttpSession, Sessions, TooManySessions
from codex_mcp.surfaces.handshake import MCP_VERSIONS, Handshake
from codex_mcp.wire import codec, messages
from codex_mcp.wire.errors import INVALID_REQUEST, RpcError
from codex_mcp.wire.messages import MalformedMessage, RequestId

SESSION_ID = "mcp-session-id"
_VERSION = "mcp-protocol-version"
_UNSUPPORTED_VERSION = -32022
_NO_SESSION = -32001
_RESUME = "last-event-id"
# An answer as `wire.codec` writes it.
_ANSWER = re.compile(rb'data: \{"jsonrpc":"2\.0","id":(?:"(?:[^"\\]|\\.)*"|-?\d+),"(?:result|error)":')


# Milliseconds after which a client whose stream broke may come back.
_RETRY = 1000


class _Transport(StreamableHTTPServerTransport):
    several_streams = True


class StreamableHttp:
    """An ASGI application."""

    def __init__(self, sessions: Sessions, limits: Limits) -> None:
        self._sessions = sessions
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response = await self._serve(request, send)
        if response is not None:
            await response(scope, receive, send)

    async def _serve(self, request: Request, send: Send) -> Response | None:
        """A response, unless the transport has sent one."""
        message: messages.Message | None = None
        receive = request.receive
        if request.method == "POST":
            try:
                body = await read_body(request, self._limits)
            except ClientDisconnect:
                return None
            try:
                message = codec.decode(body)
            except MalformedMessage as fault:
                return _refusal(HTTPStatus.BAD_REQUEST, RpcError(fault.code, fault.reason))
            receive = replay(body, request.receive)
        id = message.id if isinstance(message, messages.Request) else None
        version = request.headers.get(_VERSION, MCP_VERSIONS[-1])
        if version not in MCP_VERSIONS:
            supported = {"supported": list(MCP_VERSIONS), "requested": version}
            error = RpcError(_UNSUPPORTED_VERSION, f"Unsupported protocol version: {version}", supported)
            return _refusal(HTTPStatus.BAD_REQUEST, error, id)
        request.scope[MESSAGE] = message
        owner = identity_of(request)
        session_id = request.headers.get(SESSION_ID)
        if session_id is None and request.method == "POST":
            return await self._begin(request, message, owner, receive, send)
        session = self._sessions.find(session_id or "", owner)
        if session is None:
            gone = session_id is not None
            status = HTTPStatus.NOT_FOUND if gone else HTTPStatus.BAD_REQUEST
            reason = "there is no such session; begin with `initialize`" if gone else "Missing session ID"
            return _refusal(status, RpcError(_NO_SESSION if gone else INVALID_REQUEST, reason), id)
        if id is None:
            if _RESUME in request.headers:
                await _resume(session, request.scope, receive, send)
            else:
                await _handle(session, request.scope, receive, send)
            return None
        if session.is_taken(id):
            reason = f"request id {id!r} is already used by a request in flight"
            return _refusal(HTTPStatus.BAD_REQUEST, RpcError(INVALID_REQUEST, reason), id)
        await _handle_request(session, id, request.scope, receive, send)
        return None

    async def _begin(
        self, request: Request, message: messages.Message | None, owner: Identity, receive: Receive, send: Send
    ) -> Response | None:
        if not isinstance(message, messages.Request):
            return _refusal(HTTPStatus.BAD_REQUEST, RpcError(INVALID_REQUEST, "Missing session ID"))
        try:
            Handshake().answer(message.method, message.params, jsonrpc=True)
        except RpcError as error:
            return _refusal(HTTPStatus.BAD_REQUEST, error, message.id)
        if message.method != "initialize":  # a ping needs no session
            return JSONResponse({"jsonrpc": "2.0", "id": message.id, "result": {}})
        id = HttpSession.new_id()
        events = RecentEvents(self._limits.replay)
        transport = _Transport(id, event_store=events, retry_interval=_RETRY, idle_timeout=self._limits.idle)
        session = HttpSession(owner, transport, id)
        try:
            await self._sessions.begin(session)
        except TooManySessions as error:
            refusal = _refusal(HTTPStatus.SERVICE_UNAVAILABLE, RpcError(INVALID_REQUEST, error.message), message.id)
            refusal.headers["Retry-After"] = "60"
            return refusal
        refused = False

        async def look(event: AsgiMessage) -> None:
            nonlocal refused
            if event["type"] == "http.response.start" and event["status"] >= HTTPStatus.BAD_REQUEST:
                refused = True
                event["headers"] = [(k, v) for k, v in event["headers"] if k.decode().lower() != SESSION_ID]
            await send(event)

        await _handle_request(session, message.id, request.scope, receive, look)
        if refused:
            session.end()
        return None


async def _handle(session: HttpSession, scope: Scope, receive: Receive, send: Send) -> None:
    assert isinstance(session.transport, StreamableHTTPServerTransport)
    await session.transport.handle_request(scope, receive, send)


async def _resume(session: HttpSession, scope: Scope, receive: Receive, send: Send) -> None:
    """As the stream that broke would have, this one ends with the answer: the transport would leave it open."""
    with anyio.CancelScope() as over:

        async def look(event: AsgiMessage) -> None:
            await send(event)
            if event["type"] == "http.response.body" and _ANSWER.search(event.get("body", b"")):
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                over.cancel()

        await _handle(session, scope, receive, look)


async def _handle_request(session: HttpSession, id: RequestId, scope: Scope, receive: Receive, send: Send) -> None:
    session.posted(id)
    try:
        await _handle(session, scope, receive, send)
    finally:
        session.answered(id)


def _refusal(status: HTTPStatus, error: RpcError, id: RequestId | None = None) -> Response:
    return JSONResponse({"jsonrpc": "2.0", "id": id, "error": error.to_json()}, status)
