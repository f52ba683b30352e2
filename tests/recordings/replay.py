"""Plays recorded streams into the bridge: the real `Conversations`, with the recording in the engine's place."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, cast
from unittest import mock

import anyio
import anyio.lowlevel
from anyio.abc import TaskGroup

from codex_mcp.bridge.agent import Agent
from codex_mcp.bridge.approvals import Approval, Decision, Verdict
from codex_mcp.bridge.conversation import Conversation
from codex_mcp.bridge.conversations import Conversations
from codex_mcp.bridge.events import Event
from codex_mcp.bridge.options import ServerDefaults, ThreadOptions, TurnOptions
from codex_mcp.engine.home import CodexHome
from codex_mcp.wire.errors import RpcError
from codex_mcp.wire.messages import JsonObject

# How the engine is told what the client decided, by the word in the recorded answer.
_DECISIONS = {
    "accept": Decision.APPROVED,
    "acceptForSession": Decision.APPROVED_FOR_SESSION,
    "decline": Decision.DENIED,
    "cancel": Decision.ABORT,
}


def _decision(result: JsonObject) -> Decision:
    """What the client had decided, by the answer that the engine got."""
    if "permissions" in result:
        return Decision.APPROVED if result["permissions"] else Decision.DENIED
    return _DECISIONS[result.get("decision") or result["action"]]


class Stage:
    """`Conversations` without an engine, and everything that its client would be sent, by conversation."""

    def __init__(self) -> None:
        self.shown: dict[str, list[JsonObject]] = {}
        self.approvals: list[Approval] = []
        self.started: list[str] = []
        """Names of the tasks that were wanted: nothing here waits for time to pass."""
        self.engine = _NoEngine()
        self.agent = Agent(self.engine.home, ServerDefaults(), cast(Any, self))
        self.agent.engine = cast(Any, self.engine)
        self.agent.conversations = self.conversations = Conversations(
            cast(Any, self.engine), ServerDefaults(), cast(Any, self)
        )

    def start_soon(self, task: Callable[..., Any], *_: Any) -> None:
        self.started.append(task.__name__)

    def emit(self, conversation: Conversation, events: list[Event]) -> None:
        self._show(conversation.id, *(event._asdict() for event in events))

    def ask(self, approval: Approval) -> None:
        self.approvals.append(approval)
        asked = {"asks": approval.kind.value, "call_id": approval.call_id, **approval.details}
        self._show(approval.conversation_id, asked)

    def withdraw(self, approval: Approval) -> None:
        self._show(approval.conversation_id, {"withdraws": approval.call_id})

    def refused(self, approval: Approval, because: str) -> None:
        """In recordings nobody but the client decides."""

    def closed(self, conversation: Conversation) -> None:
        """No recording puts a conversation away."""

    def _show(self, id: str, *entries: JsonObject) -> None:
        self.shown.setdefault(id, []).extend(entries)


class Player:
    """Feeds one stream to a stage, message by message."""

    def __init__(self, stage: Stage, tasks: TaskGroup) -> None:
        self._stage = stage
        self._tasks = tasks
        self._requests: dict[int, _Request | None] = {}
        self._questions: dict[int, tuple[_Call, Approval | None]] = {}
        self.thread = ""

    @property
    def shown(self) -> list[JsonObject]:
        """What the client was sent and asked so far."""
        return self._stage.shown.get(self.thread, [])

    @property
    def conversation(self) -> Conversation:
        return self._stage.conversations.get(self.thread)

    async def feed(self, entry: JsonObject) -> None:
        """Act on the next message of the stream."""
        if ">" in entry:
            await self._sent(entry[">"])
        else:
            self._came(entry["<"])

    async def _sent(self, message: JsonObject) -> None:
        if "method" in message:
            self._requests[message["id"]] = await self._request(message["method"], message["params"])
            return
        call, approval = self._questions.pop(message["id"])
        if approval is not None:
            approval.answer(Verdict(_decision(message["result"]), "client"))
        answer = call.answer
        assert answer == {key: message[key] for key in ("result", "error") if key in message}, call.method

    async def _request(self, method: str, params: JsonObject) -> _Request | None:
        """Have the bridge send it, if it is one of those that the bridge sends for a client."""
        conversations = self._stage.conversations
        if method == "thread/start":
            options = ThreadOptions(
                config=params.get("config") or {},
                approval_policy=params.get("approvalPolicy"),
                sandbox=params.get("sandbox"),
            )
            self._tasks.start_soon(partial(conversations.start, options, self._stage, self._begun, raw_items=False))
        elif method == "turn/start":
            send = partial(conversations.send, self.conversation, params["input"], TurnOptions(), lambda: None)
            self._tasks.start_soon(send)
        else:
            return None
        return await self._stage.engine.next_request()

    def _begun(self, conversation: Conversation) -> None:
        self.thread = conversation.id

    def _came(self, message: JsonObject) -> None:
        if "method" not in message:
            request = self._requests.pop(message["id"])
            if request is not None:
                request.on_result(message["result"])
                request.answered.set()
        elif "id" not in message:
            with mock.patch("os.path.isdir", return_value=True):  # the recorded workspace is not on this machine
                self._stage.agent.on_engine_notification(message["method"], message["params"])
        else:
            call, before = _Call(message), len(self._stage.approvals)
            self._stage.agent.on_engine_request(cast(Any, call))
            asked = self._stage.approvals[before:]
            self._questions[message["id"]] = (call, asked[0] if asked else None)


class _Request:
    """A request to the engine that waits for its recorded answer."""

    def __init__(self, on_result: Callable[[Any], None]) -> None:
        self.on_result = on_result
        self.answered = anyio.Event()


class _NoEngine:
    """Takes requests; the players answer them."""

    generation = 1

    def __init__(self) -> None:
        self.home = CodexHome.of_process()
        self._request: _Request | None = None

    @property
    def current(self) -> _NoEngine:
        return self

    async def link(self) -> _NoEngine:
        return self

    async def request(
        self,
        method: str,
        params: JsonObject,
        *,
        on_result: Callable[[Any], None] = lambda _: None,
        on_late: object = None,
    ) -> JsonObject:
        if method == "config/read":  # nothing is configured
            return {"config": {}}
        request = self._request = _Request(on_result)
        await request.answered.wait()
        return {}

    async def next_request(self) -> _Request:
        """The request that is about to come."""
        while self._request is None:
            await anyio.lowlevel.checkpoint()
        request, self._request = self._request, None
        return request

    def send(self, method: str, params: JsonObject) -> None:
        """Its effects are in the stream."""


class _Call:
    """A question of the engine; `answer` is what it was told."""

    def __init__(self, message: JsonObject) -> None:
        self.id = message["id"]
        self.method = message["method"]
        self.params = message["params"]
        self.answer: JsonObject | None = None

    def respond(self, result: Any) -> None:
        self.answer = {"result": result}

    def fail(self, error: RpcError) -> None:
        self.answer = {"error": error.to_json()}

    def withdraw(self) -> None:
        """Its turn is over: it gets no answer."""


async def events_of(stream: list[JsonObject]) -> list[JsonObject]:
    """What a client is sent and asked when this is what the engine says."""
    async with anyio.create_task_group() as tasks:
        player = Player(Stage(), tasks)
        for entry in stream:
            await player.feed(entry)
    return player.shown
