"""Other people's clients against this server, on the offline model.

    python -m tests.interop.inspector [--web]     the MCP Inspector: its command line, its web page in a browser
    python -m tests.interop.sdks [NAME …]         client libraries in Python and TypeScript
    python -m tests.interop.claude_code           Claude Code, its model scripted: single runs, and a session

What they need is installed by pip and npm into ~/.cache/codex-mcp-server/interop at the first run. They print a line
for every check and end with status 0 only if all passed. They are not part of the test suite: they need the package
registries, and they test programs that we do not control.
"""
