"""What every Python client does with the server. A client library is put in by an `Adapter`.

Runs in the virtual environment of the library: this file and its neighbours know nothing of the project. The first
argument is a JSON object with `command`, `environment` and `workspace`; checks go to stdout, one JSON object each.
"""

from __future__ import annotations

import json
import pathlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import anyio

NAMES = {"codex", "codex-reply", *(f"codex-{verb}" for verb in ("threads", "read", "interrupt", "archive", "fork"))}
NAMES |= {"codex-start", "codex-wait", "codex-answer"}
PLAN = json.loads(sys.argv[1])
WORKSPACE = pathlib.Path(PLAN["workspace"])
COMMAND, *ARGUMENTS = PLAN["command"]
ENVIRONMENT = PLAN["environment"]


@dataclass
class Result:
    """Of a tool call."""

    text: str
    data: dict[str, Any]
    failed: bool


OnProgress = Callable[[float, str], None]


class Adapter(Protocol):
    """A connected client. `asks`: it can answer approvals; `hears_progress`: it can listen to progress."""

    asks: bool
    hears_progress: bool

    async def tools(self) -> set[str]: ...

    async def call(self, tool: str, arguments: dict[str, Any], on_progress: OnProgress | None = None) -> Result: ...

    async def cancel(self) -> None:
        """Give the running call up, whose task is cancelled next, in the way of the library."""
        ...

    async def counts(self) -> dict[str, int]:
        """How many prompts, resources and templates there are."""
        ...


def check(what: str, passed: bool, detail: str = "") -> None:
    print(json.dumps({"check": what, "passed": bool(passed), "detail": detail}), flush=True)


def decide(message: str) -> bool:
    """Whether the user approves."""
    return "approved.txt" in message


async def meet(client: Adapter) -> None:
    """All checks, on a connected client."""
    check("list tools", await client.tools() >= NAMES)
    result = await client.call("codex", {"prompt": "interop greet", "approval-policy": "never"})
    check("codex", result.text == result.data["content"] == "Hello from the script.", result.text)
    thread = result.data["threadId"]
    result = await client.call("codex-reply", {"threadId": thread, "prompt": "interop again"})
    check("codex-reply", result.data["threadId"] == thread and result.text == "Hello again.", result.text)
    await _approvals(client)
    if client.hears_progress:
        heard: list[tuple[float, str]] = []
        arguments = {"prompt": "interop work", "approval-policy": "never"}
        await client.call("codex", arguments, lambda number, message: heard.append((number, message)))
        numbers = [number for number, _ in heard]
        rising = len(heard) > 1 and numbers == sorted(set(numbers))
        check("progress", rising, "; ".join(message for _, message in heard))
    result = await client.call("codex", {"prompt": "interop fail"})
    check("a failure is a result with isError", result.failed and "the provider said no" in result.text)
    counts = await client.counts()
    # the two resources that there always are, and one for each thread
    check(
        "prompts, resources, templates", counts["prompts"] == 3 and min(counts["templates"], counts["resources"]) >= 3
    )
    await _cancel(client)


async def _approvals(client: Adapter) -> None:
    policy = {"approval-policy": "on-request", "sandbox": "read-only"}
    for word, wanted in (("approve", client.asks), ("decline", False)):
        result = await client.call("codex", {"prompt": f"interop {word}", **policy})
        denied = result.data.get("deniedApprovals") or [{"because": ""}]
        ran = (WORKSPACE / f"{word}d.txt").exists()
        passed = ran == wanted and result.data["status"] == "completed"
        check(f"approval: {word}" if client.asks else "approval: cannot ask", passed, denied[0]["because"])


async def _cancel(client: Adapter) -> None:
    """Give a call up while its command runs; the server must be usable at once."""
    arguments = {"prompt": "interop wait", "approval-policy": "never", "sandbox": "workspace-write"}
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(client.call, "codex", arguments)
        with anyio.fail_after(20):
            while not (WORKSPACE / "waiting.txt").exists():
                await anyio.sleep(0.02)
        await client.cancel()
        tasks.cancel_scope.cancel()
    result = await client.call("codex", {"prompt": "hello"})
    check("cancel a call", result.text == "Done.", result.text)
