"""From spawn to the first answers, beside the last release that had `codex mcp-server`.

python -m tests.benchmarks.startup --native PATH-TO-CODEX-0.153.4 [--runs N]
"""

from __future__ import annotations

import argparse

from codex_mcp.offline import OfflineModel
from tests.benchmarks.measure import APP_SERVER_INITIALIZE, MCP_INITIALIZE, SERVER, Process, offline_home, table

INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}
TOOLS_LIST = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
USER_AGENT = {"id": 2, "method": "getUserAgent"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--native", required=True, help="a codex binary that has `mcp-server`")
    parser.add_argument("--runs", type=int, default=15)
    options = parser.parse_args()
    native, ours, plain = "native mcp-server", "this server, MCP", "this server, app-server dialect"
    servers = {
        native: ([options.native, "mcp-server"], MCP_INITIALIZE, (INITIALIZED, TOOLS_LIST)),
        ours: (SERVER, MCP_INITIALIZE, (INITIALIZED, TOOLS_LIST)),
        plain: (SERVER, APP_SERVER_INITIALIZE, ({"method": "initialized"}, USER_AGENT)),
    }
    first: dict[str, list[float]] = {name: [] for name in servers}
    second: dict[str, list[float]] = {name: [] for name in servers}
    memory: dict[str, list[float]] = {name: [] for name in servers}
    with OfflineModel() as model, offline_home(model) as env:
        for _ in range(options.runs):
            for name, (command, initialize, then) in servers.items():
                process = Process(command, env)
                process.send(initialize)
                process.answer(1)
                first[name].append(process.elapsed() * 1000)
                process.send(*then)
                process.answer(2)
                second[name].append(process.elapsed() * 1000)
                process.settle()
                memory[name].append(process.resident_mb())
                process.close()
    table("spawn to the initialize reply", first, "ms", native)
    table("spawn to the tools/list reply (getUserAgent in the app-server dialect)", second, "ms", native)
    table("resident memory when idle after the handshake", memory, "MB", native)


if __name__ == "__main__":
    main()
