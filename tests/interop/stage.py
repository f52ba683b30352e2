"""What a client needs to meet the server: a script for the model, a home, a workspace; and how the checks went."""

from __future__ import annotations

import json
import os
import pathlib
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.interop.kit import CACHE
from tests.support.processes import processes_of

# Every client sends these prompts, in any order. The words are such as occur in no instructions of the engine.
SCRIPT: list[Any] = [
    {"when": "interop greet", "steps": [{"say": "Hello from the script.", "pieces": 3}]},
    {"when": "interop again", "steps": [{"say": "Hello again."}]},
    {"when": "interop approve", "steps": [{"run": "touch approved.txt", "ask": "to leave a mark"}]},
    {"when": "interop decline", "steps": [{"run": "touch declined.txt", "ask": "to leave a mark"}]},
    {"when": "interop work", "steps": [{"run": "sleep 1.5"}]},
    {"when": "interop wait", "steps": [{"run": "touch waiting.txt && sleep 300"}]},
    {"when": "interop fail", "steps": [{"fail": 400, "message": "the provider said no"}]},
    *[[{"say": "Done."}] for _ in range(100)],
]


class Stage:
    """`command` starts the server, `environment` is the server's, `workspace` an empty directory."""

    def __init__(self, root: pathlib.Path) -> None:
        self.root = root
        self.home = root / "codex-home"
        self.workspace = root / "workspace"
        self.home.mkdir()
        self.workspace.mkdir()
        script = root / "script.json"
        script.write_text(json.dumps(SCRIPT))
        # the command as it is in people's configurations
        self.command = [str(pathlib.Path(sys.executable).with_name("codex-mcp-server")), "--offline", str(script)]
        self.environment = {"CODEX_HOME": str(self.home), "PATH": os.environ["PATH"], "HOME": str(root)}

    def leftovers(self) -> list[str]:
        """Processes of this stage that are still there a second after they should have gone."""
        end = time.monotonic() + 1.0
        while (found := [" ".join(line) for line in processes_of(self.home).values()]) and time.monotonic() < end:
            time.sleep(0.02)
        return found


@contextmanager
def stage() -> Iterator[Stage]:
    """A new stage; its files are removed afterwards."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="stage-", ignore_cleanup_errors=True) as root:
        yield Stage(pathlib.Path(root))


class Report:
    """Prints a line for every check and counts."""

    def __init__(self) -> None:
        self.passed = 0
        self.failed = 0

    def heading(self, text: str) -> None:
        print(f"\n{text}", flush=True)

    def check(self, what: str, passed: bool, detail: str = "") -> None:
        """`detail` is what was seen."""
        self.passed += passed
        self.failed += not passed
        print(f"{'PASS' if passed else 'FAIL'}  {what}{f': {detail}' if detail else ''}", flush=True)

    def read(self, output: str) -> None:
        """Checks that another program made: a JSON object a line."""
        for line in output.splitlines():
            told = json.loads(line)
            self.check(told["check"], told["passed"], told["detail"])

    def end(self) -> int:
        """Print the counts; the exit status."""
        print(f"\n{self.passed} passed, {self.failed} failed")
        return 1 if self.failed or not self.passed else 0
