"""docs/governance.md: its policy is one, and its commands do what it says."""

from __future__ import annotations

import os
import pathlib
import re
import shlex
import subprocess
import sys

import pytest

PAGE = (pathlib.Path(__file__).parents[2] / "docs" / "governance.md").read_text()
# what `explain` and the others end with
STATUS = {"-- git push": 3, "--path /etc": 1, "tickets/close": 3}


@pytest.mark.requirement("policy:page")
def test_the_page_can_be_followed(tmp_path: pathlib.Path) -> None:
    [policy] = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "policy.toml").write_text(policy)
    (tmp_path / "policy.toml").chmod(0o600)
    (tmp_path / ".local/state/codex-mcp-server/audit").mkdir(parents=True)
    commands = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
    assert len(commands) == 10
    for command in commands:
        words = shlex.split(command.replace("~", str(tmp_path)))
        assert words[0] == "codex-mcp-server"
        environment = {**os.environ, "HOME": str(tmp_path)}
        run = [sys.executable, "-m", "codex_mcp", *words[1:]]
        done = subprocess.run(run, env=environment, capture_output=True, text=True)
        expected = next((status for part, status in STATUS.items() if part in command), 0)
        assert done.returncode == expected, f"{command}: {done.stderr}"
