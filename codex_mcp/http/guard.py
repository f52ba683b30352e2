"""What every request has to pass, before anything is looked up: Host, Origin, size, number and rate.

Host and Origin keep web pages out: a page may resolve its own name to this machine, and calls any port it likes.
"""

from __future__ import annotations

import ipaddress
import logging
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import anyio
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from codex_mcp.http.identity import identity_of
from codex_mcp.http.options import HttpOptions, Limits
from codex_mcp.logs import about

log = logging.getLogger(__name__)

_MAX_IDENTITIES = 10_000


class Guard:
    """ASGI middleware: 421 for a name that is not this server's, 403 for a page of somebody else's."""

    def __init__(self, app: ASGIApp, options: HttpOptions) -> None:
        self._app = app
        self._names = {"localhost", *(name.lower() for name in options.hosts)}
        self._origins = set(options.origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            host, origin = headers.get("host", ""), headers.get("origin")
            if not self._is_ours(host):
                log.warning("refused a request for another host", extra=about(host=host[:100]))
                await PlainTextResponse("Invalid Host header", 421)(scope, receive, send)
                return
            if origin is not None and origin not in self._origins and origin != f"{scope['scheme']}://{host}":
                log.warning("refused a request of another page", extra=about(origin=origin[:100]))
                await PlainTextResponse("Invalid Origin header", 403)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _is_ours(self, host: str) -> bool:
        """Addresses are: only a name can be pointed elsewhere."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if name in self._names:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


@dataclass
class _Use:
    tokens: float
    seen: float = field(default_factory=anyio.current_time)
    open: int = 0


class Throttle:
    """ASGI middleware: 429 for an identity with too many requests at once, or in a second."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits
        self._uses: dict[str, _Use] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        use = self._use(identity_of(HTTPConnection(scope)).key)
        now = anyio.current_time()
        burst = 2 * self._limits.rate
        use.tokens = min(burst, use.tokens + (now - use.seen) * self._limits.rate)
        use.seen = now
        if use.tokens < 1 or use.open >= self._limits.requests_each:
            response = PlainTextResponse("Too many requests", 429, headers={"Retry-After": "1"})
            await response(scope, receive, send)
            return
        use.tokens -= 1
        use.open += 1
        try:
            await self._app(scope, receive, send)
        finally:
            use.open -= 1

    def _use(self, owner: str) -> _Use:
        if owner not in self._uses and len(self._uses) >= _MAX_IDENTITIES:
            self._uses = {name: use for name, use in self._uses.items() if use.open}
        return self._uses.setdefault(owner, _Use(2 * self._limits.rate))
