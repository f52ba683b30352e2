"""People who signed in to the page with a token: a cookie stands for it, and forms carry a mark that only pages of ours
have."""

from __future__ import annotations

import hmac
import secrets
import time
from dataclasses import dataclass

from starlette.requests import HTTPConnection
from starlette.responses import Response

COOKIE = "codex_mcp_login"
_SECONDS = 12 * 3600
_MAX_LOGINS = 10_000


@dataclass
class _Login:
    token: str
    expires: float


class Logins:
    """Kept in memory: they end with the server."""

    def __init__(self) -> None:
        self._logins: dict[str, _Login] = {}
        self._secret = secrets.token_bytes(32)

    def token_of(self, connection: HTTPConnection) -> str | None:
        """The token that the cookie stands for."""
        login = self._logins.get(connection.cookies.get(COOKIE, ""))
        return None if login is None or login.expires < time.time() else login.token

    def sign_in(self, token: str, response: Response, *, secure: bool) -> None:
        """Have the browser send a cookie that stands for `token`. `secure`: over HTTPS only."""
        now = time.time()
        self._logins = {id: login for id, login in self._logins.items() if login.expires > now}
        while len(self._logins) >= _MAX_LOGINS:
            del self._logins[next(iter(self._logins))]
        id = secrets.token_urlsafe(32)
        self._logins[id] = _Login(token, now + _SECONDS)
        response.set_cookie(COOKIE, id, max_age=_SECONDS, httponly=True, samesite="strict", secure=secure)

    def sign_out(self, connection: HTTPConnection, response: Response) -> None:
        self._logins.pop(connection.cookies.get(COOKIE, ""), None)
        response.delete_cookie(COOKIE, httponly=True, samesite="strict")

    def mark(self, connection: HTTPConnection) -> str:
        """What forms of this browser carry."""
        return hmac.new(self._secret, connection.cookies.get(COOKIE, "").encode(), "sha256").hexdigest()

    def is_marked(self, connection: HTTPConnection, mark: object) -> bool:
        """Whether a form is one of ours."""
        return isinstance(mark, str) and hmac.compare_digest(mark, self.mark(connection))
