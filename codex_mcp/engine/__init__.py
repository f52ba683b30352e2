"""The Codex engine (`codex app-server`, protocol v2): found, started, supervised, spoken to.

`locate` finds binaries, `launch` starts a process (light: it runs right after the handshake reply), `link` is the
connection to one process, `supervisor` keeps one alive, `home` is where it lives.
Knows nothing of the v1 interface or of MCP.
"""
