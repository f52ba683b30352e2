"""The subcommands: what they are called, where they are, and what they are for."""

from __future__ import annotations

COMMANDS = {
    "install": ("codex_mcp.cli.install:install", "register the server in Claude Code, Cursor, VS Code and others"),
    "login": ("codex_mcp.cli.engine_commands:login", "sign in: with ChatGPT, a device code or an API key"),
    "logout": ("codex_mcp.cli.engine_commands:logout", "sign out"),
    "mcp": ("codex_mcp.cli.mcp:mcp", "the MCP servers that Codex uses: add, sign in, see their states"),
    "doctor": ("codex_mcp.cli.doctor:doctor", "say what works here, and what to do about the rest"),
    "demo": ("codex_mcp.cli.demo:demo", "show a whole conversation, without an account"),
    "chat": ("codex_mcp.cli.chat:chat", "talk with Codex in the terminal"),
    "http": ("codex_mcp.cli.http:http", "serve many clients over HTTP"),
    "tokens": ("codex_mcp.cli.tokens:tokens", "make, list and revoke the tokens that let clients in over HTTP"),
    "agents": ("codex_mcp.cli.agents:agents", "agents with a workspace, a box and limits of their own"),
    "inventory": ("codex_mcp.cli.inventory:inventory", "plugins, marketplaces, hooks, servers; what of them changed"),
    "policy": ("codex_mcp.cli.policy:policy", "check and explain a policy file"),
    "audit": ("codex_mcp.cli.audit:audit", "check and read the trail of what was done"),
    "schema": ("codex_mcp.cli.schema:schema", "print the interface as JSON Schema"),
    "engine": ("codex_mcp.cli.engine_commands:engine", "run the Codex engine itself with the arguments that follow"),
}
"""Each subcommand's function, as `module:name`, and what it is for. They are imported when they are called."""
