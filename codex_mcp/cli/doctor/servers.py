"""The MCP servers that Codex itself has configured: one state each."""

from __future__ import annotations

from codex_mcp.bridge.mcp_servers.check import check as check_servers
from codex_mcp.bridge.mcp_servers.startup import StartupLog
from codex_mcp.bridge.mcp_servers.states import SETTLED, USABLE
from codex_mcp.cli.arguments import ServeOptions
from codex_mcp.cli.doctor.report import Report
from codex_mcp.engine.home import CodexHome
from codex_mcp.engine.short_lived import short_lived_engine
from codex_mcp.errors import CallerError

_LIMIT = 20.0  # seconds for all of them


async def check(report: Report, options: ServeOptions, home: CodexHome) -> None:
    """Start them as the engine would, in the user's own home: their sign-ins are there. Raises EngineError."""
    try:
        configured = home.read_config().get("mcp_servers")
    except CallerError:  # has been said
        return
    if not configured:
        return
    async with short_lived_engine(options.codex, home, options.engine_overrides) as (link, notifications):
        log = StartupLog()
        notifications.watch(log.hear)
        reports = await check_servers(link, log, home, limit=_LIMIT)
    for server in reports:
        verdict = server.verdict
        fine = verdict.state in USABLE | SETTLED
        tools = f", {len(server.item.get('tools') or ())} tools" if verdict.state in USABLE else ""
        (report.ok if fine else report.note)(
            f"MCP server {server.name}", verdict.state.value + tools, *([] if fine else [verdict.advice])
        )
