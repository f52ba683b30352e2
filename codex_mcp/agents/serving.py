"""An agent while a server serves it: what passes to its engine, its sign-in, its idle time, its box, its figures."""

from __future__ import annotations

import functools
import logging
import pathlib
import time

import anyio
import anyio.to_thread

from codex_mcp.agents.boxes.watch import box_gone
from codex_mcp.agents.errors import OutsideWorkspace
from codex_mcp.agents.opening import OpenAgent
from codex_mcp.agents.signin import LOST, REFRESH, SignIn
from codex_mcp.agents.workspaces.make import Workspace
from codex_mcp.bridge.agent import Agent, AgentSeams
from codex_mcp.engine.home import CodexHome
from codex_mcp.engine.link import EngineLink, EngineSeams
from codex_mcp.engine.origin import Origin
from codex_mcp.wire.messages import JsonObject
from codex_mcp.wire.peer import IncomingCall

log = logging.getLogger(__name__)

_SAVE_EVERY = 1.0  # seconds; figures of the last one are lost with a kill


class WorkspaceGate:
    """Leads what clients name of the user's repository to the agent's workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def pass_on(self, origin: Origin, method: str, params: JsonObject) -> JsonObject:
        """A directory outside of both is refused with OutsideWorkspace: the box does not have it."""
        directory = params.get("cwd")
        if not isinstance(directory, str):
            return params
        place = self._workspace.place_of(pathlib.Path(directory))
        if place is None:
            raise OutsideWorkspace(
                f"{directory} is not in the agent's workspace ({self._workspace.path}): leave the directory out, or "
                f"name one in {self._workspace.origin or self._workspace.path}"
            )
        return {**params, "cwd": str(place)}


class ServedAgent:
    """Hooks for the one `Agent` that serves an open agent."""

    def __init__(self, opened: OpenAgent, user: CodexHome, idle_limit: float) -> None:
        """`user`: whose login it works with. `idle_limit`: seconds without a turn after which the engine rests."""
        self._opened = opened
        self._idle_limit = idle_limit
        self._sign_in = SignIn(user, opened.registry.data, codex=str(opened.engine.codex))
        self._handed: str | None = None
        self._running: dict[str, float] = {}
        self._changed = anyio.Event()
        self._agent: Agent | None = None
        self.seams = AgentSeams(
            EngineSeams(gate=WorkspaceGate(opened.workspace), verify=self._verify), answer=self._answer
        )

    async def attend(self, agent: Agent) -> None:
        """Run beside the agent, until cancelled."""
        self._agent = agent
        agent.watch(("turn/started", "turn/completed"), self._on_turn)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._rest_when_idle, agent)
            tasks.start_soon(self._keep_figures)
            tasks.start_soon(self._watch_box, agent)

    async def _verify(self, link: EngineLink) -> None:
        self._handed = await self._sign_in.hand_over(link)

    def _answer(self, call: IncomingCall) -> bool:
        if call.method != REFRESH or self._agent is None:
            return False
        self._agent.tasks.start_soon(self._refresh, call)
        return True

    async def _refresh(self, call: IncomingCall) -> None:
        found = await self._sign_in.answer(call, self._handed)
        if found is not None:
            self._handed = found
        elif self._agent is not None:  # the engine's own words do not say what to do
            self._agent.conversations.tell_all("warning", {"message": LOST})

    def _on_turn(self, method: str, params: JsonObject) -> None:
        turn = params.get("turn") or {}
        record = self._opened.record
        if method == "turn/started":
            self._running[turn.get("id", "")] = time.monotonic()
        else:
            begun = self._running.pop(turn.get("id", ""), time.monotonic())
            record.metrics.turns += 1
            record.metrics.failed += turn.get("status") == "failed"
            record.metrics.seconds += time.monotonic() - begun
        record.last_active = time.time()
        changed, self._changed = self._changed, anyio.Event()
        changed.set()

    async def _rest_when_idle(self, agent: Agent) -> None:
        while True:
            changed = self._changed
            with anyio.move_on_after(self._idle_limit) as limit:
                await changed.wait()
            link = agent.engine.current
            if not limit.cancelled_caught or link is None or link.asked or any(c.busy for c in agent.conversations):
                continue
            log.info("idle: the engine and the box are stopped until they are needed")
            self._running.clear()
            agent.engine.rest()

    async def _keep_figures(self) -> None:
        save = functools.partial(self._opened.registry.save, self._opened.record)
        try:
            while True:
                await self._changed.wait()
                await anyio.sleep(_SAVE_EVERY)
                await anyio.to_thread.run_sync(save)
        finally:
            save()

    async def _watch_box(self, agent: Agent) -> None:
        while True:
            await self._changed.wait()
            if agent.engine.current is not None and await box_gone(self._opened.record.id):
                log.warning("the box of the agent ended; engine and box start anew")
                agent.engine.renew("the box of the agent ended, and with it what ran in it")
