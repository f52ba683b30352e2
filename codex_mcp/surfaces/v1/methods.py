"""Every request of the documented interface and who serves it."""

from __future__ import annotations

from codex_mcp.surfaces.v1 import account, conversations, settings, utilities
from codex_mcp.surfaces.v1.context import Handler

HANDLERS: dict[str, Handler] = {
    **conversations.HANDLERS,
    **account.HANDLERS,
    **settings.HANDLERS,
    **utilities.HANDLERS,
}
