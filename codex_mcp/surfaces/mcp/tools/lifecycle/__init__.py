"""The ten tools of the development cycle: each a module with its arguments, its answer and its handler; what Codex is
told for each job is in `prompts`."""

from __future__ import annotations

from codex_mcp.surfaces.mcp.tools.lifecycle import audit, chat, debug, fix, health, implement, plan, review, sessions

TOOLS = (
    plan.TOOL,
    implement.TOOL,
    review.TOOL,
    fix.TOOL,
    chat.TOOL,
    audit.TOOL,
    debug.TOOL,
    *sessions.TOOLS,
    health.TOOL,
)
