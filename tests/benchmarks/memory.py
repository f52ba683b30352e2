"""Memory of the server while the output of one command streams to a client that reads slowly, and to one that does not.

python -m tests.benchmarks.memory [--megabytes N] [--rate MB-PER-SECOND] [--runs N]
"""

from __future__ import annotations

import argparse
import time

from codex_mcp.offline import OfflineModel
from tests.benchmarks.measure import APP_SERVER_INITIALIZE, SERVER, Process, offline_home, table

MEGABYTE = 1_000_000


def peak_mb(env: dict[str, str], rate: float | None) -> tuple[float, float]:
    """The most that the server has had resident, and the megabytes that it sent, with a client that reads `rate`
    megabytes per second."""
    process = Process(SERVER, env)
    process.send(APP_SERVER_INITIALIZE, {"id": 2, "method": "newConversation", "params": {}})
    about = {"conversationId": process.answer(2)["conversationId"]}
    items = [{"type": "text", "text": "go"}]
    process.send(
        {"id": 3, "method": "addConversationListener", "params": about},
        {"id": 4, "method": "sendUserMessage", "params": {**about, "items": items}},
    )
    sent, started = 0, time.perf_counter()
    for line in process.lines:
        sent += len(line)
        ahead = 0.0 if rate is None else sent / (rate * MEGABYTE) - (time.perf_counter() - started)
        if ahead > 0.01:
            time.sleep(ahead)
        if b'"task_complete"' in line:
            break
    peak = process.peak_mb()
    process.close()
    return peak, sent / MEGABYTE


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=50, help="what the command prints")
    parser.add_argument("--rate", type=float, default=1.0, help="what the slow client reads in a second")
    parser.add_argument("--runs", type=int, default=1)
    options = parser.parse_args()
    command = f"head -c {options.megabytes * MEGABYTE} /dev/zero | tr '\\0' x | fold -w 99"
    turn = [[{"run": command, "yield_ms": 30_000}], [{"say": "done"}]]
    clients = {"a client that reads at once": None, f"a client that reads {options.rate} MB/s": options.rate}
    peaks: dict[str, list[float]] = {name: [] for name in clients}
    sizes: dict[str, list[float]] = {name: [] for name in clients}
    for _ in range(options.runs):
        for name, rate in clients.items():
            with OfflineModel(turn) as model, offline_home(model) as env:
                peak, sent = peak_mb({**env, "HOME": env["CODEX_HOME"]}, rate)
            peaks[name].append(peak)
            sizes[name].append(sent)
    reference = next(iter(clients))
    table("most resident memory of the server", peaks, "MB", reference)
    table("sent to the client; the engine drops what a command prints faster than it passes on", sizes, "MB", reference)


if __name__ == "__main__":
    main()
