"""The sessions of HTTP clients: who has which, how long they live, and what is left when they end.

A session lives from an accepted `initialize` to its DELETE, to the end of its idle time, or to that of the server.
That a connection breaks does not end it: what runs goes on. When it has ended, its conversations are nobody's until
somebody resumes them, and their questions wait in the inbox.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import anyio
from anyio.abc import TaskGroup, TaskStatus

from codex_mcp.bridge.agent import Agent, AgentSeams
from codex_mcp.bridge.conversation import Outlet
from codex_mcp.errors import CodexMcpError
from codex_mcp.http.options import Limits
from codex_mcp.http.peer import ReadStream, SessionPeer, WriteStream
from codex_mcp.logs import about
from codex_mcp.policy.guard import Guard
from codex_mcp.surfaces.handshake import Handshake
from codex_mcp.surfaces.mcp.options import McpOptions
from codex_mcp.surfaces.session import Door, Session
from codex_mcp.surfaces.under_policy import ClientPolicy
from codex_mcp.wire.messages import RequestId

log = logging.getLogger(__name__)

# Seconds for which answers that were written may still go out when a session ends.
_LAST_ANSWERS = 2.0
# Seconds without a request after which a session may make room for a new one.
_RECENT = 60.0


class TooManySessions(CodexMcpError):
    """No further session fits."""

    code = "too_many_sessions"


class Transport(Protocol):
    """What carries a session's messages."""

    @property
    def idle_scope(self) -> anyio.CancelScope | None:
        """Cancelled at the end of the idle time."""

    def connect(self) -> AbstractAsyncContextManager[tuple[ReadStream, WriteStream]]:
        """The two streams."""

    async def terminate(self) -> None:
        """End all its streams."""


class Governance(Protocol):
    """A policy in force."""

    door: Door
    """Of a policy that cannot be carried out."""
    guard: Guard | None
    """None if it cannot be carried out."""
    engine_settings: tuple[str, ...]

    @property
    def seams(self) -> AgentSeams:
        """Of the agent."""

    def attach(self, agent: Agent, handshake: Handshake) -> None:
        """Have the policy count for a client, before anything is served."""


class HttpSession:
    """One client's session. `owner` is the identity that began it; nobody else may use it."""

    def __init__(self, owner: str, transport: Transport, id: str) -> None:
        self.id = id
        self.owner = owner
        self.transport = transport
        self.peer: SessionPeer
        self.posts: set[str] = set()
        """Requests of the client whose stream is open: their ids as text."""
        self.used = anyio.current_time()
        self._no_posts = anyio.Event()

    @staticmethod
    def new_id() -> str:
        """Nobody can guess it."""
        return uuid.uuid4().hex

    def is_taken(self, id: RequestId) -> bool:
        """Whether a request of that id is in flight. The streams are told apart by the text of their ids."""
        same: list[RequestId] = [str(id)]
        if isinstance(id, int) or id.removeprefix("-").isdecimal():
            same.append(int(id))
        return str(id) in self.posts or any(self.peer.incoming(one) is not None for one in same)

    def posted(self, id: RequestId) -> None:
        self.posts.add(str(id))

    def answered(self, id: RequestId) -> None:
        self.posts.discard(str(id))
        if not self.posts:
            self._no_posts.set()

    async def answers_out(self) -> None:
        """Wait until no request's stream is open."""
        while self.posts:
            self._no_posts = anyio.Event()
            await self._no_posts.wait()

    def end(self) -> None:
        """Send what is queued, then end."""
        self.peer.stop_reading()


class Sessions:
    """All of them."""

    def __init__(
        self,
        tasks: TaskGroup,
        agent: Agent,
        options: McpOptions,
        limits: Limits,
        nobody: Outlet,
        named: Callable[[str], str | None],
        under: Governance | None = None,
    ) -> None:
        """`tasks` runs the sessions. `nobody` gets what a client leaves behind. `named`: whom people and records know
        an identity as; None: as what the client says of itself."""
        self._tasks = tasks
        self._agent = agent
        self._options = options
        self._limits = limits
        self._nobody = nobody
        self._named = named
        self._under = under
        self._by_id: dict[str, HttpSession] = {}
        self._ended = anyio.Event()

    def __len__(self) -> int:
        return len(self._by_id)

    def find(self, id: str, owner: str) -> HttpSession | None:
        """The session of that id, if it is `owner`'s."""
        session = self._by_id.get(id)
        if session is None or session.owner != owner:
            return None
        session.used = anyio.current_time()
        return session

    async def begin(self, session: HttpSession) -> None:
        """Run it; returns once it takes messages. Raises TooManySessions."""
        self._make_room(session.owner)
        self._by_id[session.id] = session
        await self._tasks.start(self._run, session)

    def _make_room(self, owner: str) -> None:
        own = [session for session in self._by_id.values() if session.owner == owner]
        for sessions, limit in (own, self._limits.sessions_each), (list(self._by_id.values()), self._limits.sessions):
            if len(sessions) < limit:
                continue
            oldest = min(sessions, key=lambda session: (bool(session.posts), session.used))
            if oldest.posts or anyio.current_time() - oldest.used < _RECENT:
                raise TooManySessions(f"there are {len(sessions)} sessions already; end one with DELETE, or try later")
            log.info("a session that was not used makes room for another", extra=about(session=oldest.id))
            self._by_id.pop(oldest.id)
            oldest.end()

    async def _run(self, session: HttpSession, *, task_status: TaskStatus[None]) -> None:
        """A failure ends this session and no other."""
        surface: Session | None = None
        under = self._under
        policy = None if under is None or under.guard is None else ClientPolicy(under.guard)
        try:
            async with session.transport.connect() as (receive, send):
                session.peer = SessionPeer(
                    session.id,
                    receive,
                    send,
                    max_event=self._limits.event,
                    max_backlog=self._limits.backlog,
                    observer=policy,
                )
                handshake = Handshake(self._options.tool_sets, governed=under is not None)
                surface = Session(
                    session.peer,
                    handshake,
                    self._agent,
                    self._options,
                    identity=self._named(session.owner),
                    door=policy if under is None or policy is not None else under.door,
                )
                if under is not None:
                    under.attach(self._agent, handshake)
                task_status.started()
                log.info("session begun", extra=about(session=session.id))
                with session.transport.idle_scope or anyio.CancelScope():
                    await session.peer.run(surface)
                    with anyio.move_on_after(_LAST_ANSWERS):
                        await session.answers_out()
                await session.transport.terminate()
        except Exception:
            log.exception("a session failed", extra=about(session=session.id))
        finally:
            self._by_id.pop(session.id, None)
            self._ended.set()
            if surface is not None:
                surface.close()
                self._agent.release(surface.connection.delivery, self._nobody)
            log.info("session ended", extra=about(session=session.id))

    async def writable(self) -> None:
        """Wait until no client that reads has too much in its queue."""
        for session in list(self._by_id.values()):
            peer = getattr(session, "peer", None)
            if peer is not None:
                await peer.writable()

    async def calls_done(self) -> None:
        """Wait until no request of a client is in flight."""
        for session in list(self._by_id.values()):
            await session.peer.calls_done()

    async def end_all(self) -> None:
        """End every session, and wait for it."""
        for session in list(self._by_id.values()):
            session.end()
        while self._by_id:
            self._ended = anyio.Event()
            await self._ended.wait()
