"""Framing and JSON-RPC over byte streams. Knows nothing of Codex, MCP or any method name.

`codec` and `framing` turn bytes into messages and back, `stdio` claims the process's own descriptors,
`fd_streams` reads and writes descriptors on threads, `peer` is one side of a connection.
"""
