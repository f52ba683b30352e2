"""Signing in to an MCP server by OAuth. The engine does it; here it is begun, watched and explained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from codex_mcp import invocation
from codex_mcp.bridge.mcp_servers.wording import plain
from codex_mcp.engine import api
from codex_mcp.engine.link import EngineLink, EngineRefusal
from codex_mcp.errors import CallerError, EngineError
from codex_mcp.wire.messages import JsonObject

COMPLETED = "mcpServer/oauthLogin/completed"


class LoginFailed(EngineError):
    """The sign-in could not be begun, or did not succeed. The message says why and what to do."""

    code = "login_failed"


@dataclass(frozen=True)
class Login:
    """A sign-in that was begun: the address for the user's browser. Engine 0.144 gives no `id`."""

    name: str
    url: str
    id: str | None

    def is_ended_by(self, method: str, params: JsonObject) -> bool:
        """Whether that notification tells its end."""
        return method == COMPLETED and params.get("name") == self.name and params.get("loginId") in (self.id, None)


async def begin(link: EngineLink, name: str, *, scopes: Sequence[str] = (), limit: float) -> Login:
    """Begin a sign-in that waits `limit` seconds for the user. Raises CallerError, LoginFailed."""
    try:
        answer = await api.sign_in_to_mcp_server(link, name=name, timeoutSecs=round(limit), scopes=list(scopes) or None)
    except EngineRefusal as refusal:
        raise _refused(name, refusal) from None
    return Login(name, str(answer["authorizationUrl"]), answer.get("loginId"))


def _refused(name: str, refusal: EngineRefusal) -> Exception:
    message = plain(refusal.message.removeprefix(f"failed to login to MCP server '{name}': "))
    if "only supported for streamable HTTP" in message:
        return CallerError(f"{name} is a command: there is no sign-in to it; keys go into its `env`")
    if "No MCP server named" in message:
        return CallerError(
            f"no MCP server {name!r} is configured: `{invocation.command('mcp', 'add', name)} --url URL`"
        )
    if "registration" in message.lower():
        return LoginFailed(
            f"the server takes no new clients ({message}): ask its owner for a client id, then `"
            f"{invocation.command('mcp', 'add', name)} --url URL --client-id ID --replace`"
        )
    return LoginFailed(message)


def reason(completed: JsonObject, limit: float) -> str:
    """Why a sign-in did not succeed, for people, with what to do."""
    text = plain(str(completed.get("error") or "no reason was given"))
    again = f"`{invocation.command('mcp', 'login', str(completed.get('name')))}`"
    if "access_denied" in text:
        return f"access was denied in the browser ({text}); {again} asks again"
    if "timed out" in text:
        return f"nobody answered within {limit:g} seconds; {again} asks again"
    if "failed to handle OAuth callback" in text:
        return f"the answer of the browser or of the server could not be used ({text}); {again} asks again"
    return text


def ineffective(name: str, entry: dict[str, Any]) -> str | None:
    """Why a sign-in to that server would change nothing; None if it would."""
    if variable := entry.get("bearer_token_env_var"):
        return (
            f"{name} uses the key in {variable}: a sign-in would have no effect. To use OAuth, add it again by its URL "
            "alone (--replace)"
        )
    return None
