"""How the HTTP server is started, and what it allows."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field

from codex_mcp import invocation
from codex_mcp.errors import CallerError


@dataclass(frozen=True)
class Limits:
    """What clients may take."""

    body: int = 16 * 1024 * 1024
    """Bytes of a request; images in arguments are base64."""
    body_seconds: float = 30.0
    """For which a client may take to send a request's body."""
    event: int = 1_000_000
    """Bytes of a message to a client: the official Python client refuses events over 1 MiB."""
    backlog: int = 16 * 1024 * 1024
    """Bytes that may wait for a client that does not read; then its session ends."""
    replay: int = 4 * 1024 * 1024
    """Bytes of what was sent that are kept for a client whose connection broke."""
    sessions: int = 1000
    """At once."""
    sessions_each: int = 250
    """At once, of one identity."""
    requests_each: int = 1000
    """In flight, of one identity; an open stream counts."""
    rate: float = 1000.0
    """Requests a second of one identity; as many again may come in a burst."""
    idle: float = 24 * 3600.0
    """Seconds without a request after which a session ends. Many clients do not begin a new one by themselves."""


@dataclass(frozen=True)
class OAuth:
    """An authorization server whose tokens count."""

    issuer: str
    resource: str
    """The address of this server, as clients know it: the audience of the tokens."""
    jwks: str | None = None
    """Where its keys are; without it its metadata say so."""


@dataclass(frozen=True)
class HttpOptions:
    """Flags of `codex-mcp-server http`."""

    host: str = "127.0.0.1"
    port: int = 8210
    """0: any that is free."""
    socket: str | None = None
    """Path of a unix socket to listen on, in place of host and port."""
    hosts: tuple[str, ...] = ()
    """Names under which clients reach this server, beside `localhost` and addresses."""
    origins: tuple[str, ...] = ()
    """Web pages that may call it, as `https://name:port`."""
    certificate: str | None = None
    """Of TLS: a file in PEM form; `key` its key."""
    key: str | None = None
    tokens: str | None = None
    """File of the tokens that let clients in; without it everybody who can connect is let in."""
    oauth: OAuth | None = None
    """An authorization server whose tokens count as well."""
    grace: float = 10.0
    """Seconds that running calls get when the server is told to end."""
    limits: Limits = field(default_factory=Limits)

    @property
    def local(self) -> bool:
        """Whether only this machine can connect."""
        if self.socket is not None or self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def check(options: HttpOptions) -> None:
    """Raises CallerError if the server would be open to anybody."""
    if not options.local and options.tokens is None:
        raise CallerError(
            f"{options.host} can be reached from other machines, and nobody would be asked who they are. Make a token "
            f"with `{invocation.command('tokens', 'create', 'NAME')}`, or leave --host out and put a proxy in front"
        )
