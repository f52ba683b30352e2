"""From the end of input to the exit of a process that does nothing, beside the bare engine.

python -m tests.benchmarks.ending [--runs N]
"""

from __future__ import annotations

import argparse
import time

from codex_mcp.offline import OfflineModel
from tests.benchmarks.measure import (
    APP_SERVER_INITIALIZE,
    MCP_INITIALIZE,
    SERVER,
    Process,
    engine_command,
    offline_home,
    table,
)

BEGUN = {"method": "initialized"}
NEW_CONVERSATION = {"id": 2, "method": "newConversation", "params": {}}
THREAD_START = {"id": 2, "method": "thread/start", "params": {}}
TOOL = {"name": "codex", "arguments": {"prompt": "go"}}
CALL = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": TOOL}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    runs = parser.parse_args().runs
    cases = {
        "bare engine": (engine_command(), (APP_SERVER_INITIALIZE, BEGUN, THREAD_START)),
        "this server, MCP, a tool was called": (SERVER, (MCP_INITIALIZE, CALL)),
        "this server, a conversation begun": (SERVER, (APP_SERVER_INITIALIZE, BEGUN, NEW_CONVERSATION)),
    }
    rows: dict[str, list[float]] = {name: [] for name in cases}
    with OfflineModel([[{"say": "done"}]] * runs) as model, offline_home(model) as env:
        for _ in range(runs):
            for name, (command, messages) in cases.items():
                process = Process(command, env)
                process.send(*messages)
                process.answer(2)
                process.settle()
                ended = time.perf_counter()
                process.close()
                rows[name].append((time.perf_counter() - ended) * 1000)
    table("end of input to exit, when nothing runs", rows, "ms", "bare engine")


if __name__ == "__main__":
    main()
