"""An agent: one engine with its home, and the conversations that run on it.

Several connections may share an agent, and a process may have several agents. What the engine says is routed from
here: to the conversation that it is about, a sub-agent's questions to the conversation that began it, and everything
else to whoever watches for it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import anyio.lowlevel
from anyio.abc import TaskGroup

from codex_mcp.bridge import questions
from codex_mcp.bridge.conversation import ApprovalSeams, Conversation, Outlet
from codex_mcp.bridge.conversations import Conversations
from codex_mcp.bridge.mcp_servers import oauth, startup
from codex_mcp.bridge.mcp_servers.roster import Roster
from codex_mcp.bridge.options import ServerDefaults
from codex_mcp.bridge.queues import ThreadQueues
from codex_mcp.bridge.sessions import AgentLabel, SessionRecord
from codex_mcp.engine import api
from codex_mcp.engine.home import CodexHome
from codex_mcp.engine.launch import EngineProcess
from codex_mcp.engine.link import EngineLink, EngineSeams
from codex_mcp.engine.supervisor import Engine
from codex_mcp.errors import EngineError
from codex_mcp.logs import about
from codex_mcp.wire.messages import JsonObject
from codex_mcp.wire.peer import IncomingCall

log = logging.getLogger(__name__)

_MAX_DEPTH = 8  # sub-agents of sub-agents that are followed up to a conversation

Watcher: TypeAlias = Callable[[str, JsonObject], None]
"""Gets method and params of a notification of the engine, in the order of its stream. Must not block."""


@dataclass(frozen=True)
class AgentSeams:
    """Who looks at what passes through an agent: policy, audit, masking, tracing. Nobody by default."""

    engine: EngineSeams = field(default_factory=EngineSeams)
    approvals: ApprovalSeams = field(default_factory=ApprovalSeams)
    answer: Callable[[IncomingCall], bool] | None = None
    """Sees what the engine asks that is about no thread; whether it answers that. Must not block."""

    def then(self, later: AgentSeams) -> AgentSeams:
        """These, and `later` ones who see what these pass on."""
        return AgentSeams(
            self.engine.then(later.engine),
            later.approvals if self.approvals == ApprovalSeams() else self.approvals,
            later.answer or self.answer,
        )


NO_SEAMS = AgentSeams()


class Agent:
    """An `EngineListener`. `run` it in a task; until then nothing is asked of its engine."""

    def __init__(
        self,
        home: CodexHome,
        defaults: ServerDefaults,
        tasks: TaskGroup,
        *,
        named: str | None = None,
        overrides: Sequence[str] = (),
        first: EngineProcess | None = None,
        before_read: Callable[[], Awaitable[None]] = anyio.lowlevel.checkpoint,
        seams: AgentSeams = NO_SEAMS,
        label: AgentLabel | None = None,
    ) -> None:
        """`tasks` runs what outlives a request. `named`, `overrides`, `first`, `before_read`: see `Engine`."""
        self.home = home
        self.tasks = tasks
        self.engine = Engine(home, named, overrides, self, first=first, before_read=before_read, seams=seams.engine)
        self.conversations = Conversations(self.engine, defaults, tasks, seams.approvals)
        self.queues = ThreadQueues()
        self.label = label or AgentLabel()
        self.sessions: list[SessionRecord] = []
        """The connections that have it now."""
        self._began = time.monotonic()
        self._answer = seams.answer
        self._watchers: dict[str, list[Watcher]] = {}
        self.mcp_servers = Roster(self.engine)
        self.watch((startup.METHOD,), self.mcp_servers.startup.hear)
        self.watch((oauth.COMPLETED,), self.mcp_servers.logins.on_completed)

    @property
    def uptime(self) -> float:
        """Seconds since it was made."""
        return time.monotonic() - self._began

    async def run(self) -> None:
        """Keep an engine alive until cancelled; then end it, and everything it runs."""
        await self.engine.run()

    def watch(self, methods: Iterable[str], watcher: Watcher) -> Callable[[], None]:
        """Have `watcher` told of the engine's notifications of these names, whatever thread they are about. Returns
        what ends it."""
        names = tuple(methods)
        for name in names:
            self._watchers.setdefault(name, []).append(watcher)

        def stop() -> None:
            for name in names:
                self._watchers[name].remove(watcher)

        return stop

    def release(self, outlet: Outlet, nobody: Outlet) -> None:
        """A client is gone: what it owned goes on, and is `nobody`'s until somebody resumes it."""
        for conversation in self.conversations:
            if conversation.outlet is outlet:
                conversation.adopt(nobody)

    # -- the engine's messages

    def on_engine_notification(self, method: str, params: JsonObject) -> None:
        thread_id = params.get("threadId")
        if thread_id is not None:
            self.conversations.tell(thread_id, method, params)
        elif method == "account/rateLimits/updated":
            self.conversations.tell_all(method, params)
        elif method in ("configWarning", "warning", "deprecationNotice"):
            text = params.get("summary") or params.get("message")
            log.info("engine: %s", text, extra=about(details=params.get("details")))
            if method == "deprecationNotice":
                self.conversations.tell_newest(method, params)
        elif method not in self._watchers:
            log.debug("dropped %s, which belongs to no conversation", method)
        for watcher in self._watchers.get(method, ()):
            watcher(method, params)

    def on_engine_request(self, call: IncomingCall) -> None:
        thread_id = call.params.get("threadId") if isinstance(call.params, dict) else None
        if not isinstance(thread_id, str):
            if self._answer is None or not self._answer(call):
                questions.refuse(call)
            return
        conversation = self.conversations.of_thread(thread_id)
        if conversation is not None:
            conversation.on_request(call)
        else:
            self.tasks.start_soon(self._ask_for_sub_agent, call, thread_id)

    async def _ask_for_sub_agent(self, call: IncomingCall, thread_id: str) -> None:
        """The engine does not announce the threads of sub-agents: the owner of the one that began it is asked."""
        conversation = await self.origin_of(thread_id)
        if call.answered:
            return
        if conversation is None:
            log.info("refused a question of a thread that nobody here began", extra=about(thread_id))
            questions.refuse(call)
        else:
            conversation.on_request(call, thread_id)

    async def origin_of(self, thread_id: str) -> Conversation | None:
        """The conversation from which a sub-agent comes."""
        link: EngineLink | None = self.engine.current
        for _ in range(_MAX_DEPTH):
            if link is None:
                return None
            try:
                thread = await api.read_thread(link, thread_id)
            except EngineError as error:
                log.info("the thread of a question cannot be read: %s", error, extra=about(thread_id))
                return None
            parent = thread.get("parentThreadId")
            if not isinstance(parent, str):
                return None
            conversation = self.conversations.of_thread(parent)
            if conversation is not None:
                return conversation
            thread_id = parent
        return None

    def on_engine_lost(self, reason: str) -> None:
        self.conversations.abort_all(f"{reason}. Send the message again: the conversation goes on where it was.")
