"""The MCP servers that the engine is a client of: how they are configured, in which state they are, what to do."""
