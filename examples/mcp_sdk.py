"""The official MCP SDK: call the tool `codex`, and approve what it wants to do.

    pip install mcp
    python examples/mcp_sdk.py "List the files here"

What Codex wants to do is put to the user on the terminal.
"""

from __future__ import annotations

import argparse
import os
from typing import Any

import anyio
from mcp import StdioServerParameters
from mcp.client.client import Client
from mcp.client.stdio import stdio_client
from mcp_types import CallToolResult, ElicitRequestFormParams, ElicitResult


async def approve(context: Any, params: Any) -> ElicitResult:
    """Answer an elicitation of the server: its message has the command and directory, or the files and the diff."""
    assert isinstance(params, ElicitRequestFormParams)
    print(params.message)
    answer = await anyio.to_thread.run_sync(input, "Allow it? [y/N] ")
    if answer.strip().lower() == "y":
        return ElicitResult(action="accept", content={"decision": "approve"})
    return ElicitResult(action="decline")


async def show_progress(progress: float, total: float | None, message: str | None) -> None:
    """What Codex does now."""
    print(f"  {message}")


async def main(prompt: str, arguments: list[str]) -> None:
    """Have Codex do one thing, and ask it how it went."""
    server = StdioServerParameters(
        command="codex-mcp-server",
        args=["-s", "workspace-write", "-a", "on-request", *arguments],
        env=dict(os.environ),  # the SDK hands over only a few variables otherwise
    )
    async with Client(stdio_client(server), elicitation_callback=approve) as codex:
        result = await codex.call_tool("codex", {"prompt": prompt, "cwd": os.getcwd()}, progress_callback=show_progress)
        assert isinstance(result, CallToolResult)
        answer = result.structured_content or {}
        print(answer["content"])
        for denied in answer.get("deniedApprovals") or []:
            print(f"denied: {denied['what']}")
        follow_up = {"threadId": answer["threadId"], "prompt": "Was that all? Answer in one sentence."}
        result = await codex.call_tool("codex-reply", follow_up)
        assert isinstance(result, CallToolResult)
        print((result.structured_content or {})["content"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--offline", metavar="SCRIPT", help="let Codex play a script")
    parser.add_argument("prompt")
    options = parser.parse_args()
    anyio.run(main, options.prompt, ["--offline", options.offline] if options.offline else [])
