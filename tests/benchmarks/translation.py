"""What one message of the engine costs on its way to the client, in CPU time, and where it goes.

python -m tests.benchmarks.translation [--runs N] [--profile]
"""

from __future__ import annotations

import argparse
import cProfile
import json
import pstats
import time
from collections.abc import Callable
from typing import Any, cast

from codex_mcp.bridge.conversation import Conversation
from codex_mcp.bridge.options import ThreadRequest
from codex_mcp.surfaces.delivery import Delivery
from codex_mcp.surfaces.handshake import Handshake
from codex_mcp.wire import codec
from codex_mcp.wire.framing import LineDecoder
from codex_mcp.wire.messages import Notification
from tests.benchmarks.measure import table

MESSAGES = 10_000
THREAD, TURN = "01a1fd2c-429c-78d1-b323-6ad676bb5310", "01a1fd2c-435b-7e93-a4cf-0398f722bc62"
ABOUT = {"threadId": THREAD, "turnId": TURN}
TEXT = {"type": "agentMessage", "id": "msg_1", "text": ""}
REASONING = {"type": "reasoning", "id": "rs_1", "summary": [], "content": []}
COMMAND = {"type": "commandExecution", "id": "call_1", "command": "cat log", "cwd": "/w", "commandActions": []}
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "a piece of text": ("item/agentMessage/delta", {"itemId": "msg_1", "delta": "0123456789 "}),
    "a piece of reasoning": (
        "item/reasoning/summaryTextDelta",
        {"itemId": "rs_1", "delta": "0123456789 ", "summaryIndex": 0},
    ),
    "80 characters of output": ("item/commandExecution/outputDelta", {"itemId": "call_1", "delta": "x" * 79 + "\n"}),
    "8 KiB of output": ("item/commandExecution/outputDelta", {"itemId": "call_1", "delta": "x" * 8192}),
    "a message with its item": ("item/completed", {"item": {**TEXT, "text": "0123456789 " * 20}, "completedAtMs": 1}),
    "a plan": ("turn/plan/updated", {"explanation": None, "plan": [{"step": "look", "status": "inProgress"}] * 3}),
}


class _Client:
    """In the place of the connection to the client: everything but the write."""

    def notify(self, method: str, params: Any, *, about: Any = None) -> None:
        codec.encode_notification(method, params, jsonrpc=False)


def running_conversation() -> Conversation:
    """A conversation in a turn, with a listener."""
    delivery = Delivery(Handshake(), cast(Any, _Client()), events=True)
    conversation = Conversation(THREAD, ThreadRequest({}, (), show_raw_reasoning=False), delivery)
    conversation.translator.cwd = "/"
    delivery.open(conversation)
    delivery.add_listener(conversation, raw_items=False)
    conversation.submitted(TURN)
    conversation.on_notification("turn/started", {"threadId": THREAD, "turn": {"id": TURN}})
    for item in (TEXT, REASONING, COMMAND):
        conversation.on_notification("item/started", {**ABOUT, "item": item})
    return conversation


def cost(stream: bytes, act: Callable[[Notification], Any]) -> float:
    """Microseconds of CPU for each message of a stream that is read, and acted on."""
    decoder = LineDecoder()
    started = time.process_time()
    for line in decoder.feed(stream):
        message = codec.decode(cast(bytes, line))
        act(cast(Notification, message))
    return (time.process_time() - started) / MESSAGES * 1e6


def nothing(_: Notification) -> None:
    """Read it and no more."""


def translate(message: Notification) -> None:
    conversation.translator.translate(message.method, message.params)


def pass_on(message: Notification) -> None:
    conversation.on_notification(message.method, message.params)


conversation: Conversation


def main() -> None:
    codec.speed_up()  # as the server does
    global conversation
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument(
        "--profile", action="store_true", help="show in which functions a piece of text spends its time"
    )
    options = parser.parse_args()
    streams = {
        name: (json.dumps({"method": method, "params": {**ABOUT, **params}}) + "\n").encode() * MESSAGES
        for name, (method, params) in KINDS.items()
    }
    if options.profile:
        conversation = running_conversation()
        with cProfile.Profile() as profile:
            cost(streams["a piece of text"], pass_on)
        pstats.Stats(profile).sort_stats("tottime").print_stats(14)
        return
    steps = {"read": nothing, "read, translated": translate, "read, translated, sent": pass_on}
    rows: dict[str, dict[str, list[float]]] = {kind: {step: [] for step in steps} for kind in streams}
    for _ in range(options.runs):
        for kind, stream in streams.items():
            for step, act in steps.items():
                conversation = running_conversation()
                rows[kind][step].append(cost(stream, act))
    for kind, row in rows.items():
        table(kind, row, "microseconds of CPU", "read")


if __name__ == "__main__":
    main()
