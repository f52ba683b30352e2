"""The sessions of HTTP clients: who has which, how long they live, and what is left when they end.

A session lives from an accepted `initialize` to its DELETE, to the end of its idle time, or to that of the server.
That a connection breaks does not end it: what runs goes on. When it has ended, its conversations are nobody's until
somebody resumes them, and their questions wait in the inbox.
"""

from __future__ import annotations

import logging
import uuid
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import anyio
from anyio.abc import TaskGroup, TaskStatus

from codex_mcp import __version__
from codex_mcp.bridge.agent import Agent, AgentSeams
from codex_mcp.bridge.conversation import Outlet
from codex_mcp.engine.origin import Origin
from codex_mcp.errors import CallerError, CodexMcpError
from codex_mcp.http.identity import Identity
from codex_mcp.http.options import Limits
from codex_mcp.http.peer import ReadStream, SessionPeer, WriteStream
from codex_mcp.logs import about
from codex_mcp.policy.guard import Guard
from codex_mcp.surfaces.connection import Connection
from codex_mcp.surfaces.handshake import MCP_VERSIONS, Handshake
from codex_mcp.surfaces.mcp.options import McpOptions
from codex_mcp.surfaces.session import Door, Session
from codex_mcp.surfaces.under_policy import ClientPolicy
from codex_mcp.wire.messages import RequestId
from codex_mcp.wire.peer import Endpoint

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

    several_streams: bool
    """Each request has one, which ends with its answer."""

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

    def __init__(self, owner: Identity, transport: Transport, id: str) -> None:
        self.id = id
        self.owner = owner
        self.transport = transport
        self.peer: SessionPeer
        self.posts: set[str] = set()
        """Requests of the client whose stream is open: their ids as text."""
        self.ended = anyio.Event()
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
        under: Governance | None = None,
    ) -> None:
        """`tasks` runs the sessions. `nobody` gets what a client leaves behind. `under`: the policy in force."""
        self._tasks = tasks
        self._agent = agent
        self._options = options
        self._limits = limits
        self._nobody = nobody
        self._under = under
        self._by_id: dict[str, HttpSession] = {}
        self._ended = anyio.Event()

    def __len__(self) -> int:
        return len(self._by_id)

    def find(self, id: str, owner: Identity) -> HttpSession | None:
        """The session of that id, if it is `owner`'s."""
        session = self._by_id.get(id)
        if session is None or session.owner.key != owner.key:
            return None
        session.used = anyio.current_time()
        return session

    async def begin(self, session: HttpSession) -> None:
        """Run it; returns once it takes messages. Raises TooManySessions."""
        self._make_room(session.owner)
        self._by_id[session.id] = session
        await self._tasks.start(self._run, session)

    def _make_room(self, owner: Identity) -> None:
        own = [session for session in self._by_id.values() if session.owner.key == owner.key]
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
        policy = self.policy()
        try:
            async with session.transport.connect() as (receive, send):
                session.peer = SessionPeer(
                    session.id,
                    receive,
                    send,
                    max_event=self._limits.event,
                    max_backlog=self._limits.backlog,
                    several_streams=session.transport.several_streams,
                    observer=policy,
                )
                handshake = Handshake(self._options.tool_sets, governed=self._under is not None)
                surface = self._surface(session.peer, handshake, session.owner, policy)
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
            session.ended.set()
            if surface is not None:
                self._leave(surface)
            log.info("session ended", extra=about(session=session.id))

    def policy(self) -> ClientPolicy | None:
        """What watches a client, if there is a policy that can be carried out: its observer, and its door."""
        return None if self._under is None or self._under.guard is None else ClientPolicy(self._under.guard)

    def _surface(self, peer: Endpoint, handshake: Handshake, owner: Identity, policy: ClientPolicy | None) -> Session:
        door: Door | None = policy
        if self._under is not None:
            self._under.attach(self._agent, handshake)
            door = policy or self._under.door
        if owner.tools:
            door = _Allowed(owner.tools, door)
        return Session(peer, handshake, self._agent, self._options, identity=owner.name, door=door)

    def _leave(self, surface: Session) -> None:
        surface.close()
        self._agent.release(surface.connection.delivery, self._nobody)

    async def run_alone(self, peer: Endpoint, owner: Identity, policy: ClientPolicy | None) -> None:
        """Serve a connection that is no session: it has no handshake, and nobody to ask."""
        handshake = Handshake(self._options.tool_sets, governed=self._under is not None)
        info = {"name": owner.name or "http", "version": __version__}
        opening = {"protocolVersion": MCP_VERSIONS[-1], "clientInfo": info}
        handshake.answer("initialize", opening, jsonrpc=True)
        surface = self._surface(peer, handshake, owner, policy)
        try:
            await peer.run(surface)
        finally:
            self._leave(surface)

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


class _Allowed:
    """A `Door` for an identity that may call some tools only."""

    def __init__(self, tools: tuple[str, ...], then: Door | None) -> None:
        self._tools = tools
        self._then = then

    def admit(self, connection: Connection, origin: Origin, params: Any) -> None:
        kind, _, tool = origin.method.partition(" ")
        if tool not in self._tools if kind == "tools/call" else kind not in _HARMLESS:
            raise CallerError(f"this token does not allow {tool or kind}", code="not_allowed")
        if self._then is not None:
            self._then.admit(connection, origin, params)


_HARMLESS = ("prompts/list", "prompts/get", "logging/setLevel")
