"""The ASGI application: which path is served by what, behind which checks."""

from __future__ import annotations

import functools

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route, request_response
from starlette.types import ASGIApp, Receive, Scope, Send

from codex_mcp import __version__
from codex_mcp.http import health
from codex_mcp.http.auth import Authentication
from codex_mcp.http.guard import Guard, Throttle
from codex_mcp.http.identity import METRICS, USE
from codex_mcp.http.legacy import MESSAGES, LegacySse
from codex_mcp.http.metrics import Metrics
from codex_mcp.http.options import HttpOptions
from codex_mcp.http.page.routes import Page
from codex_mcp.http.service import Service
from codex_mcp.http.streamable import SESSION_ID, StreamableHttp
from codex_mcp.http.tools import Tools, openapi


def make_app(service: Service, options: HttpOptions, authentication: Authentication | None) -> Starlette:
    """Everything that is served. `authentication`: None to let everybody in who can connect."""
    limits = options.limits
    legacy = LegacySse(service.sessions, limits)
    metrics = Metrics()
    metrics.watch(service)

    async def description(_: Request) -> Response:
        return JSONResponse(openapi(__version__, service.tool_sets))

    def only(scope: str, app: ASGIApp) -> ASGIApp:
        return _Open(app) if authentication is None else authentication.require(app, scope)

    use = functools.partial(only, USE)
    tools = Tools(service.sessions, limits)
    return Starlette(
        routes=[
            *health.routes(service.not_ready),
            *([] if authentication is None else authentication.routes()),
            Route("/mcp", use(StreamableHttp(service.sessions, limits))),
            Route("/sse", use(legacy)),
            Mount(MESSAGES, use(legacy.messages)),
            Route("/tools/{name}", use(request_response(tools.__call__)), methods=["POST"]),
            Route("/openapi.json", description),
            *Page(service, service.activity, authentication).routes(),
            Route("/metrics", only(METRICS, request_response(metrics.__call__))),
        ],
        middleware=[
            Middleware(metrics.counting),
            Middleware(Guard, options),
            *_cors(options),
            *([] if authentication is None else [Middleware(AuthenticationMiddleware, backend=authentication)]),
            Middleware(Throttle, limits),
        ],
    )


class _Open:
    """An application as an object: `Route` takes a function for one that returns a response."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


def _cors(options: HttpOptions) -> list[Middleware]:
    if not options.origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=options.origins,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["*"],
            expose_headers=[SESSION_ID],
        )
    ]
