"""`/health` and `/ready`: open to everybody, with nothing in them that is private."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from codex_mcp import __version__


def routes(ready: Callable[[], str | None]) -> list[Route]:
    """`ready`: why no work can be taken; None if it can."""

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok", "version": __version__})

    async def readiness(_: Request) -> Response:
        reason = ready()
        if reason is None:
            return JSONResponse({"status": "ready"})
        return JSONResponse({"status": "not ready", "reason": reason}, 503)

    return [Route("/health", health), Route("/ready", readiness)]
