"""What is asked of the engine for conversations, when callers give up, come late or come at once."""

from __future__ import annotations

import anyio
import anyio.lowlevel
import pytest

from codex_mcp.bridge import conversations as module
from codex_mcp.bridge.agent import AgentSeams
from codex_mcp.bridge.approvals import Approval
from codex_mcp.bridge.conversation import Conversation
from codex_mcp.bridge.conversations import ConversationNotFound, ResumeSource
from codex_mcp.bridge.events import Event
from codex_mcp.bridge.models import all_models
from codex_mcp.bridge.options import ThreadOptions, TurnOptions
from codex_mcp.engine.link import EngineSeams
from codex_mcp.errors import EngineError
from codex_mcp.offline import OfflineModel
from codex_mcp.wire.messages import JsonObject, Request
from tests.support.home import Home
from tests.support.in_process import Watch, running_agent
from tests.support.scripted_engine import ScriptedEngine

pytestmark = pytest.mark.anyio

HELLO: list[JsonObject] = [{"type": "text", "text": "hello"}]


class Owner:
    """An outlet that keeps what came."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.gone: list[str] = []

    def emit(self, conversation: Conversation, events: list[Event]) -> None:
        self.events += [event.msg["type"] for event in events]

    def ask(self, approval: Approval) -> None: ...

    def withdraw(self, approval: Approval) -> None: ...

    def refused(self, approval: Approval, because: str) -> None: ...

    def closed(self, conversation: Conversation) -> None:
        self.gone.append(conversation.id)


def nothing(_: Conversation) -> None: ...


def watched(watch: Watch) -> AgentSeams:
    return AgentSeams(engine=EngineSeams(observer=watch))


@pytest.mark.requirement("reliability:engine:slow")
async def test_a_message_that_is_given_up_and_taken_later_is_stopped_at_once(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SUBMIT_LIMIT", 0.05)
    engine = ScriptedEngine(home.root, "takes-turns-late")
    watch = Watch()
    async with running_agent(home, engine=str(engine.path), seams=watched(watch)) as agent:
        conversation = await agent.conversations.start(ThreadOptions(), Owner(), nothing, raw_items=False)
        with pytest.raises(EngineError, match="stopped at once"):
            await agent.conversations.send(conversation, HELLO, TurnOptions())
        assert "turn/interrupt" not in watch.methods()
        await all_models(agent.engine)  # now the engine takes the message
        await watch.until_asked("turn/interrupt")
        assert not conversation.busy


@pytest.mark.requirement("conversations:resume:handover")
@pytest.mark.parametrize("first", ["send", "resume", "both"])
async def test_a_conversation_that_is_resumed_while_a_message_is_handed_over_ends_its_turn(
    home: Home, model: OfflineModel, first: str
) -> None:
    model.add([{"say": "one"}], [{"say": "two"}])
    owner = Owner()
    async with running_agent(home) as agent:
        conversations = agent.conversations
        conversation = await conversations.start(ThreadOptions(), owner, nothing, raw_items=False)
        await (await conversations.send(conversation, HELLO, TurnOptions())).wait()

        async def send() -> None:
            await (await conversations.send(conversation, HELLO, TurnOptions())).wait()

        async def resume() -> None:
            source = ResumeSource(id=conversation.id)
            assert await conversations.resume(source, ThreadOptions(), owner, nothing, raw_items=False) is conversation

        with anyio.fail_after(30):
            async with anyio.create_task_group() as tasks:
                if first == "resume":
                    tasks.start_soon(resume)
                    tasks.start_soon(send)
                elif first == "send":
                    tasks.start_soon(send)
                    await anyio.lowlevel.checkpoint()
                    tasks.start_soon(resume)
                else:
                    tasks.start_soon(resume)
                    tasks.start_soon(send)
                    tasks.start_soon(resume)
    assert owner.events.count("task_complete") == 2


@pytest.mark.requirement("reliability:client:cancelled-start")
async def test_a_start_that_is_given_up_leaves_no_thread_in_the_engine(home: Home) -> None:
    watch = Watch()
    scope = anyio.CancelScope()

    def give_up(request: Request) -> None:
        if request.method == "thread/start":
            scope.cancel()

    watch.on_asked = give_up
    async with running_agent(home, seams=watched(watch)) as agent:
        with scope:
            await agent.conversations.start(ThreadOptions(), Owner(), nothing, raw_items=False)
        assert scope.cancelled_caught
        await watch.until_answered("thread/delete")
        link = await agent.engine.link()
        assert (await link.request("thread/loaded/list", {}))["data"] == []
        assert list(agent.conversations) == []


@pytest.mark.requirement("conversations:archive:gone")
async def test_an_archived_conversation_takes_nothing_more(home: Home, model: OfflineModel) -> None:
    model.add([{"say": "one"}])
    owner = Owner()
    async with running_agent(home) as agent:
        conversation = await agent.conversations.start(ThreadOptions(), owner, nothing, raw_items=False)
        await (await agent.conversations.send(conversation, HELLO, TurnOptions())).wait()
        await agent.conversations.archive(conversation.id)
        with pytest.raises(ConversationNotFound):
            await agent.conversations.send(conversation, HELLO, TurnOptions())
    assert owner.gone == [conversation.id]
