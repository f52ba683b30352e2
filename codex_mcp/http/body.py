"""Bodies of requests, within limits of size and time."""

from __future__ import annotations

from typing import Any

import anyio
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message, Receive

from codex_mcp.http.options import Limits


async def read_body(request: Request, limits: Limits) -> bytes:
    """All of it. Raises HTTPException 413 or 408, ClientDisconnect."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limits.body:
        raise _too_large(limits)
    body = bytearray()
    try:
        with anyio.fail_after(limits.body_seconds):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limits.body:
                    raise _too_large(limits)
    except TimeoutError:
        raise HTTPException(408, "the body did not come in time") from None
    return bytes(body)


def _too_large(limits: Limits) -> HTTPException:
    return HTTPException(413, f"the body is larger than {limits.body} bytes")


def replay(body: bytes, receive: Receive) -> Receive:
    """What others read in place of `receive`, from which the body was taken."""
    first: list[dict[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return first.pop() if first else await receive()

    return replayed
