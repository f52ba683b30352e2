"""What an engine is told first, written into its input as soon as it is started: it comes up while this server loads.

Light: `launch` imports this.
"""

from __future__ import annotations

from codex_mcp import __version__
from codex_mcp.wire.codec import encode_request

OPENING_ID = "initialize"
"""Id of the request; those that follow are numbered."""

# Notifications that nothing here reads: the engine need not send them.
_UNREAD = (
    "remoteControl/status/changed",
    "skills/changed",
    "thread/readState/changed",
    "thread/settings/updated",
    "thread/started",
    "thread/status/changed",
)


def opening() -> bytes:
    """The line of the `initialize` request."""
    params = {
        "clientInfo": {"name": "codex-mcp-server", "title": "codex-mcp-server", "version": __version__},
        "capabilities": {"experimentalApi": True, "optOutNotificationMethods": _UNREAD},
    }
    return encode_request(OPENING_ID, "initialize", params, jsonrpc=False)
