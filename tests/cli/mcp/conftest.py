"""`codex-mcp-server mcp` as a user runs it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

import pytest

from codex_mcp.cli import main
from tests.support.home import Home


class Ended:
    """A command that has ended."""

    def __init__(self, status: int, stdout: str, stderr: str) -> None:
        self.status = status
        self.stdout = stdout
        self.stderr = stderr

    @property
    def json(self) -> Any:
        """What it printed; of several lines, the last."""
        return json.loads(self.stdout.splitlines()[-1])


class CommandLine:
    """Runs `mcp` in a home. `environment` is added to its own."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.environment: dict[str, str] = {}

    def begin(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "codex_mcp", "mcp", *words],
            cwd=self.home.workspace,
            env=self.home.environment(**self.environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *words: str) -> Ended:
        """In this process: a new one would mostly load Python."""
        stdout, stderr = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(stdout), redirect_stderr(stderr):
            for name in os.environ:
                patch.delenv(name)
            for name, value in self.home.environment(**self.environment).items():
                patch.setenv(name, value)
            patch.chdir(self.home.workspace)
            patch.setattr(sys, "argv", ["codex-mcp-server", "mcp", *words])
            try:
                main()
            except SystemExit as end:
                code = end.code
        if not isinstance(code, int):  # a message, which Python prints before it exits with 1
            stderr.write(f"{code}\n")
            code = 1
        return Ended(code, stdout.getvalue(), stderr.getvalue())


@pytest.fixture
def run(home: Home) -> CommandLine:
    return CommandLine(home)
