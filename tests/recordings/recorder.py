"""Plays a scenario against the real engine and keeps what goes over the wire."""

from __future__ import annotations

import os
import pathlib
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import anyio
import anyio.lowlevel

from codex_mcp.bridge import approvals, questions
from codex_mcp.bridge.approvals import Decision
from codex_mcp.engine.home import CodexHome
from codex_mcp.engine.launch import start_engine
from codex_mcp.engine.link import EngineLink
from codex_mcp.engine.locate import find_engines
from codex_mcp.offline import OfflineModel
from codex_mcp.wire.messages import JsonObject
from codex_mcp.wire.peer import IncomingCall
from tests.recordings.normalise import Normaliser
from tests.recordings.scenarios import Scenario
from tests.support.home import Home

_LIMIT = 30.0  # seconds for a scenario


class Driver:
    """The engine's client in a scenario. Questions are answered with the scenario's decisions, in order."""

    def __init__(self, scenario: Scenario, workspace: pathlib.Path) -> None:
        self.link: EngineLink
        self.thread = ""
        self._scenario = scenario
        self._workspace = workspace
        self._decisions = list(scenario.decisions)
        self._seen: list[tuple[str, JsonObject]] = []
        self._position = 0
        self._arrived = anyio.Event()

    async def begin(self) -> None:
        """Start the scenario's thread."""
        params = {"cwd": str(self._workspace), **self._scenario.thread}
        await self.link.request("thread/start", params, on_result=self._begun)

    def _begun(self, result: JsonObject) -> None:
        self.thread = result["thread"]["id"]

    async def say(self, text: str) -> None:
        """Send a message; returns when the engine took it."""
        params = {"threadId": self.thread, "input": [{"type": "text", "text": text}]}
        await self.link.request("turn/start", params)

    async def call(self, method: str, **params: Any) -> None:
        """Any request about the thread."""
        await self.link.request(method, {"threadId": self.thread, **params})

    async def until(self, method: str, item: str | None = None) -> None:
        """Wait for the next message of that name (and of that kind of item)."""
        while True:
            while self._position < len(self._seen):
                seen, params = self._seen[self._position]
                self._position += 1
                if seen == method and item in (None, params.get("item", {}).get("type")):
                    return
            self._arrived = anyio.Event()
            await self._arrived.wait()

    def has_seen(self, method: str, item: str) -> bool:
        """Whether a message of that name and about that kind of item has come, waited for or not."""
        return any(seen == method and params["item"]["type"] == item for seen, params in self._seen)

    async def turn(self, text: str = "go") -> None:
        """Send a message and wait for the end of its turn."""
        await self.say(text)
        await self.until("turn/completed")

    async def interrupt(self) -> None:
        """As this server does it."""
        self.link.send("turn/interrupt", {"threadId": self.thread, "turnId": ""})
        await self.clean()

    async def clean(self) -> None:
        """End the commands that still run; an interrupt does not."""
        self.link.send("thread/backgroundTerminals/clean", {"threadId": self.thread})

    def on_engine_notification(self, method: str, params: JsonObject) -> None:
        self._seen.append((method, params))
        self._arrived.set()

    def on_engine_request(self, call: IncomingCall) -> None:
        self.on_engine_notification(call.method, call.params)
        if call.method in ("item/commandExecution/requestApproval", "item/fileChange/requestApproval"):
            reply = approvals.command_reply(call)
        elif call.method == "mcpServer/elicitation/request":
            reply = approvals.tool_reply(call)
        elif call.method == "item/permissions/requestApproval":
            reply = approvals.permissions_reply(call, call.params["permissions"])
        else:
            questions.refuse(call)
            return
        decision = self._decisions.pop(0)
        if decision != "none":
            reply(Decision(decision))

    def on_engine_lost(self, reason: str) -> None:
        raise AssertionError(reason)


async def record(scenario: Scenario, directory: pathlib.Path) -> list[JsonObject]:
    """The stream of a scenario: its header, then every message after the handshake."""
    with OfflineModel(scenario.replies) as model:
        home = Home(pathlib.Path(tempfile.mkdtemp(dir=directory)), model)
        scenario.prepare(home, model)
        lines: list[tuple[str, bytes]] = []
        driver = Driver(scenario, home.workspace)
        with anyio.fail_after(_LIMIT), _environment(home.environment()):
            async with _linked(driver, lines) as version:
                lines.clear()
                await scenario.play(driver)
                end = len(lines)
                await driver.link.request("account/read", {})  # by now everything before it has come
                tail = [line for line in lines[end:] if b'"method"' in line[1] and line[0] == "<"]
        normalise = Normaliser(home)
        stream = [normalise(direction, line) for direction, line in [*lines[:end], *tail]]
    stream = [entry for entry in stream if entry.get("<", {}).get("method") not in _OF_THE_MACHINE]
    return [{"engine": version, "scenario": scenario.name, "shows": scenario.shows}, *stream]


# Say something about the machine, not about the scenario.
_OF_THE_MACHINE = ("configWarning",)


@asynccontextmanager
async def _linked(driver: Driver, lines: list[tuple[str, bytes]]) -> AsyncIterator[str]:
    binary = find_engines(None)[0]
    link = EngineLink(
        start_engine(binary, CodexHome.of_process()),
        driver,
        anyio.lowlevel.checkpoint,
        trace=lambda direction, line: lines.append((direction, line)),
    )
    driver.link = link
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(link.serve)
        try:
            await link.handshake()
            yield link.version
        finally:
            await link.stop()
            tasks.cancel_scope.cancel()


@contextmanager
def _environment(environment: dict[str, str]) -> Iterator[None]:
    """The environment in which the engine is started."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(environment)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
