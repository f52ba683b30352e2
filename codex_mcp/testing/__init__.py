"""For tests of your own integration: the real server, engine, sandbox and approvals; only the model is scripted.

    # conftest.py
    pytest_plugins = ["codex_mcp.testing.fixtures"]

    # test_my_bot.py
    from codex_mcp.testing import run, say

    def test_my_bot_tells_what_codex_found(offline_codex):
        offline_codex.turn(run("ls"), say("Two files."))
        assert my_bot("How many files are here?") == "Two files."

Without pytest, `OfflineCodex` is a context manager. `Script` writes a script for `codex-mcp-server --offline`, for
tests in other languages.
"""

from codex_mcp.testing.codex import OfflineCodex
from codex_mcp.testing.script import (
    Script,
    break_off,
    call_tool,
    fail,
    patch,
    plan,
    run,
    say,
    think,
    wait,
    write_file,
)

__all__ = [
    "OfflineCodex",
    "Script",
    "break_off",
    "call_tool",
    "fail",
    "patch",
    "plan",
    "run",
    "say",
    "think",
    "wait",
    "write_file",
]
