"""Sign-ins to MCP servers that are under way. The engine cannot end one; it can be forgotten."""

from __future__ import annotations

from collections.abc import Sequence

import anyio

from codex_mcp.bridge.mcp_servers import changes, oauth
from codex_mcp.bridge.mcp_servers.oauth import Login
from codex_mcp.engine.supervisor import Engine
from codex_mcp.errors import CallerError
from codex_mcp.wire.messages import JsonObject


class PendingLogin:
    """One of them. `completed`: params of the engine's notification of its end, once there is one."""

    def __init__(self, login: Login, limit: float) -> None:
        self.login = login
        self.limit = limit
        self.completed: JsonObject | None = None
        self.ended = anyio.Event()

    def end(self, completed: JsonObject) -> None:
        """It is over."""
        self.completed = completed
        self.ended.set()

    @property
    def failure(self) -> str | None:
        """Why it did not succeed; None if it did, or is still under way."""
        if self.completed is None or self.completed.get("success"):
            return None
        return oauth.reason(self.completed, self.limit)


class Logins:
    """Those of one agent, the newest of each server."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._pending: dict[str, PendingLogin] = {}

    def find(self, name: str) -> PendingLogin | None:
        """The newest sign-in to that server whose end nobody has been told."""
        return self._pending.get(name)

    async def begin(self, name: str, *, scopes: Sequence[str] = (), limit: float) -> PendingLogin:
        """Begin one that waits `limit` seconds for the user. Raises UnknownServer, CallerError, LoginFailed."""
        link = await self._engine.link()
        entry = await changes.find(link, self._engine.home, name)
        if useless := oauth.ineffective(name, entry):
            raise CallerError(useless, code="login_without_effect")
        pending = PendingLogin(await oauth.begin(link, name, scopes=scopes, limit=limit), limit)
        self._pending[name] = pending
        return pending

    def take(self, pending: PendingLogin) -> None:
        """Its end has been told."""
        if self._pending.get(pending.login.name) is pending:
            del self._pending[pending.login.name]

    def cancel(self, login_id: str) -> JsonObject:
        """Forget one; what is told of its end. Raises CallerError if there is none of that id."""
        for pending in self._pending.values():
            if pending.login.id == login_id and pending.completed is None:
                name = pending.login.name
                pending.end({"name": name, "loginId": login_id, "success": False, "error": "cancelled"})
                self.take(pending)
                assert pending.completed is not None
                return pending.completed
        raise CallerError(f"no sign-in {login_id} is under way", code="not_found")

    def on_completed(self, method: str, params: JsonObject) -> None:
        """The engine tells of the end of one."""
        for pending in self._pending.values():
            if pending.completed is None and pending.login.is_ended_by(method, params):
                pending.end(params)
