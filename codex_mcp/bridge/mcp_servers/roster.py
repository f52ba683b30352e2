"""The MCP servers of an agent's threads: what the engine tells of them, and which of them are not there."""

from __future__ import annotations

from collections.abc import Collection

import anyio

from codex_mcp.bridge.mcp_servers import survey
from codex_mcp.bridge.mcp_servers.check import check
from codex_mcp.bridge.mcp_servers.logins import Logins
from codex_mcp.bridge.mcp_servers.startup import StartupLog
from codex_mcp.bridge.mcp_servers.states import SETTLED, USABLE
from codex_mcp.bridge.mcp_servers.survey import Report, Servers
from codex_mcp.engine.link import EngineLink
from codex_mcp.engine.recursion import own_entries
from codex_mcp.engine.supervisor import Engine
from codex_mcp.errors import EngineError

_GLANCE = 2.0  # seconds for a look at servers whose start is over


class Roster:
    """One per agent."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.startup = StartupLog()
        self.logins = Logins(engine)

    async def check(self, names: Collection[str] | None = None, *, limit: float) -> list[Report]:
        """The states of configured servers, in a thread that is begun for it. Raises EngineUnavailable, EngineLost,
        EngineRefusal."""
        link = await self._engine.link()
        return await check(link, self.startup, self._engine.home, names=names, limit=limit)

    async def of_thread(
        self, thread_id: str, cwd: str, *, names: Collection[str] | None = None, limit: float
    ) -> list[Report]:
        """The servers of a loaded thread; waits for those that are starting, up to `limit` seconds.

        Raises EngineUnavailable, EngineLost, EngineRefusal.
        """
        link = await self._engine.link()
        servers = await self.configured(link, cwd)
        return await survey.survey(link, thread_id, servers, self.startup, names=names, limit=limit)

    async def not_connected(self, thread_id: str, cwd: str) -> list[Report]:
        """The servers of a thread that it should have and has not. Quick: nothing is asked if all have started."""
        names = [name for name, told in self.startup.of(thread_id).items() if told.get("status") != "ready"]
        link = self._engine.current
        if not names or link is None:
            return []
        try:
            with anyio.fail_after(_GLANCE):
                servers = await self.configured(link, cwd)
        except (EngineError, TimeoutError):
            servers = Servers({})
        settled = self.startup.ended(thread_id)
        asked = [name for name in names if name in settled] if survey.asks_by_name(link) else []
        reports = await survey.survey(link, thread_id, servers, self.startup, names=names, asked=asked, limit=_GLANCE)
        return [report for report in reports if report.verdict.state not in USABLE | SETTLED]

    async def configured(self, link: EngineLink, cwd: str) -> Servers:
        """The servers that are configured for that directory. Raises EngineRefusal, EngineLost."""
        home = self._engine.home
        return Servers(await survey.configured(link, cwd), own_entries(home), home.environment)
