"""Signs of life during a tool call: `notifications/progress`, for callers that gave a token.

A few a second at most, each with a higher number and a line that says what Codex does now; while nothing happens, a
heartbeat, because clients give calls up that stay silent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import anyio

from codex_mcp.surfaces.client import Client
from codex_mcp.surfaces.mcp.wording import command_line, shorten
from codex_mcp.wire.messages import JsonObject, RequestId

# Seconds between two notifications at least, and at most.
_PACE = 0.4
_HEARTBEAT = 10.0
_MAX_LINE = 160


class Progress:
    """What a tool call does now. `run` sends it until cancelled."""

    def __init__(self, client: Client, token: Any, call_id: RequestId | None) -> None:
        """`token`: the caller's `progressToken`, None if it wants no notifications; `call_id`: of its call."""
        self.activity = "Starting"
        self._client = client
        self._call_id = call_id
        self._token = token
        self._changed = anyio.Event()
        self._changed.set()
        self._followers: list[Progress] = []

    def show(self, activity: str) -> None:
        """Codex does something else now."""
        if activity != self.activity:
            self.activity = activity
            self._changed.set()
            for follower in self._followers:
                follower.show(activity)

    @contextmanager
    def followed_by(self, other: Progress) -> Iterator[None]:
        """`other` shows the same while the block runs."""
        other.show(self.activity)
        self._followers.append(other)
        try:
            yield
        finally:
            self._followers.remove(other)

    def close(self) -> None:
        """Send nothing more: a notification must not follow the answer of its call."""
        self._token = None

    async def run(self) -> None:
        """Send what changes, and a heartbeat. Returns at once if nobody asked."""
        began = anyio.current_time()
        number = 0
        while self._token is not None:
            silent = True
            with anyio.move_on_after(_HEARTBEAT):
                await self._changed.wait()
                silent = False
            if self._token is None:
                return
            self._changed = anyio.Event()
            number += 1
            text = f"{self.activity} ({anyio.current_time() - began:.0f} s)" if silent else self.activity
            self._client.notify(
                "notifications/progress",
                {"progressToken": self._token, "progress": number, "message": text},
                about=self._call_id,
            )
            await anyio.sleep(_PACE)


def describe(msg: JsonObject) -> str | None:
    """An event as what Codex does now; None if it says nothing of that."""
    activity = _ACTIVITIES.get(msg["type"])
    return None if activity is None else activity(msg)


def _line(lead: str, text: str) -> str:
    return lead + shorten(" ".join(text.split()), _MAX_LINE)


def _plan(steps: list[JsonObject]) -> str | None:
    done = sum(step["status"] == "completed" for step in steps)
    current = next((step["step"] for step in steps if step["status"] == "in_progress"), None)
    return None if current is None else _line(f"Plan {done + 1}/{len(steps)}: ", current)


def _thinking(_msg: JsonObject) -> str:
    return "Thinking"


def _after_command(msg: JsonObject) -> str:
    ran = msg["exit_code"] >= 0  # otherwise it was denied, or could not be started
    return f"Thinking (the last command ended with exit code {msg['exit_code']})" if ran else "Thinking"


_ACTIVITIES: dict[str, Callable[[JsonObject], str | None]] = {
    "agent_message": lambda msg: _line("Saying: ", msg["message"].strip().partition("\n")[0]),
    "agent_reasoning": lambda msg: _line("Thinking: ", msg["text"].strip("* \n").partition("\n")[0].strip("* ")),
    "exec_command_begin": lambda msg: _line("Running: ", command_line(msg["command"])),
    "exec_command_end": _after_command,
    "mcp_tool_call_begin": lambda msg: _line("Calling ", f"{msg['invocation']['server']}.{msg['invocation']['tool']}"),
    "mcp_tool_call_end": _thinking,
    "patch_apply_begin": lambda msg: _line("Editing ", ", ".join(msg["changes"])),
    "patch_apply_end": _thinking,
    "plan_update": lambda msg: _plan(msg["plan"]),
    "stream_error": lambda msg: _line("Retrying: ", msg["message"]),
    "task_started": _thinking,
    "web_search_end": lambda msg: _line("Searched the web: ", msg["query"]),
}
