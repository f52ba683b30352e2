"""Who may come in: the authorization server, and what tokens and keys are worth."""

from __future__ import annotations

import secrets
import time
import urllib.parse
from typing import Any

from mcp.server.auth.provider import (
    AccessToken,
    AuthorizationCode,
    AuthorizationParams,
    AuthorizeError,
    OAuthAuthorizationServerProvider,
    RefreshToken,
    RegistrationError,
    TokenError,
    construct_redirect_uri,
)
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken

from tests.support.hosted.settings import SCOPES, Settings


class Authority(OAuthAuthorizationServerProvider[AuthorizationCode, RefreshToken, AccessToken]):
    """The authorization server: clients, codes and tokens in memory (an `OAuthAuthorizationServerProvider`)."""

    def __init__(self, settings: Settings, log: list[dict[str, Any]]) -> None:
        self.settings = settings
        self.clients: dict[str, OAuthClientInformationFull] = {}
        self.pending: dict[str, tuple[OAuthClientInformationFull, AuthorizationParams]] = {}
        self.codes: dict[str, AuthorizationCode] = {}
        self.tokens: dict[str, AccessToken] = {}
        self.refreshes: dict[str, RefreshToken] = {}
        self.base = ""
        self._log = log

    def note(self, what: str, **details: Any) -> None:
        self._log.append({"at": time.time(), "oauth": what, **details})

    async def get_client(self, client_id: str) -> OAuthClientInformationFull | None:
        if client_id == self.settings.client_id:
            return _PreRegistered(
                client_id=client_id, token_endpoint_auth_method="none", redirect_uris=None, scope=" ".join(SCOPES)
            )
        return self.clients.get(client_id)

    async def register_client(self, client_info: OAuthClientInformationFull) -> None:
        if not client_info.client_id:
            raise RegistrationError("invalid_client_metadata", "no client id")
        self.note(
            "register",
            client_id=client_info.client_id,
            client_name=client_info.client_name,
            redirect_uris=[str(uri) for uri in client_info.redirect_uris or []],
            auth_method=client_info.token_endpoint_auth_method,
            scope=client_info.scope,
        )
        self.clients[client_info.client_id] = client_info

    async def authorize(self, client: OAuthClientInformationFull, params: AuthorizationParams) -> str:
        self.note("authorize", client_id=client.client_id, scopes=params.scopes, resource=params.resource)
        if self.settings.consent == "deny":
            raise AuthorizeError("access_denied", "the user said no")
        ticket = secrets.token_urlsafe(16)
        self.pending[ticket] = (client, params)
        if self.settings.consent == "auto":
            return self.approve(ticket)
        return f"{self.base}/consent?{urllib.parse.urlencode({'ticket': ticket})}"

    def approve(self, ticket: str) -> str:
        """The user agrees: where the browser goes next."""
        client, params = self.pending.pop(ticket)
        assert client.client_id is not None
        code = AuthorizationCode(
            code=secrets.token_urlsafe(24),
            scopes=params.scopes or list(SCOPES),
            expires_at=time.time() + 60,
            client_id=client.client_id,
            code_challenge=params.code_challenge,
            redirect_uri=params.redirect_uri,
            redirect_uri_provided_explicitly=params.redirect_uri_provided_explicitly,
            resource=params.resource,
            subject="user-1",
        )
        self.codes[code.code] = code
        return construct_redirect_uri(str(params.redirect_uri), code=code.code, state=params.state, iss=self.base)

    def refuse(self, ticket: str) -> str:
        _, params = self.pending.pop(ticket)
        return construct_redirect_uri(str(params.redirect_uri), error="access_denied", state=params.state)

    async def load_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: str
    ) -> AuthorizationCode | None:
        return self.codes.get(authorization_code)

    async def exchange_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: AuthorizationCode
    ) -> OAuthToken:
        del self.codes[authorization_code.code]
        self.note("token", grant="authorization_code", client_id=client.client_id)
        return self._issue(authorization_code.client_id, authorization_code.scopes, authorization_code.resource)

    async def load_refresh_token(self, client: OAuthClientInformationFull, refresh_token: str) -> RefreshToken | None:
        return self.refreshes.get(refresh_token)

    async def exchange_refresh_token(
        self, client: OAuthClientInformationFull, refresh_token: RefreshToken, scopes: list[str]
    ) -> OAuthToken:
        self.note("token", grant="refresh_token", client_id=client.client_id, refused=self.settings.refuse_refresh)
        if self.settings.refuse_refresh:
            raise TokenError("invalid_grant", "the refresh token was revoked")
        if self.settings.rotate:
            self.refreshes.pop(refresh_token.token, None)
        return self._issue(refresh_token.client_id, scopes, refresh_token.resource)

    async def load_access_token(self, token: str) -> AccessToken | None:
        return self.tokens.get(token)

    async def revoke_token(self, token: AccessToken | RefreshToken) -> None:
        self.note("revoke")
        self.tokens.pop(token.token, None)
        self.refreshes.pop(token.token, None)

    def revoke_all(self, *, access: bool = True, refresh: bool = False) -> None:
        if access:
            self.tokens.clear()
        if refresh:
            self.refreshes.clear()

    def _issue(self, client_id: str, scopes: list[str], resource: str | None) -> OAuthToken:
        seconds = self.settings.token_seconds
        access = AccessToken(
            token="at-" + secrets.token_urlsafe(24),
            client_id=client_id,
            scopes=scopes,
            expires_at=int(time.time() + seconds),
            resource=resource,
            subject="user-1",
        )
        self.tokens[access.token] = access
        refresh = None
        if self.settings.refresh:
            refresh = RefreshToken(
                token="rt-" + secrets.token_urlsafe(24), client_id=client_id, scopes=scopes, resource=resource
            )
            self.refreshes[refresh.token] = refresh
        return OAuthToken(
            access_token=access.token,
            expires_in=int(seconds),
            scope=" ".join(scopes),
            refresh_token=None if refresh is None else refresh.token,
        )


class _PreRegistered(OAuthClientInformationFull):
    """Takes any redirect on loopback."""

    def validate_redirect_uri(self, redirect_uri: Any) -> Any:
        return redirect_uri


class Verifier:
    """Says whose a bearer token is: one of OAuth, or a key (a `TokenVerifier`)."""

    def __init__(self, settings: Settings, authority: Authority) -> None:
        self._settings = settings
        self._authority = authority

    async def verify_token(self, token: str) -> AccessToken | None:
        mode = self._settings.auth
        source, _, value = token.partition(" ")
        if source == "header-key":  # put there by `Gate`
            return self._of_key(value, "header") if mode in ("header", "any") else None
        if mode in ("key", "any") and (found := self._of_key(token, "key")) is not None:
            return found
        return await self._authority.load_access_token(token) if mode in ("oauth", "any") else None

    def _of_key(self, key: str, by: str) -> AccessToken | None:
        workspace = {self._settings.key: "acme", "hosted-key-other": "other"}.get(key)
        if workspace is None:
            return None
        return AccessToken(
            token=key, client_id=by, scopes=list(SCOPES), claims={"workspace": workspace}, subject=workspace
        )
