"""A conversation through the typed client: text as it streams, approvals on the terminal.

    python examples/conversation.py "What does this repository do?"

Uses the Codex that you are logged in to. To try it without one, play a script:

    python examples/conversation.py --offline examples/hello.json "Hello"
"""

from __future__ import annotations

import argparse
import os
import shlex

import anyio

from codex_mcp.client import ApprovalRequest, start_client
from codex_mcp.protocol import events
from codex_mcp.protocol.approvals import Decision, ExecCommandApprovalParams


async def ask(request: ApprovalRequest) -> Decision:
    """Put the question on the terminal, in a thread: events go on meanwhile."""
    what = (
        shlex.join(request.command)
        if isinstance(request, ExecCommandApprovalParams)
        else ", ".join(request.file_changes)
    )
    answer = await anyio.to_thread.run_sync(input, f"\nAllow {what}? [y/N] ")
    return "approved" if answer.strip().lower() == "y" else "denied"


async def main(message: str, arguments: list[str]) -> None:
    """Send one message and print what comes of it."""
    async with start_client(arguments, approve=ask) as client:
        conversation = await client.new_conversation(
            cwd=os.getcwd(), approval_policy="on-request", sandbox="workspace-write"
        )
        async for event in conversation.turn(message):
            match event.msg:
                case events.AgentMessageDelta():
                    print(event.msg.delta, end="", flush=True)
                case events.AgentMessage():
                    print()
                case events.ExecCommandBegin():
                    print(f"$ {shlex.join(event.msg.command)}")
                case events.ErrorEvent():
                    print(f"error: {event.msg.message}")
                case _:
                    pass


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--offline", metavar="SCRIPT")
    parser.add_argument("message")
    options = parser.parse_args()
    anyio.run(main, options.message, ["--offline", options.offline] if options.offline else [])
