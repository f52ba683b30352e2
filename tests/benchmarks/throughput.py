"""10,000 text deltas in one turn: through the server, and from the bare engine to a reader that does nothing.

python -m tests.benchmarks.throughput [--runs N]
"""

from __future__ import annotations

import argparse
import time

from codex_mcp.offline import OfflineModel
from tests.benchmarks.measure import APP_SERVER_INITIALIZE, SERVER, Process, engine_command, offline_home, table

DELTAS = 10_000


def count(process: Process, mark: bytes, end: bytes) -> float:
    """Deltas per second between the first and the last delta. Reads as little as can be done: the scripted model has
    its thread in this process, and must not wait for the reader."""
    seen, first, last, rest, over = 0, 0.0, 0.0, b"", False
    while not over and (chunk := process.lines.read1(1024 * 1024)):
        lines, newline, rest = (rest + chunk).rpartition(b"\n")
        found = (lines + newline).count(mark)
        if found:
            last = time.perf_counter()
            first = first or last
            seen += found
        over = end in lines
    assert seen == DELTAS, f"{seen} deltas"
    return (seen - 1) / (last - first)


def bare_engine(env: dict[str, str]) -> float:
    process = Process(engine_command(), env)
    process.send(
        {**APP_SERVER_INITIALIZE}, {"method": "initialized"}, {"id": 2, "method": "thread/start", "params": {}}
    )
    thread = process.answer(2)["thread"]["id"]
    turn = {"threadId": thread, "input": [{"type": "text", "text": "go"}]}
    process.send({"id": 3, "method": "turn/start", "params": turn})
    rate = count(process, b'"item/agentMessage/delta"', b'"turn/completed"')
    process.close()
    return rate


def server(env: dict[str, str]) -> float:
    process = Process(SERVER, env)
    process.send(APP_SERVER_INITIALIZE, {"id": 2, "method": "newConversation", "params": {}})
    conversation = process.answer(2)["conversationId"]
    items = [{"type": "text", "data": {"text": "go"}}]
    process.send(
        {"id": 3, "method": "addConversationListener", "params": {"conversationId": conversation}},
        {"id": 4, "method": "sendUserMessage", "params": {"conversationId": conversation, "items": items}},
    )
    rate = count(process, b'"agent_message_delta"', b'"task_complete"')
    process.close()
    return rate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    reply = [{"say": "0123456789 " * DELTAS, "pieces": DELTAS}]
    rows: dict[str, list[float]] = {"bare engine": [], "through the server": []}
    with OfflineModel([reply] * (2 * runs)) as model, offline_home(model) as env:
        for _ in range(runs):
            rows["bare engine"].append(bare_engine(env))
            rows["through the server"].append(server(env))
    table(f"{DELTAS} text deltas in one turn", rows, "deltas per second", "bare engine", higher_is_better=True)


if __name__ == "__main__":
    main()
