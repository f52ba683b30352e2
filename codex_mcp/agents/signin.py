"""One sign-in, many agents. The login is the user's, and stays where it is.

An agent's engine keeps credentials in memory only and is told after each of its starts: an API key, or the access token
of a ChatGPT login, never the token that gets new ones. When its access token is refused it asks for another; then an
engine on the user's own CODEX_HOME renews the login, once for all agents that ask.
"""

from __future__ import annotations

import json
import logging
import pathlib
import time
from dataclasses import dataclass, field

import anyio
import anyio.to_thread
import filelock

from codex_mcp import invocation
from codex_mcp.bridge.account import claims
from codex_mcp.engine import api
from codex_mcp.engine.home import CodexHome
from codex_mcp.engine.link import EngineLink
from codex_mcp.engine.short_lived import short_lived_engine
from codex_mcp.errors import CallerError, CodexMcpError, EngineUnavailable
from codex_mcp.wire.errors import INTERNAL_ERROR, RpcError
from codex_mcp.wire.messages import JsonObject
from codex_mcp.wire.peer import IncomingCall

log = logging.getLogger(__name__)

REFRESH = "account/chatgptAuthTokens/refresh"
"""What an engine asks when its access token was refused."""
LOST = f"the sign-in is no longer valid: sign in again with `{invocation.command('login')}`"
METHODS = ("auto", "api_key", "oauth")
_CLAIMS = "https://api.openai.com/auth"
_EARLY = 60.0  # seconds before its end, from when on a token is not handed out any more
_LOCK_LIMIT = 60.0  # seconds to wait for another server's renewal


@dataclass(frozen=True)
class Credentials:
    """An API key, or the access token of a ChatGPT account."""

    method: str
    """`api_key` or `oauth`."""
    token: str = field(repr=False)
    account: str | None = None
    renewable: bool = False
    """Whether it is in an auth.json, with a token that gets new ones."""

    def as_sign_in(self) -> JsonObject:
        """The params of account/login/start."""
        if self.method == "api_key":
            return {"type": "apiKey", "apiKey": self.token}
        return {"type": "chatgptAuthTokens", "accessToken": self.token, "chatgptAccountId": self.account or ""}


class SignIn:
    """The user's login, and who gets what of it."""

    def __init__(self, user: CodexHome, data: pathlib.Path, *, codex: str | None = None) -> None:
        """`data`: where servers that share agents meet. `codex`: as for `find_engines`."""
        self._environment = user.environment
        directory = user.environment.get("CODEX_AUTH_DIR")
        self._home = CodexHome({**user.environment, "CODEX_HOME": directory}, user.cwd) if directory else user
        self._lock = data / "sign-in.lock"
        self._codex = codex
        self._renewal = anyio.Lock()

    def find(self) -> Credentials | None:
        """In CODEX_AUTH_DIR or CODEX_HOME, then in the environment; CODEX_AUTH_METHOD and CODEX_PREFER_OAUTH decide
        between what is there. Raises CallerError for values that these cannot have."""
        method = self._environment.get("CODEX_AUTH_METHOD", "auto")
        if method not in METHODS:
            raise CallerError(f"CODEX_AUTH_METHOD can be {', '.join(METHODS)}, not {method!r}", code="invalid_variable")
        prefer = self._environment.get("CODEX_PREFER_OAUTH", "true").lower() not in ("false", "0", "no", "off")
        order = {"auto": ("oauth", "api_key") if prefer else ("api_key", "oauth")}.get(method, (method,))
        return next((found for kind in order if (found := self._of(kind)) is not None), None)

    async def hand_over(self, link: EngineLink) -> str | None:
        """Sign an engine in, if the user is; the token that it got. Raises EngineUnavailable if it refuses."""
        found = self.find()
        if found is None:
            return None
        if found.renewable and _ends(found.token) < time.time() + _EARLY:
            found = await self._renewed(found) or found
        try:
            await api.sign_in(link, found.as_sign_in())
        except CodexMcpError as error:
            raise EngineUnavailable(f"the engine of the agent cannot be signed in: {error.message}") from error
        return found.token

    async def answer(self, call: IncomingCall, refused: str | None) -> str | None:
        """Answer an engine whose access token was refused; the token that it got, `None` if there is none to be had.
        `refused`: the one it had."""
        found = self.find()
        if found is not None and found.renewable and found.token == (refused or found.token):
            found = await self._renewed(found)
        if found is None or found.method != "oauth" or found.token == refused:
            call.fail(RpcError(INTERNAL_ERROR, LOST))
            return None
        call.respond({"accessToken": found.token, "chatgptAccountId": found.account or "", "chatgptPlanType": None})
        return found.token

    async def _renewed(self, refused: Credentials) -> Credentials | None:
        """Other credentials than those; `None` if there are none to be had. One renewal at a time, on this machine."""
        async with self._renewal:
            lock = filelock.FileLock(self._lock, mode=0o600, thread_local=False)
            self._lock.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            try:
                await anyio.to_thread.run_sync(lock.acquire, _LOCK_LIMIT)
            except filelock.Timeout:
                return None
            try:
                found = self.find()
                if found is not None and found.token != refused.token:
                    return found  # somebody was faster
                async with short_lived_engine(self._codex, self._home) as (link, _):
                    await api.read_auth_status(link, include_token=False, refresh_token=True)
                found = self.find()
                return found if found is not None and found.token != refused.token else None
            except CodexMcpError as error:
                log.warning("the sign-in cannot be renewed: %s", error.message)
                return None
            finally:
                lock.release()

    def _of(self, kind: str) -> Credentials | None:
        stored = self._stored()
        if kind == "api_key":
            key = stored.get("OPENAI_API_KEY") or self._environment.get("OPENAI_API_KEY")
            return Credentials("api_key", key) if isinstance(key, str) and key else None
        tokens = stored.get("tokens")
        if isinstance(tokens, dict) and isinstance(token := tokens.get("access_token"), str):
            account = tokens.get("account_id") or _account(token)
            return Credentials("oauth", token, account, renewable=bool(tokens.get("refresh_token")))
        given = self._environment.get("CHATGPT_OAUTH_TOKEN")
        return Credentials("oauth", given, _account(given)) if given else None

    def _stored(self) -> JsonObject:
        try:
            stored = json.loads(self._home.auth_path.read_bytes())
        except (OSError, ValueError):
            return {}
        return stored if isinstance(stored, dict) else {}


def _account(token: str) -> str | None:
    known = claims(token).get(_CLAIMS)
    account = known.get("chatgpt_account_id") if isinstance(known, dict) else None
    return account if isinstance(account, str) else None


def _ends(token: str) -> float:
    """When a token ends, in seconds since the epoch; never, if it does not say."""
    end = claims(token).get("exp")
    return float(end) if isinstance(end, int | float) else float("inf")
