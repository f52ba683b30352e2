"""A question of the engine, from its arrival to its end."""

from __future__ import annotations

from typing import Any

import anyio
import anyio.lowlevel
import pytest

from codex_mcp.bridge.approvals import Approval, Decision, Verdict
from codex_mcp.bridge.conversation import Conversation
from codex_mcp.bridge.events import Event
from codex_mcp.bridge.options import ServerDefaults, ThreadOptions, thread_request
from codex_mcp.engine.home import CodexHome
from codex_mcp.wire.errors import INTERNAL_ERROR, RpcError
from codex_mcp.wire.messages import MalformedMessage
from codex_mcp.wire.peer import IncomingCall, Peer
from tests.support.streams import memory_pipe


class Client:
    """An outlet that remembers the questions."""

    def __init__(self) -> None:
        self.asked: list[Approval] = []
        self.withdrawn: list[Approval] = []

    def emit(self, conversation: Conversation, events: list[Event]) -> None: ...

    def ask(self, approval: Approval) -> None:
        self.asked.append(approval)

    def withdraw(self, approval: Approval) -> None:
        self.withdrawn.append(approval)

    def refused(self, approval: Approval, because: str) -> None: ...

    def closed(self, conversation: Conversation) -> None: ...


class Handler:
    """Hands the engine's requests to a conversation."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation

    def on_request(self, call: IncomingCall) -> None:
        self._conversation.on_request(call)

    def on_notification(self, method: str, params: Any) -> None: ...

    def on_malformed(self, fault: MalformedMessage) -> None: ...

    def on_bug(self, error: Exception) -> None: ...

    def to_rpc_error(self, error: Exception) -> RpcError:
        return RpcError(INTERNAL_ERROR, repr(error))


@pytest.mark.requirement("reliability:load:soak")
async def test_a_question_that_is_withdrawn_is_forgotten_and_never_answered() -> None:
    client = Client()
    request = thread_request(ThreadOptions(), ServerDefaults({}, None, None), CodexHome.of_process(), raw_items=False)
    conversation = Conversation("thread", request, client)
    to_peer, peer_in = memory_pipe()
    peer_out, from_peer = memory_pipe()
    peer = Peer(peer_in, peer_out, jsonrpc=False)
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(peer.run, Handler(conversation))
            params = b'{"threadId":"thread","turnId":"t","itemId":"%d","command":"true"}'
            for id in (1, 2):
                call = b'{"id":%d,"method":"item/commandExecution/requestApproval","params":' + params + b"}\n"
                await to_peer.send(call % (id, id))
            while len(client.asked) < 2:
                await anyio.lowlevel.checkpoint()
            client.asked[0].answer(Verdict(Decision.DENIED, "client"))
            conversation.abort("gone")
            client.asked[1].answer(Verdict(Decision.APPROVED, "client"))
            assert client.withdrawn == client.asked[1:]
            assert peer.incoming(1) is peer.incoming(2) is None
            assert await from_peer.receive() == b'{"id":1,"result":{"decision":"decline"}}\n'
            await to_peer.aclose()
        await peer.hang_up()
        with pytest.raises(anyio.EndOfStream):
            await from_peer.receive()
