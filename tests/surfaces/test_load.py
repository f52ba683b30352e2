"""Many conversations and many turns in one server."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from codex_mcp.client import ApprovalRequest, ClientConversation
from codex_mcp.offline import OfflineModel
from codex_mcp.protocol.approvals import Decision
from tests.support.home import Home
from tests.support.server import serving, turn, types

CONVERSATIONS = 200
AT_ONCE = 20


@pytest.mark.requirement("reliability:load:many")
async def test_200_conversations_are_open_and_20_turns_run_at_once(home: Home, model: OfflineModel) -> None:
    model.add(*[[{"run": "echo ran", "id": "call"}]] * AT_ONCE)
    asked: set[str] = set()
    all_asked = anyio.Event()

    async def approve(request: ApprovalRequest) -> Decision:
        asked.add(request.conversation_id)
        if len(asked) == AT_ONCE:
            all_asked.set()
        await all_asked.wait()  # no turn goes on before all of them wait here
        return "approved"

    ends: list[Any] = []

    async def run(conversation: ClientConversation) -> None:
        ends.append(types(await turn(conversation, "go"))[-1])

    async with serving(home, approve=approve) as client:
        conversations: list[ClientConversation] = []

        async def open_one() -> None:
            conversations.append(
                await client.new_conversation(approval_policy="untrusted", sandbox="danger-full-access")
            )

        async with anyio.create_task_group() as tasks:
            for _ in range(CONVERSATIONS):
                tasks.start_soon(open_one)
        assert len({conversation.id for conversation in conversations}) == CONVERSATIONS
        async with anyio.create_task_group() as tasks:
            for conversation in conversations[:: CONVERSATIONS // AT_ONCE]:
                tasks.start_soon(run, conversation)
        assert types(await turn(conversations[-1], "one more"))[-1] == "task_complete"
    assert ends == ["task_complete"] * AT_ONCE
