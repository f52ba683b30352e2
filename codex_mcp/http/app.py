"""The ASGI application: which path is served by what, behind which checks."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route

from codex_mcp.http import health
from codex_mcp.http.guard import Guard, Throttle
from codex_mcp.http.options import HttpOptions
from codex_mcp.http.service import Service
from codex_mcp.http.streamable import SESSION_ID, StreamableHttp


def make_app(service: Service, options: HttpOptions) -> Starlette:
    """Everything that is served."""
    middleware = [Middleware(Guard, options)]
    if options.origins:
        middleware.append(
            Middleware(
                CORSMiddleware,
                allow_origins=options.origins,
                allow_methods=["GET", "POST", "DELETE"],
                allow_headers=["*"],
                expose_headers=[SESSION_ID],
            )
        )
    middleware.append(Middleware(Throttle, options.limits))
    return Starlette(
        routes=[
            *health.routes(service.not_ready),
            Route("/mcp", StreamableHttp(service.sessions, options.limits)),
        ],
        middleware=middleware,
    )
