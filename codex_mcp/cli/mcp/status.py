"""`mcp status`."""

from __future__ import annotations

import argparse

from codex_mcp.bridge.mcp_servers.changes import how_to_add
from codex_mcp.bridge.mcp_servers.states import SETTLED, USABLE, State
from codex_mcp.bridge.mcp_servers.survey import Report
from codex_mcp.cli.mcp.common import say, session


async def status(options: argparse.Namespace) -> int:
    """One line for each server. 1 if one is not connected that is not switched off, or that was named."""
    names = options.name or None
    async with session(options) as engine:
        reports = await engine.check(names, options.timeout)
    text = "\n".join(map(line, reports)) or f"no MCP servers are configured; {how_to_add()}"
    say(options, text, {"servers": [report.to_json() for report in reports]})
    fine = USABLE if names else USABLE | SETTLED
    return 0 if all(report.verdict.state in fine for report in reports) else 1


def line(report: Report) -> str:
    """A server, its state and what to do, on one line."""
    state = report.verdict.state
    text = f"{report.name}: {state.value}"
    if state is State.CONNECTED:
        text += f", {len(report.item.get('tools') or ())} tools"
    return text if report.verdict.advice is None else f"{text}: {report.verdict.advice}"
