"""The scenarios: what the model does, what the client answers, and what that shows."""

from __future__ import annotations

import base64
import pathlib
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from codex_mcp.offline import OfflineModel
from tests.support.home import Home

if TYPE_CHECKING:
    from tests.recordings.recorder import Driver


async def one_turn(driver: Driver) -> None:
    """A message, and the turn that answers it."""
    await driver.begin()
    await driver.turn()


@dataclass(frozen=True)
class Scenario:
    """`decisions` answer the engine's questions in order; "none" leaves one open."""

    name: str
    shows: str
    replies: list[Any] = field(default_factory=list)
    thread: dict[str, Any] = field(default_factory=dict)
    """Fields of thread/start."""
    config: str = ""
    """Appended to config.toml."""
    retries: int = 0
    decisions: tuple[str, ...] = ()
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    git: bool = False
    play: Callable[[Driver], Awaitable[None]] = one_turn

    def prepare(self, home: Home, model: OfflineModel) -> None:
        """Make the workspace and config.toml."""
        provider = model.engine_overrides()[-1].replace("_max_retries=0", f"_max_retries={self.retries}")
        home.configure(provider, tail=self.config)
        for name, content in self.files.items():
            (home.workspace / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        if self.git:
            subprocess.run(["git", "init", "-q"], cwd=home.workspace, check=True)


FREE = {"approvalPolicy": "never", "sandbox": "danger-full-access"}
ASKING = {"approvalPolicy": "untrusted", "sandbox": "danger-full-access"}
HELD = {"approvalPolicy": "on-request", "sandbox": "workspace-write"}
DONE = [{"say": "done"}]
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PATCH = (
    "*** Begin Patch\n*** Add File: added.txt\n+new\n*** Update File: changed.txt\n@@\n one\n-two\n+TWO\n"
    "*** Delete File: gone.txt\n*** Update File: old.txt\n*** Move to: moved.txt\n@@\n-a\n+b\n*** End Patch\n"
)
PATCHED = {"changed.txt": "one\ntwo\n", "gone.txt": "bye\n", "old.txt": "a\n"}
TOOLS = f"""
[mcp_servers.tools]
command = "{sys.executable}"
args = ["{pathlib.Path(__file__).parent.parent / "support" / "mcp_tools.py"}"]
required = true
startup_timeout_sec = 20
"""
NETWORK = {"network": {"enabled": True}}
QUESTION = {
    "id": "colour",
    "header": "Colour",
    "question": "Which one?",
    "options": [{"label": "red", "description": "warm"}, {"label": "blue", "description": "cold"}],
}
COMMAND = {"run": "echo data > out.txt && cat out.txt", "id": "call_1"}


async def two_turns(driver: Driver) -> None:
    await driver.begin()
    await driver.turn("one")
    await driver.turn("two")


async def interrupted_in_message(driver: Driver) -> None:
    await driver.begin()
    await driver.say("go")
    await driver.until("item/agentMessage/delta")
    await driver.interrupt()
    await driver.until("turn/completed")
    await driver.turn("again")


async def interrupted_in_command(driver: Driver) -> None:
    await driver.begin()
    await driver.say("go")
    await driver.until("item/commandExecution/outputDelta")
    await driver.interrupt()
    await driver.until("turn/completed")
    await driver.clean()
    if not driver.has_seen("item/completed", "commandExecution"):  # its end comes early or late
        await driver.until("item/completed", "commandExecution")
    await driver.turn("again")


async def interrupted_in_question(driver: Driver) -> None:
    await driver.begin()
    await driver.say("go")
    await driver.until("item/commandExecution/requestApproval")
    await driver.interrupt()
    await driver.until("turn/completed")
    await driver.turn("again")


async def command_outlives_turn(driver: Driver) -> None:
    await driver.begin()
    await driver.say("go")
    await driver.until("turn/completed")
    await driver.until("item/completed", "commandExecution")


async def message_joins_turn(driver: Driver) -> None:
    await driver.begin()
    await driver.say("one")
    await driver.until("item/started", "commandExecution")
    await driver.say("two")
    await driver.until("turn/completed")


async def compaction_on_demand(driver: Driver) -> None:
    await driver.begin()
    await driver.turn("one")
    await driver.call("thread/compact/start")
    await driver.until("turn/completed")


async def review(driver: Driver) -> None:
    await driver.begin()
    await driver.call("review/start", target={"type": "custom", "instructions": "look at changed.txt"})
    await driver.until("turn/completed")


async def detached_review(driver: Driver) -> None:
    await driver.begin()
    await driver.turn("one")
    target = {"type": "custom", "instructions": "look at changed.txt"}
    await driver.call("review/start", target=target, delivery="detached")
    await driver.until("turn/completed")


async def server_that_cannot_start(driver: Driver) -> None:
    await driver.begin()
    await driver.until("mcpServer/startupStatus/updated")
    await driver.until("mcpServer/startupStatus/updated")
    await driver.turn()


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            "text", "a message in pieces, not all of them ASCII", [[{"say": "Grüße, 世界 🎉 and so on.", "pieces": 9}]]
        ),
        Scenario(
            "two_turns",
            "messages, usage and rate limits of two turns",
            [
                [
                    {"limits": {"primary": {"used_percent": 12.5, "window_minutes": 300, "resets_at": 1893456000}}},
                    {"say": "first"},
                    {"say": "second"},
                    {"usage": {"input_tokens": 100, "cached_input_tokens": 10, "output_tokens": 20}},
                ],
                [
                    {"limits": {"secondary": {"used_percent": 40.0, "window_minutes": 10080}}},
                    {"say": "third"},
                    {"usage": {"input_tokens": 7, "output_tokens": 5, "reasoning_output_tokens": 3}},
                ],
            ],
            play=two_turns,
        ),
        Scenario(
            "reasoning",
            "a summary of two sections; raw reasoning is not to be shown whole",
            [[{"think": ["**One** first", "**Two** then"], "raw": "the raw thought", "pieces": 3}, *DONE]],
        ),
        Scenario(
            "reasoning_raw",
            "raw reasoning is to be shown",
            [[{"think": ["**One** first"], "raw": "the raw thought", "pieces": 2}, *DONE]],
            thread={"config": {"show_raw_agent_reasoning": True}},
        ),
        Scenario("provider_refuses", "HTTP 400: an error, no retry", [[{"fail": 400, "message": "bad request"}]]),
        Scenario(
            "provider_fails",
            "HTTP 500 twice: a retry, then an error",
            [[{"fail": 500, "message": "boom"}]] * 4,
            retries=1,
        ),
        Scenario("provider_unauthorized", "HTTP 401", [[{"fail": 401, "message": "who are you"}]] * 4, retries=1),
        Scenario(
            "stream_breaks",
            "the stream breaks in a message; the retry succeeds",
            [[{"say": "par", "unfinished": True}, {"cut": True}], [{"say": "partial no more"}]],
            retries=1,
        ),
        Scenario(
            "stream_breaks_twice",
            "the stream breaks, and breaks again",
            [[{"say": "par", "unfinished": True}, {"cut": True}]] * 2,
            retries=1,
        ),
        Scenario(
            "answer_incomplete", "the answer ends at a limit", [[{"say": "so far"}, {"stop": "max_output_tokens"}]]
        ),
        Scenario(
            "interrupt_in_message",
            "an interrupt in mid-message; the next turn is whole",
            [[{"say": "part", "unfinished": True}, {"wait": 20}], DONE],
            play=interrupted_in_message,
        ),
        Scenario(
            "command",
            "a command with output on both streams that fails, and a quick one that does not",
            [
                [{"run": "echo out; echo err >&2; sleep 0.4; echo later; exit 3", "id": "call_1"}],
                [{"run": "cat changed.txt", "id": "call_2"}],
                DONE,
            ],
            FREE,
            files=PATCHED,
        ),
        Scenario(
            "command_utf8",
            "output whose characters are written byte by byte",
            [
                [
                    {
                        "run": "for b in '\\342' '\\202' '\\254' '\\303' '\\251\\n'; do printf \"$b\"; sleep 0.3; done",
                        "id": "call_1",
                    }
                ],
                DONE,
            ],
            FREE,
        ),
        Scenario("command_approved", "asked, approved", [[COMMAND], DONE], ASKING, decisions=("approved",)),
        Scenario("command_denied", "asked, denied: the turn goes on", [[COMMAND], DONE], ASKING, decisions=("denied",)),
        Scenario("command_abort", "asked, aborted: the turn ends", [[COMMAND], DONE], ASKING, decisions=("abort",)),
        Scenario(
            "command_session",
            "approved for the session: not asked again",
            [[COMMAND], [{**COMMAND, "id": "call_2"}], DONE],
            ASKING,
            decisions=("approved_for_session",),
        ),
        Scenario(
            "command_escalated",
            "a command that wants to leave the sandbox, with the model's reason",
            [[{"run": "touch ../outside.txt", "id": "call_1", "ask": "I need to write outside"}], DONE],
            HELD,
            decisions=("approved",),
        ),
        Scenario(
            "command_outlives_turn",
            "the model does not wait for a command",
            [[{"run": "sleep 1.5; echo finished", "id": "call_1", "yield_ms": 300}], DONE],
            FREE,
            play=command_outlives_turn,
        ),
        Scenario(
            "interrupt_in_command",
            "an interrupt while a command runs; its end comes late",
            [[{"run": "sleep 0.3; echo begun; sleep 20", "id": "call_1", "yield_ms": 30000}], DONE],
            FREE,
            play=interrupted_in_command,
        ),
        Scenario(
            "interrupt_in_question",
            "an interrupt while a question is open",
            [[COMMAND], DONE],
            ASKING,
            decisions=("none",),
            play=interrupted_in_question,
        ),
        Scenario(
            "message_joins_turn",
            "a message sent while a command runs",
            [[{"run": "sleep 0.8; echo slept", "id": "call_1"}], DONE],
            FREE,
            play=message_joins_turn,
        ),
        Scenario(
            "patch",
            "every kind of change, not asked for",
            [[{"patch": PATCH, "id": "call_1"}], DONE],
            HELD,
            files=PATCHED,
            git=True,
        ),
        Scenario(
            "patch_approved",
            "asked, approved",
            [[{"patch": PATCH, "id": "call_1"}], DONE],
            {**HELD, "approvalPolicy": "untrusted"},
            files=PATCHED,
            decisions=("approved",),
        ),
        Scenario(
            "patch_denied",
            "asked, denied",
            [[{"patch": PATCH, "id": "call_1"}], DONE],
            {**HELD, "approvalPolicy": "untrusted"},
            files=PATCHED,
            decisions=("denied",),
        ),
        Scenario(
            "patch_abort",
            "asked, aborted",
            [[{"patch": PATCH, "id": "call_1"}], DONE],
            {**HELD, "approvalPolicy": "untrusted"},
            files=PATCHED,
            decisions=("abort",),
        ),
        Scenario(
            "patch_outside",
            "a patch outside the workspace",
            [[{"patch": "*** Begin Patch\n*** Add File: ../outside.txt\n+x\n*** End Patch\n", "id": "call_1"}], DONE],
            HELD,
            decisions=("approved",),
        ),
        Scenario(
            "patch_fails",
            "a patch that cannot be written",
            [
                [
                    {
                        "patch": "*** Begin Patch\n*** Add File: changed.txt/below.txt\n+x\n*** End Patch\n",
                        "id": "call_1",
                    }
                ],
                DONE,
            ],
            FREE,
            files=PATCHED,
        ),
        Scenario(
            "plan",
            "the plan, twice",
            [
                [
                    {
                        "plan": [{"step": "a", "status": "in_progress"}, {"step": "b", "status": "pending"}],
                        "explanation": "why",
                        "id": "call_1",
                    }
                ],
                [
                    {
                        "plan": [{"step": "a", "status": "completed"}, {"step": "b", "status": "in_progress"}],
                        "id": "call_2",
                    }
                ],
                DONE,
            ],
        ),
        Scenario(
            "web_search",
            "a search that the provider makes",
            [[{"search": "what is new"}, *DONE]],
            config='web_search = "live"\n',
        ),
        Scenario(
            "view_image",
            "the model looks at an image",
            [[{"view_image": "pixel.png", "id": "call_1"}], DONE],
            files={"pixel.png": PIXEL},
        ),
        Scenario(
            "tool",
            "a tool of an MCP server: one call that works, one that fails",
            [
                [{"call_tool": {"server": "tools", "tool": "add", "arguments": {"a": 1, "b": 2}}, "id": "call_1"}],
                [
                    {
                        "call_tool": {"server": "tools", "tool": "fail", "arguments": {"reason": "on purpose"}},
                        "id": "call_2",
                    }
                ],
                DONE,
            ],
            FREE,
            config=TOOLS,
        ),
        Scenario(
            "tool_asked",
            "calls of a tool are asked for: approved, then denied",
            [
                [{"call_tool": {"server": "tools", "tool": "add", "arguments": {"a": 1, "b": 2}}, "id": "call_1"}],
                [{"call_tool": {"server": "tools", "tool": "add", "arguments": {"a": 3, "b": 4}}, "id": "call_2"}],
                DONE,
            ],
            ASKING,
            config=TOOLS,
            decisions=("approved", "denied"),
        ),
        Scenario(
            "tool_server_fails",
            "an MCP server that cannot start",
            [DONE],
            config='[mcp_servers.broken]\ncommand = "/no/such/program"\n',
            play=server_that_cannot_start,
        ),
        Scenario(
            "tool_server_fails_early",
            "an MCP server that cannot start is reported before the thread has begun: another one is waited for",
            [DONE],
            config=TOOLS + '[mcp_servers.broken]\ncommand = "/no/such/program"\n',
        ),
        Scenario(
            "permissions_asked",
            "further permissions are asked for: granted, then denied",
            [
                [{"function": "request_permissions", "arguments": {"reason": "to fetch", "permissions": NETWORK}}],
                [{"function": "request_permissions", "arguments": {"reason": "again", "permissions": NETWORK}}],
                DONE,
            ],
            HELD,
            config="[features]\nrequest_permissions_tool = true\n",
            decisions=("approved", "denied"),
        ),
        Scenario(
            "input_asked",
            "a question to the user that v1 cannot carry is refused",
            [[{"function": "request_user_input", "arguments": {"questions": [QUESTION]}}], DONE],
            config="[features]\ndefault_mode_request_user_input = true\n",
        ),
        Scenario(
            "compaction",
            "the context is compacted in mid-turn",
            [
                [{"run": "echo hi", "id": "call_1"}, {"usage": {"input_tokens": 9000, "output_tokens": 10}}],
                [{"say": "a summary of it all"}],
                DONE,
            ],
            FREE,
            config="model_auto_compact_token_limit = 5000\n",
        ),
        Scenario(
            "compaction_on_demand",
            "the engine compacts in a turn of its own",
            [DONE, [{"say": "a summary of it all"}]],
            play=compaction_on_demand,
        ),
        Scenario(
            "review",
            "review mode is entered and left",
            [
                [
                    {
                        "say": '{"findings":[],"overall_correctness":"patch is correct","overall_explanation":"all is well","overall_confidence_score":0.9}'
                    }
                ]
            ],
            files=PATCHED,
            play=review,
        ),
        Scenario(
            "deprecated",
            "something that the engine calls deprecated",
            [DONE, [{"say": "looked"}]],
            config="[features]\nweb_search = true\n",
        ),
        Scenario(
            "unknown_model",
            "a warning: the engine does not know the model",
            [DONE],
            thread={"model": "model-of-tomorrow"},
        ),
        Scenario(
            "raw_items",
            "the model's items as they are",
            [[{"run": "echo hi", "id": "call_1"}], DONE],
            {**FREE, "experimentalRawEvents": True},
        ),
    )
}
