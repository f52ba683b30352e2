"""The MCP surface: the tools `codex` and `codex-reply`, as the removed `codex mcp-server` had them, and more."""
