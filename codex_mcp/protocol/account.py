"""The user's account: sign in and out, status, limits."""

from __future__ import annotations

from typing import Literal

from codex_mcp.protocol.base import Uuid, WireModel
from codex_mcp.protocol.rate_limits import RateLimits

AuthMethod = Literal["apikey", "chatgpt"]


class LoginApiKeyParams(WireModel):
    """Sign in with an API key; it is kept in auth.json (mode 0600) or the keyring, as the engine is configured."""

    api_key: str


class LoginChatGptResult(WireModel):
    """Send the user to `authUrl`; `loginChatGptComplete` tells how it ended."""

    login_id: str
    auth_url: str


class CancelLoginChatGptParams(WireModel):
    """Give up a sign-in that is under way."""

    login_id: Uuid


class GetAuthStatusParams(WireModel):
    """The token is given only if it is asked for."""

    include_token: bool | None = None
    refresh_token: bool | None = None


class GetAuthStatusResult(WireModel):
    """Everything null if the provider needs no OpenAI account, even when signed in."""

    auth_method: AuthMethod | None
    auth_token: str | None
    requires_openai_auth: bool | None


class UserInfoResult(WireModel):
    """The address that the sign-in claims; null with an API key."""

    alleged_user_email: str | None


class RateLimitsResult(WireModel):
    """The account's limits."""

    rate_limits: RateLimits


class AuthStatusChange(WireModel):
    """The user signed in or out."""

    auth_method: AuthMethod | None


class LoginChatGptComplete(WireModel):
    """A ChatGPT sign-in ended."""

    login_id: str
    success: bool
    error: str | None


class RateLimitsUpdated(RateLimits):
    """The account's limits, after each model call that told them."""
