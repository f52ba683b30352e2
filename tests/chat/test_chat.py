"""The chat in the terminal: in a real one, and by pipes."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pexpect
import pytest

from codex_mcp.chat.screen import visible
from tests.support.home import Home

CHAT = [sys.executable, "-m", "codex_mcp", "chat"]
ASK = ["-s", "workspace-write", "-a", "on-request"]
ESC = "\x1b"


@pytest.fixture
def script(home: Home) -> Callable[..., list[str]]:
    def write(*replies: list[dict[str, Any]]) -> list[str]:
        path = home.root / "script.json"
        path.write_text(json.dumps(replies))
        return ["--offline", str(path)]

    return write


def plain(home: Home, arguments: list[str], typed: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*CHAT, "--plain", *arguments],
        input=typed,
        capture_output=True,
        text=True,
        cwd=home.workspace,
        env=home.environment(),
        check=False,
    )


def terminal(home: Home, arguments: list[str]) -> pexpect.spawn[str]:
    """The chat in a terminal of 60 columns."""
    return pexpect.spawn(
        CHAT[0],
        [*CHAT[1:], *arguments],
        cwd=str(home.workspace),
        env=home.environment(TERM="xterm-256color", XDG_STATE_HOME=str(home.root)),
        encoding="utf-8",
        dimensions=(40, 60),
        timeout=30,
    )


def shown(text: str) -> str:
    """What is to be read of what a terminal got."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\r", "", text)


@pytest.mark.requirement("chat:plain")
def test_by_pipes_a_conversation_is_words_alone(home: Home, script: Callable[..., list[str]]) -> None:
    outside = home.root / "outside"
    arguments = script(
        [{"say": "Hello, *you*", "pieces": 3}],
        [{"run": f"touch {outside}", "ask": "needed"}],
        [{"say": "made it"}],
        [{"run": f"rm {outside}", "ask": "needed"}],
        [{"say": "left it"}],
    )
    done = plain(home, [*arguments, *ASK], "hi\nmake it\ny\nremove it\nn\n/quit\n")
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    assert "Hello, *you*" in done.stdout
    assert f"Codex wants to run:\n  touch {outside}\n" in done.stdout
    assert "because: needed" in done.stdout
    assert "made it" in done.stdout
    assert "left it" in done.stdout
    assert outside.exists()


@pytest.mark.requirement("chat:plain")
def test_the_end_of_the_input_denies_what_is_asked(home: Home, script: Callable[..., list[str]]) -> None:
    outside = home.root / "outside"
    done = plain(home, [*script([{"run": f"touch {outside}", "ask": "needed"}], [{"say": "x"}]), *ASK], "make it\n")
    assert done.returncode == 0, done.stderr
    assert not outside.exists()


@pytest.mark.requirement("chat:terminal")
def test_in_a_terminal_a_key_decides_and_esc_stops(home: Home, script: Callable[..., list[str]]) -> None:
    outside = home.root / "outside"
    patch = "*** Begin Patch\n*** Add File: new.txt\n+one\n*** End Patch\n"
    arguments = script(
        [{"run": f"touch {outside}", "ask": "needed"}],
        [{"plan": [{"step": "look", "status": "completed"}]}, {"patch": patch}],
        [{"say": "# Title\n\nall **done**"}],
        [{"run": "sleep 600"}],
    )
    chat = terminal(home, [*arguments, *ASK])
    chat.expect("›")
    chat.send("make it\r")
    chat.expect(r"\[s\]")
    assert not outside.exists()
    chat.send("y")
    chat.expect("look")
    chat.expect(r"\+one")
    chat.expect("done")
    chat.expect("›")
    assert outside.exists()
    assert "# Title" not in shown(chat.before or "")
    chat.send("wait\r")
    chat.expect("sleep 600")
    chat.send(ESC)
    chat.expect("stopped")
    chat.expect("›")
    chat.send("/status\r")
    chat.expect("conversation: [0-9a-f-]{36}")
    chat.expect("tokens: ")
    chat.expect("›")
    chat.sendcontrol("d")
    chat.expect(pexpect.EOF)
    chat.wait()
    assert chat.exitstatus == 0


@pytest.mark.requirement("chat:commands")
def test_conversations_are_resumed_and_settings_changed(home: Home, script: Callable[..., list[str]]) -> None:
    arguments = script([{"say": "the first answer"}], [{"say": "x"}], [{"run": "touch inside"}], [{"say": "tried"}])
    typed = (
        "hello\n/status\n/new\nsecond\n/sandbox read-only\n/approvals never\nwrite\n/nonsense\n/model nothing\n/quit\n"
    )
    first = plain(home, arguments, typed)
    assert first.returncode == 0, first.stderr
    assert not (home.workspace / "inside").exists()
    assert "there is no /nonsense" in first.stdout
    assert "there is no model 'nothing'" in first.stdout
    [id] = re.findall(r"conversation: ([0-9a-f-]{36})", first.stdout)
    again = plain(home, script([{"say": "the second answer"}]), f"/resume {id}\ngo on\n/quit\n")
    assert again.returncode == 0, again.stderr
    assert again.stdout.index("the first answer") < again.stdout.index("the second answer")


@pytest.mark.requirement("chat:commands")
def test_a_server_that_does_not_start_is_said(home: Home) -> None:
    failed = plain(home, ["--offline", str(home.root / "missing.json")], "hi\n")
    assert failed.returncode == 1
    assert "missing.json" in failed.stdout + failed.stderr
    assert "Traceback" not in failed.stderr


@pytest.mark.requirement("chat:controls")
def test_what_a_model_writes_never_steers_the_terminal(
    home: Home, script: Callable[..., list[str]], tmp_path: pathlib.Path
) -> None:
    evil = "\x1b]0;owned\x07 \x1b[2J \u202egnp.exe \u2066x"
    assert visible(evil).isprintable()
    assert visible("rm\u200b -rf\ufeff /\xad\u2060") == "rm\\x200b -rf\\xfeff /\\xad\\x2060"
    assert visible("line\n\tcaf\u00e9") == "line\n\tcaf\u00e9"
    done = plain(home, script([{"say": evil}]), "hi\n/quit\n")
    assert "\x1b" not in done.stdout
    assert "\\x1b" in done.stdout
    assert "\u202e" not in done.stdout
