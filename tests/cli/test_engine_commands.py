"""`login`, `logout`, `engine`: the real engine's own, under this command's name."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from codex_mcp import invocation
from tests.support.command import run
from tests.support.engine_in_use import version
from tests.support.home import Home

KEY = "sk-test-0123456789abcdefghij"


@pytest.fixture
def home(home: Home) -> Home:
    home.configure(provider=False)
    return home


@pytest.mark.requirement("command:login")
def test_an_api_key_from_stdin_signs_in_until_logout(home: Home) -> None:
    assert run(home, "login", "status").returncode == 1
    done = run(home, "login", "--with-api-key", stdin=KEY + "\n")
    assert (done.returncode, done.stdout) == (0, "")
    assert json.loads((home.path / "auth.json").read_text())["OPENAI_API_KEY"] == KEY
    status = run(home, "login", "status")
    assert status.returncode == 0
    assert "API key" in status.stderr
    assert KEY not in status.stderr
    assert run(home, "logout").returncode == 0
    assert not (home.path / "auth.json").exists()


@pytest.mark.requirement("command:login")
@pytest.mark.parametrize("arguments", [["--api-key", KEY], [f"--api-key={KEY}"], ["--api-key"]])
def test_a_key_is_not_taken_from_the_command_line(home: Home, arguments: list[str]) -> None:
    done = run(home, "login", *arguments)
    assert done.returncode == 1
    assert f"{invocation.command('login', '--with-api-key')}`" in done.stderr
    assert KEY not in done.stderr
    assert not (home.path / "auth.json").exists()


@pytest.mark.requirement("command:login")
def test_the_browser_is_sent_to_chatgpt_and_our_own_command_is_named(home: Home) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "codex_mcp", "login"],
        env=home.environment(),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stderr is not None
        said = ""
        for line in process.stderr:
            said += line
            if "login --device-auth" in line:
                break
        subprocess.run(["kill", "--", f"-{process.pid}"], check=True)
    assert re.search(r"https://auth\.openai\.com/oauth/authorize\?\S+", said)
    assert f"`{invocation.command('login')} --device-auth`" in said


@pytest.mark.requirement("command:login")
def test_a_device_code_is_asked_for_where_there_is_no_browser(home: Home) -> None:
    done = run(home, "login", "--device-code", "--experimental_issuer=http://127.0.0.1:9")
    assert done.returncode == 1
    assert "http://127.0.0.1:9/api/accounts/deviceauth/usercode" in done.stderr


@pytest.mark.requirement("command:engine")
def test_the_engine_itself_runs_with_the_arguments_as_they_are(home: Home) -> None:
    done = run(home, "engine", "--version")
    assert done.stdout.split() == ["codex-cli", ".".join(map(str, version()))]
    assert run(home, "engine", "no-such-command", "--x").returncode == 2


@pytest.mark.requirement("command:engine")
@pytest.mark.parametrize(
    "arguments", [["engine", "--codex", "/no/such", "--version"], ["logout", "--codex", "/no/such"]]
)
def test_an_engine_that_is_not_there_is_said_in_a_line(home: Home, arguments: list[str]) -> None:
    done = run(home, *arguments)
    assert done.returncode == 1
    assert done.stderr.startswith("codex-mcp-server: /no/such (from --codex) cannot be run: No such file or directory")
    assert done.stderr.count("\n") == 1
