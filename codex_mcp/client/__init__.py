"""A typed client of the documented interface: start a server or take two streams, and talk to it.

    async with start_client() as client:
        conversation = await client.new_conversation(cwd="/repo", sandbox="workspace-write")
        async for event in conversation.turn("Fix the failing test"):
            print(event.msg)

Approvals go to the `approve` callback; without one they are denied.
"""

from codex_mcp.client.client import ApprovalRequest, Approve, CodexClient, connect_client
from codex_mcp.client.conversation import ClientConversation, ConversationEvent, UnknownEvent
from codex_mcp.client.process import start_client

__all__ = [
    "ApprovalRequest",
    "Approve",
    "ClientConversation",
    "CodexClient",
    "ConversationEvent",
    "UnknownEvent",
    "connect_client",
    "start_client",
]
