"""The server without a process and without a pipe: agents on the real engine, and clients joined to them in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio

from codex_mcp.bridge.agent import NO_SEAMS, Agent, AgentSeams
from codex_mcp.bridge.options import ServerDefaults
from codex_mcp.engine.home import CodexHome
from codex_mcp.surfaces.handshake import Handshake
from codex_mcp.surfaces.mcp.options import McpOptions
from codex_mcp.surfaces.session import Session
from codex_mcp.wire.messages import ErrorResponse, Request, RequestId, Response
from codex_mcp.wire.peer import Peer
from tests.support.home import Home
from tests.support.mcp_client import Json, McpClient
from tests.support.streams import memory_pipe

if TYPE_CHECKING:
    from codex_mcp.wire.messages import Message

SETS = ("threads", "background")


@asynccontextmanager
async def running_agent(
    home: Home, *, engine: str | None = None, seams: AgentSeams = NO_SEAMS, **variables: str
) -> AsyncIterator[Agent]:
    """An agent of that home. `engine`: the binary to use."""
    failure: Exception | None = None
    async with anyio.create_task_group() as tasks:
        place = CodexHome(home.environment(**variables), str(home.workspace))
        agent = Agent(place, ServerDefaults(), tasks, named=engine, seams=seams)
        tasks.start_soon(agent.run)
        try:
            yield agent
        except Exception as error:  # raised outside of the task group, so that the test shows it and not a group
            failure = error
        tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure


@asynccontextmanager
async def connected(
    agent: Agent, answer: Callable[[Json], Any] | None = None, sets: tuple[str, ...] = SETS, prompts: str | None = None
) -> AsyncIterator[McpClient]:
    """An MCP client of the agent; one of several, if the test wants."""
    to_server, server_in = memory_pipe()
    server_out, from_server = memory_pipe()
    handshake = Handshake(sets)
    peer = Peer(server_in, server_out, jsonrpc=True)
    session = Session(peer, handshake, agent, McpOptions(sets, True, 0, False, prompts))
    client = McpClient(from_server, to_server, answer or (lambda _: None))
    failure: Exception | None = None
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(peer.run, session)
        tasks.start_soon(client.peer.run, client)
        try:
            await client.open({} if answer is None else {"elicitation": {}})
            yield client
        except Exception as error:
            failure = error
        session.close()
        tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure
    assert client.faults == []


class Watch:
    """An observer of the engine's connection: what was asked of it, and what a test wants done when it is."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self._answered: set[RequestId | None] = set()
        self.on_asked: Callable[[Request], None] = lambda _: None
        self._news = anyio.Event()

    def incoming(self, message: Message) -> Message:
        if isinstance(message, Response | ErrorResponse):
            self._answered.add(message.id)
            self._wake()
        return message

    def outgoing(self, message: Message) -> Message:
        if isinstance(message, Request):
            self.asked.append(message)
            self._wake()
            self.on_asked(message)
        return message

    def _wake(self) -> None:
        news, self._news = self._news, anyio.Event()
        news.set()

    def methods(self) -> list[str]:
        """What was asked so far."""
        return [request.method for request in self.asked]

    async def until_asked(self, method: str) -> None:
        """Wait for a request of that name."""
        while method not in self.methods():
            await self._news.wait()

    async def until_answered(self, method: str) -> None:
        """Wait for the answer to a request of that name."""
        while not any(request.method == method and request.id in self._answered for request in self.asked):
            await self._news.wait()
