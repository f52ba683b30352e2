"""What is printed reaches every terminal, and no closed pipe or odd machine ends in a traceback."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.command import run
from tests.support.home import Home

pytestmark = pytest.mark.requirement("command:output")


@pytest.mark.parametrize("arguments", [["schema"], ["doctor", "--codex", "/no/such"], ["help"]])
def test_a_reader_that_leaves_early_is_no_error(home: Home, arguments: list[str]) -> None:
    command = [sys.executable, "-m", "codex_mcp", *arguments]
    with subprocess.Popen(
        command, env=home.environment(), cwd=home.workspace, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""


def test_a_terminal_without_unicode_gets_words_for_the_marks(home: Home) -> None:
    done = run(home, "demo", "--codex", "/no/such", PYTHONIOENCODING="ascii", XDG_CACHE_HOME=str(home.root / "cache"))
    assert "  FAILED the server refused" in done.stdout
    assert "Traceback" not in done.stderr


def test_a_place_that_cannot_be_written_to_is_named(home: Home) -> None:
    done = run(home, "schema", "--out", "/proc/no/such")
    assert done.returncode == 1
    assert done.stderr == "codex-mcp-server: No such file or directory: /proc/no\n"
