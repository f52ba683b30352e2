"""An agent of the OpenAI Agents SDK that hands work to Codex.

    pip install openai-agents
    OPENAI_API_KEY=… python examples/openai_agents.py "Add a test for the parser"

The agent runs on its own model, Codex on the one that Codex is configured for.
"""

from __future__ import annotations

import argparse
import os

import anyio
from agents import Agent, Runner
from agents.mcp import MCPServerStdio

INSTRUCTIONS = """
You plan, Codex does: have it do every task with the `codex` tool, and go on with `codex-reply` and the threadId that
the result names. Tell in the end what has changed.
"""


async def main(task: str, arguments: list[str]) -> None:
    """Have the agent do one task, and print what it does."""
    server = MCPServerStdio(
        {
            "command": "codex-mcp-server",
            # The SDK cannot ask its user for approvals, so Codex works on its own, within the sandbox. It shows its
            # model only the text of results, so the text is to name the thread.
            "args": ["-s", "workspace-write", "-a", "never", "-C", os.getcwd(), "--show-thread-id", *arguments],
            # It hands over only a few variables of the environment; Codex needs its home, and API keys if it uses any.
            "env": dict(os.environ),
        },
        # Five seconds if it is not given: too short for work that takes minutes.
        client_session_timeout_seconds=3600,
        cache_tools_list=True,
    )
    async with server:
        agent = Agent("Lead", instructions=INSTRUCTIONS, mcp_servers=[server])
        run = Runner.run_streamed(agent, task)
        async for event in run.stream_events():
            if event.type != "run_item_stream_event":
                continue
            if event.item.type == "tool_call_item":
                print(f"> {event.item.raw_item.name} {event.item.raw_item.arguments}")
            elif event.item.type == "tool_call_output_item":
                print(f"< {event.item.output}")
        print(run.final_output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--offline", metavar="SCRIPT", help="let Codex play a script")
    parser.add_argument("task")
    options = parser.parse_args()
    anyio.run(main, options.task, ["--offline", options.offline] if options.offline else [])
