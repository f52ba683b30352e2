"""The client without `async`."""

from __future__ import annotations

import inspect
import threading
from typing import Any

import pytest

from codex_mcp import client as asynchronous
from codex_mcp.client import ApprovalRequest, Decision, ServerNotStarted, TurnFailed, sync
from codex_mcp.offline import OfflineModel
from codex_mcp.protocol import events as ev
from codex_mcp.protocol.approvals import ExecCommandApprovalParams
from codex_mcp.protocol.sandbox import ReadOnlyPolicy
from tests.support.home import Home


@pytest.mark.requirement("client:sync")
def test_a_conversation_with_an_approval_and_an_interrupt_from_another_thread(home: Home, model: OfflineModel) -> None:
    model.add(
        [{"run": "echo hi > ../made.txt", "ask": "outside"}],
        [{"say": "Done."}],
        [{"say": "working"}, {"wait": 60}],
        [{"say": "Four."}],
        [{"say": "Five."}],
    )
    asked: list[ApprovalRequest] = []
    threads: set[threading.Thread] = set()

    def approve(request: ApprovalRequest) -> Decision:
        asked.append(request)
        threads.add(threading.current_thread())
        return "approved"

    with sync.start_client(cwd=home.workspace, env=home.environment(), approve=approve) as client:
        assert "codex" in client.user_agent
        conversation = client.new_conversation(approval_policy="on-request", sandbox="read-only")
        assert [e.msg.message for e in conversation.turn("go") if isinstance(e.msg, ev.AgentMessage)] == ["Done."]
        assert (home.root / "made.txt").read_text() == "hi\n"
        assert isinstance(asked[0], ExecCommandApprovalParams)
        assert threading.current_thread() not in threads
        for event in conversation.turn("wait"):
            if isinstance(event.msg, ev.AgentMessage):
                stopper = threading.Thread(target=conversation.interrupt)
                stopper.start()
        assert isinstance(event.msg, ev.TurnAborted)
        stopper.join()
        assert conversation.ask("2 + 2?") == "Four."
        policy = ReadOnlyPolicy()
        conversation.send_turn("more", cwd=str(home.workspace), approval_policy="never", sandbox_policy=policy)
        *_, last = conversation.until_turn_end()
        assert last.ends_turn
        listed = client.list_conversations().items
        assert [item.conversation_id for item in listed] == [conversation.id]
        assert client.resume_conversation(conversation.id).history
        client.archive_conversation(listed[0].conversation_id, listed[0].path)
        assert client.models()


@pytest.mark.requirement("client:sync")
def test_exceptions_are_those_of_the_client(home: Home, model: OfflineModel) -> None:
    with pytest.raises(ServerNotStarted), sync.start_client(command=["/nowhere"]):
        pytest.fail("it started")
    model.add([{"fail": 400, "message": "no"}])
    with (
        sync.start_client(cwd=home.workspace, env=home.environment()) as client,
        pytest.raises(TurnFailed, match="no"),
    ):
        client.new_conversation().ask("go")


@pytest.mark.parametrize(
    ("here", "there"),
    [(sync.CodexClient, asynchronous.CodexClient), (sync.Conversation, asynchronous.ClientConversation)],
)
def test_what_can_be_awaited_can_be_waited_for(here: type[Any], there: type[Any]) -> None:
    raw = {"request", "run", "handshake"}
    for name, method in inspect.getmembers(there, inspect.isfunction):
        if (
            name.startswith("_")
            or name in raw
            or not (inspect.iscoroutinefunction(method) or inspect.isasyncgenfunction(method))
        ):
            continue
        mine = inspect.signature(getattr(here, name)).parameters
        assert set(mine) == set(inspect.signature(method).parameters) - {"on_result"}, name
