"""`/sse` and `/messages/`: the transport that Streamable HTTP has replaced, for clients that still speak it.

Its session is its one stream: it ends when the stream does.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

import anyio
from mcp.server.sse import SseServerTransport
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from codex_mcp.http.body import read_body, replay
from codex_mcp.http.identity import identity_of
from codex_mcp.http.options import Limits
from codex_mcp.http.peer import MESSAGE, ReadStream, WriteStream
from codex_mcp.http.sessions import HttpSession, Sessions, TooManySessions
from codex_mcp.wire import codec
from codex_mcp.wire.messages import MalformedMessage

MESSAGES = "/messages/"


class _Stream:
    """A `Transport`: the stream of one GET request."""

    idle_scope = None
    several_streams = False

    def __init__(self, transport: SseServerTransport, scope: Scope, receive: Receive, send: Send) -> None:
        self._connect = transport.connect_sse(scope, receive, send)
        self._send: WriteStream | None = None

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[tuple[ReadStream, WriteStream]]:
        async with self._connect as (receive, send):
            self._send = send
            yield receive, send

    async def terminate(self) -> None:
        if self._send is not None:
            await self._send.aclose()


class LegacySse:
    """An ASGI application for `/sse`; `messages` is the one for `/messages/`."""

    def __init__(self, sessions: Sessions, limits: Limits) -> None:
        self._sessions = sessions
        self._limits = limits
        self._transport = SseServerTransport(MESSAGES, max_request_body_size=limits.body)
        self.messages = _Messages(self._transport, limits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if request.method != "GET":
            response = PlainTextResponse("Method Not Allowed", HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": "GET"})
            await response(scope, receive, send)
            return
        stream = _Stream(self._transport, scope, receive, send)
        session = HttpSession(identity_of(request), stream, HttpSession.new_id())
        try:
            await self._sessions.begin(session)
        except TooManySessions as error:
            await PlainTextResponse(error.message, 503, headers={"Retry-After": "60"})(scope, receive, send)
            return
        try:
            await session.ended.wait()
        except anyio.get_cancelled_exc_class():
            session.end()
            raise


class _Messages:
    def __init__(self, transport: SseServerTransport, limits: Limits) -> None:
        self._transport = transport
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "POST":
            try:
                body = await read_body(Request(scope, receive), self._limits)
                scope[MESSAGE] = codec.decode(body)
            except ClientDisconnect:
                return
            except MalformedMessage as fault:
                await PlainTextResponse(fault.reason, HTTPStatus.BAD_REQUEST)(scope, receive, send)
                return
            receive = replay(body, receive)
        await self._transport.handle_post_message(scope, receive, send)
