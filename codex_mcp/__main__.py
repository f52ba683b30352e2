"""`python -m codex_mcp` is the command `codex-mcp-server`."""

from codex_mcp.cli import main

if __name__ == "__main__":
    main()
