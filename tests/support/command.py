"""The command `codex-mcp-server` as a user runs it."""

from __future__ import annotations

import subprocess
import sys

from tests.support.home import Home


def run(home: Home, *arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it to its end in the workspace of `home`."""
    return subprocess.run(
        [sys.executable, "-m", "codex_mcp", *arguments],
        input=stdin,
        cwd=home.workspace,
        env=home.environment(**environment),
        capture_output=True,
        text=True,
        check=False,
    )
