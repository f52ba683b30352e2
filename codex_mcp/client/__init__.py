"""A typed client of the documented interface: start a server or take two streams, and talk to it.

    import anyio
    from codex_mcp.client import start_client


    async def main() -> None:
        async with start_client() as client:
            conversation = await client.new_conversation(cwd="/repo", sandbox="workspace-write")
            async for event in conversation.turn("Fix the failing test"):
                print(event.msg)
            print(await conversation.ask("What was wrong?"))


    anyio.run(main)

Approvals go to the `approve` callback; without one they are denied. `codex_mcp.client.sync` is the same without
`async`.
"""

from codex_mcp.client.client import ApprovalRequest, Approve, CodexClient, connect_client
from codex_mcp.client.conversation import ClientConversation, ConversationEvent, UnknownEvent
from codex_mcp.client.errors import ServerEnded, ServerNotStarted, TurnFailed
from codex_mcp.client.process import start_client
from codex_mcp.client.settings import ConversationSettings
from codex_mcp.protocol.approvals import Decision
from codex_mcp.wire.errors import PeerClosed, RpcError

__all__ = [
    "ApprovalRequest",
    "Approve",
    "ClientConversation",
    "CodexClient",
    "ConversationEvent",
    "ConversationSettings",
    "Decision",
    "PeerClosed",
    "RpcError",
    "ServerEnded",
    "ServerNotStarted",
    "TurnFailed",
    "UnknownEvent",
    "connect_client",
    "start_client",
]
