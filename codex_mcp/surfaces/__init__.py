"""What a client meets: the handshake with its two dialects, the v1 methods, the MCP methods and tools."""
