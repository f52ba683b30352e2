"""Who is let in: bearer tokens of the token file, and of an authorization server, checked by the SDK's middleware."""

from __future__ import annotations

import logging
from typing import Any

import anyio.to_thread
import httpx2
import jwt
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser, BearerAuthBackend, RequireAuthMiddleware
from mcp.server.auth.provider import AccessToken, TokenVerifier
from mcp.server.auth.routes import build_resource_metadata_url, create_protected_resource_routes
from mcp.server.auth.settings import AuthSettings
from starlette.authentication import AuthCredentials, AuthenticationBackend
from starlette.requests import HTTPConnection
from starlette.routing import Route
from starlette.types import ASGIApp

from codex_mcp.errors import CallerError
from codex_mcp.http.cookies import Logins
from codex_mcp.http.identity import SCOPES
from codex_mcp.http.options import OAuth
from codex_mcp.http.tokens import TokenFile

log = logging.getLogger(__name__)

_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]


class TokenFileVerifier:
    """A `TokenVerifier` of the SDK."""

    def __init__(self, file: TokenFile, resource: str | None) -> None:
        self._file = file
        self._resource = resource

    async def verify_token(self, token: str) -> AccessToken | None:
        try:
            found = self._file.find(token)
        except (CallerError, OSError) as error:
            log.error("no token counts: %s", error)
            return None
        if found is None:
            return None
        return AccessToken(
            token=token,
            client_id=found.name,
            scopes=found.scopes,
            expires_at=None if found.expires is None else int(found.expires),
            resource=self._resource,
            claims={"tools": found.tools},
        )


class JwtVerifier:
    """A `TokenVerifier` for the signed tokens of an authorization server."""

    def __init__(self, oauth: OAuth) -> None:
        self._oauth = oauth
        self._keys: jwt.PyJWKClient | None = None

    async def verify_token(self, token: str) -> AccessToken | None:
        try:
            if self._keys is None:
                self._keys = jwt.PyJWKClient(self._oauth.jwks or await self._discover())
            key = await anyio.to_thread.run_sync(self._keys.get_signing_key_from_jwt, token)
            claims = jwt.decode(
                token,
                key,
                algorithms=_ALGORITHMS,
                audience=self._oauth.resource,
                issuer=self._oauth.issuer,
                options={"require": ["exp", "iss", "aud"]},
            )
        except (jwt.PyJWTError, httpx2.HTTPError, KeyError, ValueError) as error:
            log.info("a token is refused: %s", type(error).__name__)
            return None
        return _access_token(token, claims, self._oauth.resource)

    async def _discover(self) -> str:
        issuer = self._oauth.issuer.rstrip("/")
        async with httpx2.AsyncClient(timeout=10) as client:
            for name in ("oauth-authorization-server", "openid-configuration"):
                answer = await client.get(f"{issuer}/.well-known/{name}")
                if answer.status_code == 200:
                    return str(answer.json()["jwks_uri"])
        raise ValueError("the authorization server does not say where its keys are")


def _access_token(token: str, claims: dict[str, Any], resource: str) -> AccessToken:
    scopes = claims.get("scope", claims.get("scp", ()))
    subject = claims.get("sub")
    return AccessToken(
        token=token,
        client_id=str(claims.get("client_id") or claims.get("azp") or subject or ""),
        scopes=scopes.split() if isinstance(scopes, str) else list(scopes),
        expires_at=int(claims["exp"]),
        resource=resource,
        subject=None if subject is None else str(subject),
        claims={"iss": claims["iss"]},
    )


class Authentication(AuthenticationBackend):
    """Finds out who sends a request: by a bearer token, or by the cookie of somebody who signed in with one."""

    def __init__(self, file: TokenFile, oauth: OAuth | None = None) -> None:
        settings = None
        if oauth is not None:
            settings = AuthSettings(
                issuer_url=oauth.issuer,  # type: ignore[arg-type]  # validated
                resource_server_url=oauth.resource,  # type: ignore[arg-type]
                validate_token_resource=True,
            )
        self._settings = settings
        resource = None if settings is None else settings.resource_server_url
        self._verifiers: list[TokenVerifier] = [TokenFileVerifier(file, None if oauth is None else oauth.resource)]
        if oauth is not None:
            self._verifiers.append(JwtVerifier(oauth))
        self._bearer = BearerAuthBackend(self, resource_server_url=resource)
        self.logins = Logins()

    async def verify_token(self, token: str) -> AccessToken | None:
        """Whose it is; None if it does not count."""
        for verifier in self._verifiers:
            found = await verifier.verify_token(token)
            if found is not None:
                return found
        return None

    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, AuthenticatedUser] | None:
        if "authorization" in conn.headers:
            found: tuple[AuthCredentials, AuthenticatedUser] | None = await self._bearer.authenticate(conn)
            return found
        token = self.logins.token_of(conn)
        access = None if token is None else await self.verify_token(token)
        return None if access is None else (AuthCredentials(access.scopes), AuthenticatedUser(access))

    def require(self, app: ASGIApp, scope: str) -> ASGIApp:
        """`app` for those who have `scope`: 401 and 403 for others."""
        settings = self._settings
        metadata = None
        if settings is not None and settings.resource_server_url is not None:
            metadata = build_resource_metadata_url(settings.resource_server_url)
        return RequireAuthMiddleware(app, [scope], metadata)

    def routes(self) -> list[Route]:
        """Where clients learn which authorization server to ask."""
        settings = self._settings
        if settings is None or settings.resource_server_url is None:
            return []
        return create_protected_resource_routes(settings.resource_server_url, [settings.issuer_url], list(SCOPES))
