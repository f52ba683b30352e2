"""The user's account: what the engine is told, and what it tells, as v1 has it."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from typing import Any

from codex_mcp.bridge import shapes
from codex_mcp.engine import api
from codex_mcp.engine.home import CodexHome
from codex_mcp.engine.link import EngineRefusal
from codex_mcp.engine.supervisor import Engine
from codex_mcp.errors import CallerError, EngineError
from codex_mcp.protocol.account import AuthMethod
from codex_mcp.wire.messages import JsonObject

_CHATGPT_MODES = ("chatgpt", "chatgptAuthTokens")


async def login_api_key(engine: Engine, key: str, on_done: Callable[[], None]) -> None:
    """Sign in. `on_done` runs before the engine's notification of the change is looked at."""
    if _forced_method(engine.home) == "chatgpt":
        raise CallerError("API key login is disabled. Use ChatGPT login instead.")
    link = await engine.link()
    await api.sign_in(link, {"type": "apiKey", "apiKey": key}, lambda _: on_done())


async def login_chatgpt(engine: Engine) -> JsonObject:
    """Begin a sign-in: `{loginId, authUrl}`. Raises EngineError if the login server cannot be started."""
    if _forced_method(engine.home) == "api":
        raise CallerError("ChatGPT login is disabled. Use API key login instead.")
    link = await engine.link()
    try:
        started = await api.sign_in(link, {"type": "chatgpt"})
    except EngineRefusal as refusal:
        reason = refusal.message.removeprefix("failed to start login server: ")
        raise EngineError(f"failed to start login server: {reason}", code="login_failed") from None
    return {"loginId": started["loginId"], "authUrl": started["authUrl"]}


async def cancel_login(engine: Engine, login_id: str) -> None:
    """Give a sign-in up. Raises CallerError if none of that id is under way."""
    link = await engine.link()
    answer = await api.cancel_sign_in(link, login_id)
    if answer.get("status") != "canceled":
        raise CallerError(f"login id not found: {login_id}", code="not_found")


async def logout(engine: Engine, on_done: Callable[[], None]) -> None:
    """Sign out. `on_done` runs before the engine's notification of the change is looked at."""
    link = await engine.link()
    await api.sign_out(link, lambda _: on_done())


async def auth_status(engine: Engine, *, include_token: bool, refresh_token: bool) -> JsonObject:
    """`{authMethod, authToken, requiresOpenaiAuth}`; the token only if it is asked for.

    The engine still serves v1's own method, hidden; without it the status is put together from what is official.
    """
    link = await engine.link()
    try:
        status = await api.read_auth_status(link, include_token=include_token, refresh_token=refresh_token)
    except EngineRefusal:
        account = await api.read_account(link, refresh_token=refresh_token)
        kind = (account.get("account") or {}).get("type")
        status = {
            "authMethod": "apikey" if kind == "apiKey" else kind,
            "authToken": _stored_token(engine.home) if include_token else None,
            "requiresOpenaiAuth": account.get("requiresOpenaiAuth"),
        }
    method = auth_method(status.get("authMethod"))
    if status.get("requiresOpenaiAuth") is False or method is None:
        return {"authMethod": None, "authToken": None, "requiresOpenaiAuth": status.get("requiresOpenaiAuth")}
    token = status.get("authToken") if include_token else None
    return {"authMethod": method, "authToken": token, "requiresOpenaiAuth": status.get("requiresOpenaiAuth")}


def auth_method(mode: Any) -> AuthMethod | None:
    """The engine's way of being signed in, as one of v1's."""
    if mode == "apikey":
        return "apikey"
    return "chatgpt" if mode in _CHATGPT_MODES else None


async def user_email(engine: Engine) -> str | None:
    """The address that the sign-in claims. auth.json first: the engine needs the network to tell."""
    known = claims((_auth_file(engine.home).get("tokens") or {}).get("id_token"))
    if isinstance(known.get("email"), str):
        return str(known["email"])
    link = await engine.link()
    try:
        account = await api.read_account(link)
    except EngineRefusal:
        return None
    email = (account.get("account") or {}).get("email")
    return email if isinstance(email, str) else None


async def read_rate_limits(engine: Engine) -> JsonObject:
    """`{rateLimits}`. Raises EngineRefusal if the user is not signed in with ChatGPT."""
    link = await engine.link()
    answer = await api.read_rate_limits(link)
    return {"rateLimits": shapes.rate_limits(answer["rateLimits"], shapes.NO_RATE_LIMITS)}


def _forced_method(home: CodexHome) -> str | None:
    """`forced_login_method` of config.toml: the engine does not see it if a legacy setting keeps it from loading."""
    return home.read_config().get("forced_login_method") if home.mentions(b"forced_login_method") else None


def _auth_file(home: CodexHome) -> JsonObject:
    try:
        stored = json.loads(home.auth_path.read_bytes())
    except (OSError, ValueError):
        return {}
    return stored if isinstance(stored, dict) else {}


def _stored_token(home: CodexHome) -> str | None:
    stored = _auth_file(home)
    return (stored.get("tokens") or {}).get("access_token") or stored.get("OPENAI_API_KEY")


def claims(token: Any) -> JsonObject:
    """The claims of a JWT, unverified; `{}` if it is none."""
    try:
        payload = str(token).split(".")[1]
        known = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError, binascii.Error):
        return {}
    return known if isinstance(known, dict) else {}
