pytest_plugins = ["codex_mcp.testing.fixtures"]
