"""In front of the endpoint: the log, header keys, and the failures that are switched on."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.support.hosted.authority import Authority
from tests.support.hosted.settings import MCP_PATH, Settings


class Gate:
    """In front of the endpoint: the log, header keys, and the failures that are switched on."""

    def __init__(
        self, app: ASGIApp, settings: Settings, log: list[dict[str, Any]], authority: Authority, metadata: Any
    ) -> None:
        """`metadata`: what the authorization server says of itself; None without one."""
        self._app = app
        self._settings = settings
        self._log = log
        self._authority = authority
        self._metadata = metadata

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        settings = self._settings
        body = await _whole_body(receive)
        headers = {key.decode().lower(): value.decode("latin-1") for key, value in scope["headers"]}
        entry = {
            "at": time.time(),
            "http": scope["method"],
            "path": scope["path"],
            "authorization": _kind(headers),
            "user_agent": headers.get("user-agent"),
            "version": headers.get("mcp-protocol-version"),
        }
        method = None
        if scope["path"] == MCP_PATH and body:
            try:
                message = json.loads(body)
                method = message.get("method") if isinstance(message, dict) else None
                entry["rpc"] = method
                if method in ("initialize", "tools/call", "server/discover"):
                    entry["params"] = message.get("params")
            except ValueError:
                entry["rpc"] = "?"
        elif scope["path"] in ("/register", "/token"):
            entry["body"] = body.decode(errors="replace")
        self._log.append(entry)

        unread = [body]

        async def replay() -> Message:
            if not unread:
                return await receive()
            return {"type": "http.request", "body": unread.pop(), "more_body": False}

        async def note_status(message: Message) -> None:
            if message["type"] == "http.response.start":
                entry["status"] = message["status"]
            await send(message)

        answer: Response | None = None
        if scope["path"] == MCP_PATH:
            if method == "initialize" and settings.start_delay:
                await asyncio.sleep(settings.start_delay)
            if settings.status:
                answer = Response(settings.body, settings.status, {"Location": "/elsewhere"}, "application/json")
            elif settings.page:
                answer = HTMLResponse(settings.page)
            elif self._lacks_scope(headers):
                challenge = f'Bearer error="insufficient_scope", scope="{settings.required_scope}"'
                answer = JSONResponse({"error": "insufficient_scope"}, 403, {"WWW-Authenticate": challenge})
            elif method == "tools/call" and settings.drop > 0:
                settings.drop -= 1
                await note_status({"type": "http.response.start", "status": 200, "headers": _EVENT_STREAM})
                await send({"type": "http.response.body", "body": b": broken off\n\n", "more_body": True})
                raise ConnectionAbortedError
            else:
                scope = {**scope, "headers": self._with_key(scope["headers"], headers)}
        elif scope["path"] == "/.well-known/oauth-authorization-server" and self._metadata is not None:
            answer = JSONResponse(self._metadata)
        elif scope["path"] == "/register" and settings.registration_status:
            answer = JSONResponse({"error": "invalid_client_metadata"}, settings.registration_status)
        elif scope["path"] == "/token" and settings.token_status:
            answer = HTMLResponse("<h1>something broke</h1>", settings.token_status)
        await (answer or self._app)(scope, replay, note_status)

    def _lacks_scope(self, headers: dict[str, str]) -> bool:
        wanted = self._settings.required_scope
        token = self._authority.tokens.get(headers.get("authorization", "")[len("Bearer ") :])
        return bool(wanted) and token is not None and wanted not in token.scopes

    def _with_key(self, raw: list[tuple[bytes, bytes]], headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
        """A key in a header of its own counts as a bearer token of a special kind."""
        key = headers.get(self._settings.key_header.lower())
        if key is None:
            return raw
        others = [(name, value) for name, value in raw if name.lower() != b"authorization"]
        return [*others, (b"authorization", f"Bearer header-key {key}".encode())]


_EVENT_STREAM = [(b"content-type", b"text/event-stream")]


def _kind(headers: dict[str, str]) -> str | None:
    """What a request authenticates by, without the secret."""
    if "authorization" in headers:
        scheme, _, value = headers["authorization"].partition(" ")
        return f"{scheme} {value[:3]}…"
    return next((name for name in headers if name.endswith("-api-key")), None)


async def _whole_body(receive: Receive) -> bytes:
    body: bytes = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            return body
