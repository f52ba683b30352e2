"""`codex-mcp-server`: come up fast, serve until the client is gone.

The order matters. The client's first request is answered by the front desk, which needs almost nothing; then the
engine process is started; then the rest of the server is loaded, while the engine comes up and the client reads.
"""

from __future__ import annotations

import sys

from codex_mcp.policy.places import policy_files
from codex_mcp.surfaces.front_desk import FrontDesk
from codex_mcp.surfaces.handshake import Handshake
from codex_mcp.wire.stdio import claim_stdio

# Clients write `initialize` at once; that long the desk has the interpreter for itself to answer it.
_HEAD_START = 0.02


def serve(arguments: list[str]) -> int:
    """Run the server on stdin and stdout. Returns the exit status."""
    from codex_mcp.cli.arguments import parse_arguments

    options = parse_arguments(arguments)
    if options.prompts is not None:
        from codex_mcp.surfaces.mcp.tools.lifecycle.briefs import check

        check(options.prompts)
    if sys.stdin is not None and sys.stdin.isatty():
        sys.stderr.write(
            "codex-mcp-server waits for a client's messages on its input, one JSON object a line; Ctrl-C ends it.\n"
            "MCP clients start it by themselves once it is registered: see `codex-mcp-server install --help`.\n"
            "`codex-mcp-server demo` shows it at work.\n"
        )
    wire_in, wire_out = claim_stdio()
    policies = policy_files(options.policy)
    handshake = Handshake(options.tool_sets, governed=bool(policies))
    if policies:
        from codex_mcp.policy.offers import offers_of

        handshake.offers = offers_of(policies)
    desk = FrontDesk(handshake, wire_in, wire_out)
    desk.start()
    desk.wait_for_first_answer(_HEAD_START)

    from codex_mcp.engine.recursion import started_by_our_engine

    if started_by_our_engine():
        sys.stderr.write(
            "codex-mcp-server: started as an MCP server by the Codex engine of another codex-mcp-server: it ends here, "
            "since it would start itself for ever. Remove it from the mcp_servers of that configuration.\n"
        )
        return 1
    if options.offline is not None:
        from codex_mcp.cli import offline

        options.overrides[:0] = offline.play(options.offline)

    if options.agent is not None:
        from codex_mcp.cli.agent_room import run_agent_room

        return run_agent_room(options, options.agent, handshake, desk, (wire_in, wire_out), policies)

    from codex_mcp.engine.home import CodexHome
    from codex_mcp.engine.launch import try_start_engine

    home = CodexHome.of_process()
    if options.offline is not None:
        home = offline.home_apart(home)
    # under a policy it is started once it can be held to it
    engine = None if policies else try_start_engine(options.codex, home, options.engine_overrides)

    from codex_mcp.cli.room import run_room

    return run_room(options, home, handshake, desk, engine, (wire_in, wire_out), policies)
