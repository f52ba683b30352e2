"""`codex-mcp-server doctor`."""

from __future__ import annotations

import subprocess
import sys

import pytest

from codex_mcp import invocation
from tests.support.home import Home

pytestmark = pytest.mark.requirement("doctor")


def examine(home: Home, *arguments: str) -> tuple[int, dict[str, str]]:
    """Exit status, and the lines by what they are about."""
    ended = subprocess.run(
        [sys.executable, "-m", "codex_mcp", "doctor", *arguments],
        cwd=home.workspace,
        env=home.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stderr == ""
    found = {}
    for line in ended.stdout.splitlines():
        verdict, about = line[:6].strip(), line[6:]
        what, _, detail = about.partition(": ")
        found[what] = f"{verdict} {detail}"
    return ended.returncode, found


def test_a_machine_that_can_work_passes(home: Home) -> None:
    status, found = examine(home, "-s", "read-only", "--tools", "threads")
    assert status == 0
    assert found["configuration"] == f"ok {home.config}"
    assert found["engine"].startswith("ok 0.")
    assert found["account"] == "ok the configured model provider needs no OpenAI account"
    assert found["sandbox"] == "ok commands run in it, and cannot write when they may not"
    assert "codex, codex-reply, codex-threads" in found["MCP"]


def test_a_user_who_is_not_signed_in_is_told_what_to_run(home: Home) -> None:
    home.configure(provider=False)
    status, found = examine(home)
    assert status == 1
    assert found["account"] == f"FAIL not signed in: run `{invocation.command('login')}`, or configure a model provider"


def test_settings_that_engines_refuse_are_shown_with_their_lines(home: Home) -> None:
    home.configure(
        'approval_policy = "untrusted"',
        'profile = "mine"',
        tail='[profiles.mine]\n[mcp_servers.again]\ncommand = "codex-mcp-server"\n',
    )
    _, found = examine(home)
    assert found[f"{home.config}:1"].startswith("note current engines refuse `untrusted`")
    assert "-p NAME" in found[f"{home.config}:2"]
    assert found["mcp_servers.again"].startswith("note runs this server")


def test_a_configuration_that_is_no_toml_fails_with_its_place(home: Home) -> None:
    home.config.write_text("model = \n")
    status, found = examine(home)
    assert status == 1
    assert "line 1" in found["configuration"]


def test_an_engine_that_cannot_be_run_fails(home: Home) -> None:
    status, found = examine(home, "--codex", "/no/such/codex")
    assert status == 1
    assert found["engine"].startswith("FAIL /no/such/codex")
    assert found["server"].startswith("FAIL")
    assert found["MCP"].startswith("ok")
