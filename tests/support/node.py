"""Node and what npm installed for the examples."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

from tests.support.home import Home

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")


def npm_tool(example: str, name: str) -> str:
    """The path of a development tool of an example; skips the test if `npm ci` was not run there (CI does)."""
    tool = EXAMPLES / example / "node_modules" / ".bin" / name
    if not tool.exists():
        pytest.skip(f"{name} is not there: run `npm ci` in examples/{example}")
    return str(tool)


def with_server_on_path(home: Home) -> dict[str, str]:
    """The environment of a program that starts `codex-mcp-server` by name."""
    scripts = str(pathlib.Path(sys.executable).parent)
    return home.environment(PATH=os.pathsep.join([scripts, os.environ["PATH"]]))


def run(command: list[str], cwd: pathlib.Path, env: dict[str, str] | None = None, input: str = "") -> str:
    """What a program prints; a failure of it shows everything that it wrote."""
    done = subprocess.run(command, cwd=cwd, env=env, input=input, capture_output=True, text=True, timeout=50)
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.stdout
