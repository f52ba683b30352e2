"""An exec-server that runs elsewhere already: a pod, a service, a machine of its own, behind a WebSocket address.

Options: `url` (ws:// or wss://), `token_file` (for `Authorization: Bearer`). What is behind it is not ours to start, to
look into or to end.
"""

from __future__ import annotations

import base64
import http.client
import os
import pathlib
import urllib.parse
from collections.abc import Sequence

import anyio.to_thread

from codex_mcp.agents.boxes.model import BoxRef, BoxSpec, Endpoint, Probe, Remote, Usage
from codex_mcp.agents.errors import BoxError

_LIMIT = 10.0  # seconds


class RemoteBox:
    """See the module."""

    name = "remote"

    async def probe(self, spec: BoxSpec) -> Probe:
        try:
            remote = self.endpoint(spec)
            assert isinstance(remote, Remote)
            status = await anyio.to_thread.run_sync(_shake_hands, remote)
        except BoxError as error:
            return Probe(False, error.message)
        except (OSError, ValueError, http.client.HTTPException) as error:
            return Probe(False, f"{spec.options['url']}: {error}")
        if status != 101:
            hint = " (the token is not the one)" if status in (401, 403) else ""
            return Probe(False, f"{spec.options['url']} answers with {status} instead of a WebSocket{hint}")
        return Probe(
            True, "remote: what it isolates is up to the other side", networks=frozenset({"none"}), local=False
        )

    async def prepare(self, spec: BoxSpec) -> None:
        """The other side is there already."""

    def inside(self, spec: BoxSpec, argv: Sequence[str]) -> list[str]:
        raise BoxError("nothing but the engine reaches into a remote box")

    def endpoint(self, spec: BoxSpec) -> Endpoint:
        url = spec.options.get("url", "")
        if not url.startswith(("ws://", "wss://")):
            raise BoxError("the backend `remote` needs the option url, ws://… or wss://…")
        file = spec.options.get("token_file")
        try:
            token = pathlib.Path(file).read_text().strip() if file else None
        except OSError as error:
            raise BoxError(f"the token of the remote box cannot be read: {error}") from None
        return Remote(url, token)

    async def find(self) -> list[BoxRef]:
        return []

    async def usage(self, spec: BoxSpec) -> Usage | None:
        return None

    async def stop(self, ref: BoxRef, grace: float) -> None:
        """It has a life of its own."""

    async def remove(self, spec: BoxSpec) -> None:
        """It has a life of its own."""


def _shake_hands(remote: Remote) -> int:
    """The status that the address answers a WebSocket handshake with."""
    url = urllib.parse.urlsplit(remote.url)
    kind = http.client.HTTPSConnection if url.scheme == "wss" else http.client.HTTPConnection
    connection = kind(url.hostname or "", url.port, timeout=_LIMIT)
    headers = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
    }
    if remote.token is not None:
        headers["Authorization"] = f"Bearer {remote.token}"
    try:
        connection.request("GET", url.path or "/", headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()
