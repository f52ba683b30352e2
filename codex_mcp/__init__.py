"""The Codex engine behind MCP and the documented Codex JSON-RPC interface, as one local stdio server.

Start at `codex_mcp.cli` for the command, at `codex_mcp.client` for the typed client.
This module stays empty of imports: it runs before the handshake reply.
"""

__version__ = "0.1.0"
