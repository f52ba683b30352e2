"""What the scripted model does, by turns: builders for the steps of `codex_mcp.offline`."""

from __future__ import annotations

import json
import os
import pathlib
from typing import Any, Literal

from codex_mcp.offline import Reply, script
from codex_mcp.offline.script import Step

# After these the engine asks the model again: what follows belongs to another reply.
_ACTIONS = (script.Run, script.Patch, script.Plan, script.ViewImage, script.CallTool, script.Function)


class Script:
    """Turns of a scripted model, in the order in which they are played."""

    def __init__(self) -> None:
        self.replies: list[Reply] = []

    def turn(self, *steps: Step, when: str | None = None) -> Script:
        """What the model does in the next turn, from the user's message to its end.

        `when`: only for a message that contains this text; turns without it are for whatever comes.
        """
        replies = [Reply(steps=[], when=when)]
        for step in steps:
            replies[-1].steps.append(step)
            if isinstance(step, _ACTIONS):
                replies.append(Reply(steps=[]))
        self.replies += replies
        return self

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it to a file, for `codex-mcp-server --offline PATH`."""
        replies = [reply.model_dump(mode="json", exclude_unset=True) for reply in self.replies]
        pathlib.Path(path).write_text(json.dumps(replies, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def say(text: str, *, pieces: int = 1, delay: float = 0.0) -> Step:
    """A message, streamed in `pieces` with `delay` seconds between them. The last message is the answer."""
    return script.Say(say=text, pieces=pieces, delay=delay)


def think(*sections: str) -> Step:
    """A reasoning summary."""
    return script.Think(think=list(sections))


def run(command: str | list[str], *, ask: str | None = None) -> Step:
    """A command: a line for the shell, or an argv. `ask`: it wants to leave the sandbox, for that reason."""
    return script.Run(run=command, ask=ask)


def write_file(path: str, text: str) -> Step:
    """A patch that creates a file; a relative path is relative to the conversation's directory."""
    lines = "".join(f"+{line}\n" for line in text.splitlines())
    return patch(f"*** Begin Patch\n*** Add File: {path}\n{lines}*** End Patch\n")


def patch(text: str) -> Step:
    """A patch in the engine's format (`*** Begin Patch`)."""
    return script.Patch(patch=text)


def plan(*steps: str, done: int = 0) -> Step:
    """The plan; the first `done` steps are completed, the next one is in progress."""
    states: list[Literal["completed", "in_progress", "pending"]] = [
        "completed" if index < done else "in_progress" if index == done else "pending" for index in range(len(steps))
    ]
    return script.Plan(plan=[{"step": step, "status": state} for step, state in zip(steps, states, strict=True)])


def call_tool(server: str, tool: str, **arguments: Any) -> Step:
    """A call of a tool of an MCP server that the engine has configured."""
    return script.CallTool(call_tool=script.ToolCall(server=server, tool=tool, arguments=arguments))


def wait(seconds: float) -> Step:
    """Silence: time to interrupt."""
    return script.Wait(wait=seconds)


def fail(status: int = 500, message: str = "scripted failure") -> Step:
    """The provider answers with an HTTP error; the first step of its turn, or behind an action."""
    return script.Fail(fail=status, message=message)


def break_off() -> Step:
    """The connection to the provider breaks."""
    return script.Cut(cut=True)
