"""Bearer tokens: a file of names, scopes and digests. The tokens themselves are kept nowhere.

A token is random enough that its plain digest cannot be turned back.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import pathlib
import secrets
import tempfile
import time

import msgspec

from codex_mcp.errors import CallerError

_PREFIX = "cms_"


class Token(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is kept of one. Tokens of one name are one identity."""

    name: str
    digest: str
    scopes: list[str]
    created: float
    """Unix time."""
    expires: float | None = None
    """Unix time; None: never."""
    tools: list[str] = []
    """The only tools that it may call; empty: all."""

    @property
    def id(self) -> str:
        """Tells tokens of one name apart."""
        return self.digest[:8]

    @property
    def expired(self) -> bool:
        return self.expires is not None and self.expires <= time.time()


class TokenFile:
    """The tokens of a server. Changes of the file count at once."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        self._read: tuple[int, int, int] | None = None
        self._tokens: list[Token] = []

    def tokens(self) -> list[Token]:
        """All of them, oldest first. Raises CallerError if the file cannot be read or is others' to write."""
        try:
            stat = self.path.stat()
        except FileNotFoundError:
            self._read, self._tokens = None, []
            return []
        if os.name == "posix" and stat.st_mode & 0o077:
            raise CallerError(f"{self.path} can be read by others: chmod 600 {self.path}")
        version = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        if version != self._read:
            try:
                self._tokens = msgspec.json.decode(self.path.read_bytes(), type=list[Token])
            except msgspec.DecodeError as error:
                raise CallerError(f"{self.path} is no token file: {error}") from None
            self._read = version
        return self._tokens

    def find(self, token: str) -> Token | None:
        """The token that a client has shown, if it is one and has not expired. Raises CallerError."""
        shown = _digest(token)
        found = None
        for kept in self.tokens():  # all of them: the time tells nothing
            if hmac.compare_digest(kept.digest, shown):
                found = kept
        return None if found is None or found.expired else found

    def create(
        self, name: str, scopes: list[str], *, seconds: float | None = None, tools: list[str] | None = None
    ) -> str:
        """A new token; the only time that it is told. `seconds`: until it expires. Raises CallerError."""
        if not name or not name.isprintable() or name != name.strip():
            raise CallerError(f"{name!r} is no name for a token")
        token = _PREFIX + secrets.token_urlsafe(32)
        now = time.time()
        kept = Token(
            name=name,
            digest=_digest(token),
            scopes=scopes,
            created=now,
            expires=None if seconds is None else now + seconds,
            tools=tools or [],
        )
        self._write([*self.tokens(), kept])
        return token

    def revoke(self, which: str) -> list[Token]:
        """Forget the tokens of that name, or the one of that id. Returns them. Raises CallerError."""
        tokens = self.tokens()
        gone = [token for token in tokens if which in (token.name, token.id)]
        if gone:
            self._write([token for token in tokens if token not in gone])
        return gone

    def _write(self, tokens: list[Token]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        data = msgspec.json.format(msgspec.json.encode(tokens), indent=1)
        with tempfile.NamedTemporaryFile(dir=self.path.parent, delete=False) as file:  # 0600
            file.write(data + b"\n")
        os.replace(file.name, self.path)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
