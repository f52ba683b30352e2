"""The web server around the application: where it listens, and how it comes up and ends."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Iterator

import anyio
import uvicorn
from starlette.types import ASGIApp

from codex_mcp.errors import CallerError
from codex_mcp.http.options import HttpOptions

_KEEP_ALIVE = 75
_BACKLOG = 1024
# Connections at once, beyond which 503 is answered: each costs memory before anybody is known.
_MAX_CONNECTIONS = 4000
# Seconds for connections that are still open once all sessions have ended.
_LAST_CONNECTIONS = 2


class _Server(uvicorn.Server):
    """Its signals are ours: on its own, it would cut every stream."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def run(
    app: ASGIApp,
    options: HttpOptions,
    listening: Callable[[str], None],
    until_end: Callable[[], Awaitable[object]],
    end: Callable[[], Awaitable[None]],
) -> None:
    """Serve until `until_end` returns; then `end` what is served. `listening` hears the address.

    Raises OSError if the address cannot be had, CallerError if the certificate cannot be used.
    """
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=_LAST_CONNECTIONS,
        limit_concurrency=_MAX_CONNECTIONS,
        ssl_certfile=options.certificate,
        ssl_keyfile=options.key,
    )
    try:
        config.load()
    except (OSError, ValueError) as error:
        raise CallerError(f"the certificate {options.certificate} cannot be used: {error}") from None
    server = _Server(config)
    with _bound(options) as bound:
        async with anyio.create_task_group() as tasks:

            async def ended() -> None:
                await until_end()
                await end()
                server.should_exit = True

            tasks.start_soon(ended)
            listening(_address(options, bound))
            await server.serve([bound])
            tasks.cancel_scope.cancel()


def _address(options: HttpOptions, bound: socket.socket) -> str:
    if options.socket is not None:
        return f"unix:{options.socket}"
    host, port = bound.getsockname()[:2]
    scheme = "http" if options.certificate is None else "https"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


@contextlib.contextmanager
def _bound(options: HttpOptions) -> Iterator[socket.socket]:
    """The listening socket; a unix socket only its user can connect to, and is gone afterwards."""
    if options.socket is None:
        family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
        # named as TCP, or asyncio leaves small segments waiting for one another
        with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as bound:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind((options.host, options.port))
            bound.listen(_BACKLOG)
            yield bound
        return
    _remove_stale(options.socket)
    with socket.socket(socket.AF_UNIX) as bound:
        before = os.umask(0o177)
        try:
            bound.bind(options.socket)
        finally:
            os.umask(before)
        bound.listen(_BACKLOG)
        try:
            yield bound
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(options.socket)


def _remove_stale(path: str) -> None:
    """Remove what a server that was killed has left. Raises OSError if one is listening."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except FileNotFoundError:
            return
        except ConnectionRefusedError:
            os.unlink(path)
            return
    raise CallerError(f"a server listens on {path} already")


def quiet_libraries(handler: logging.Handler) -> None:
    """Have the libraries' warnings where ours go."""
    for name in ("uvicorn", "mcp", "sse_starlette", "asyncio"):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.setLevel(logging.ERROR if name == "uvicorn" else logging.WARNING)  # it warns of all that is no HTTP
        logger.propagate = False
