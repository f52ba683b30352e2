"""What the paths of the server share: the agent, the sessions on it, and the end of both."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import anyio
from anyio.abc import TaskGroup

from codex_mcp.bridge.agent import NO_SEAMS, Agent
from codex_mcp.bridge.options import ServerDefaults
from codex_mcp.engine.home import CodexHome
from codex_mcp.engine.launch import EngineProcess
from codex_mcp.http.activity import Activity
from codex_mcp.http.options import HttpOptions
from codex_mcp.http.sessions import Governance, Sessions
from codex_mcp.http.unattended import Unattended
from codex_mcp.logs import about
from codex_mcp.surfaces.mcp.options import McpOptions

log = logging.getLogger(__name__)

# Seconds for the answers of calls that were interrupted at the end.
_LAST_ANSWERS = 1.0


class Service:
    """One agent, the user's own home, and everybody who is connected to it."""

    def __init__(
        self,
        tasks: TaskGroup,
        options: HttpOptions,
        mcp_options: McpOptions,
        home: CodexHome,
        defaults: ServerDefaults,
        *,
        named: str | None = None,
        overrides: Sequence[str] = (),
        first: EngineProcess | None = None,
        under: Governance | None = None,
    ) -> None:
        """`named`, `overrides`, `first`: see `Engine`. `under`: the policy in force."""
        self.tool_sets = mcp_options.tool_sets
        self.activity = Activity()
        self._under = under
        self._ending = False
        self._grace = anyio.CancelScope()
        self.agent = Agent(
            home,
            defaults,
            tasks,
            named=named,
            overrides=(*overrides, *(() if under is None else under.engine_settings)),
            first=first,
            before_read=self._writable,
            seams=self.activity.watched(NO_SEAMS if under is None else under.seams),
        )
        self.activity.watch(self.agent)
        nobody = Unattended(tasks, mcp_options.approval_timeout)
        self.sessions = Sessions(tasks, self.agent, mcp_options, options.limits, nobody, under)

    async def run(self) -> None:
        """Keep the engine alive, and the policy watched, until cancelled."""
        if self._under is None:
            await self.agent.run()
        elif self._under.guard is not None:  # otherwise the policy cannot be carried out: nothing is served
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._under.guard.run)
                await self.agent.run()

    async def _writable(self) -> None:
        await self.sessions.writable()

    def not_ready(self) -> str | None:
        """Why no work can be taken now; None if it can."""
        if self._ending:
            return "the server is about to end"
        return None if self.agent.engine.current is not None else "no engine is running"

    def hurry(self) -> None:
        """Do not wait for what runs any more."""
        self._grace.cancel()

    async def end(self, grace: float) -> None:
        """Let calls end for `grace` seconds, stop what still runs then, send the answers, end the sessions."""
        self._ending = True
        self._grace.deadline = anyio.current_time() + grace
        with self._grace:
            await self.sessions.calls_done()
            await self.agent.conversations.idle()
        for conversation in self.agent.conversations:
            if conversation.busy:
                log.warning("the server ends: a turn was interrupted", extra=about(conversation.id))
        self.agent.conversations.abort_all()
        with anyio.move_on_after(_LAST_ANSWERS):
            await self.sessions.calls_done()
        self.activity.end()
        await self.sessions.end_all()
