"""The examples run as their docstrings say."""

from __future__ import annotations

import pathlib
import subprocess
import sys

from tests.support.home import Home

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"


def test_the_conversation_example_prints_the_answer(home: Home) -> None:
    command = [sys.executable, "conversation.py", "--offline", "hello.json", "Hello"]
    done = subprocess.run(
        command,
        cwd=EXAMPLES,
        env=home.environment(),
        capture_output=True,
        text=True,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    assert done.stdout == "Hello! I am the offline model: a script, not a model.\n"
