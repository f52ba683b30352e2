"""The examples in Python run as their docstrings say, on the real engine with a scripted model."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys

import pytest

from codex_mcp.offline import OfflineModel
from codex_mcp.testing import Script, run, say
from codex_mcp.wire.messages import JsonObject
from tests.support.home import Home
from tests.support.node import EXAMPLES, with_server_on_path

HELLO = "Hello! I am the offline model: a script, not a model.\n"


def play(home: Home, example: str, *arguments: str, script: Script | None = None, input: str = "") -> str:
    """What an example prints in the workspace, with a script for the model."""
    path = EXAMPLES / "hello.json"
    if script is not None:
        path = home.root / "script.json"
        script.save(path)
    command = [sys.executable, str(EXAMPLES / example), *arguments, "--offline", str(path)]
    done = subprocess.run(
        command, cwd=home.workspace, env=with_server_on_path(home), capture_output=True, text=True, input=input
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.requirement("examples:python")
@pytest.mark.parametrize("example", ["conversation.py", "plain.py"])
def test_the_answer_is_printed_as_it_streams(home: Home, example: str) -> None:
    assert play(home, example, "Hello") == HELLO


@pytest.mark.requirement("examples:python")
def test_without_a_library_what_is_asked_is_denied(home: Home) -> None:
    script = Script().turn(run("touch made", ask="to make it"), say("Not made."))
    assert play(home, "plain.py", "go", script=script).splitlines()[-1] == "Not made."
    assert not (home.workspace / "made").exists()


@pytest.mark.requirement("examples:mcp-sdk")
@pytest.mark.parametrize(("answer", "made"), [("y\n", True), ("n\n", False)])
def test_the_sdk_puts_a_command_to_the_user(home: Home, answer: str, made: bool) -> None:
    script = Script().turn(run("touch ../made", ask="to make it"), say("Tried.")).turn(say("That was all."))
    shown = play(home, "mcp_sdk.py", "go", script=script, input=answer)
    assert "touch ../made" in shown
    assert shown.splitlines()[-1] == "That was all."
    assert (home.root / "made").exists() is made
    assert ("denied: " in shown) is not made


class Branch:
    """A repository with a branch that changes something."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self._git("init", "-q", "-b", "main")
        self._commit("old line\n")
        self._git("checkout", "-q", "-b", "feature")
        self._commit("new line\n")

    def _commit(self, text: str) -> None:
        (self.home.workspace / "file.txt").write_text(text)
        self._git("add", ".")
        self._git("-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "change")

    def _git(self, *arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=self.home.workspace, check=True)

    def review(self, *replies: JsonObject | list[JsonObject]) -> subprocess.CompletedProcess[str]:
        script = self.home.root / "script.json"
        script.write_text(json.dumps(replies))
        summary = str(self.home.root / "summary.md")
        return subprocess.run(
            [sys.executable, str(EXAMPLES / "review" / "review.py"), "main", "--", "--offline", str(script)],
            cwd=self.home.workspace,
            env=self.home.environment(GITHUB_STEP_SUMMARY=summary),
            capture_output=True,
            text=True,
        )

    @property
    def summary(self) -> str:
        return pathlib.Path(self.home.root / "summary.md").read_text()


@pytest.fixture
def branch(home: Home) -> Branch:
    return Branch(home)


LOOK: list[JsonObject] = [{"run": "git diff main...HEAD && ! touch made"}]
# said only if the diff was what the command printed
SAID = {"when": "+new line", "steps": [{"say": "- file.txt:1 is wrong\n\nVERDICT: BLOCKED"}]}


@pytest.mark.requirement("examples:review")
def test_a_review_sees_the_diff_writes_nothing_and_blocks(branch: Branch) -> None:
    done = branch.review(LOOK, SAID)
    assert (done.returncode, done.stdout) == (1, "- file.txt:1 is wrong\n\nVERDICT: BLOCKED\n"), done.stderr
    assert branch.summary == done.stdout
    assert not (branch.home.workspace / "made").exists()


@pytest.mark.requirement("examples:review")
def test_a_review_may_pass_and_a_failure_is_no_pass(branch: Branch) -> None:
    assert branch.review([{"say": "Nothing.\n\nVERDICT: OK"}]).returncode == 0
    failed = branch.review([{"fail": 400, "message": "no credit left"}])
    assert failed.returncode == 2
    assert "no credit left" in failed.stderr


@pytest.mark.requirement("examples:subagent")
def test_the_subagent_has_the_tools_that_its_server_has(home: Home, model: OfflineModel) -> None:
    folder = EXAMPLES / "claude-code"
    entry = json.loads((folder / ".mcp.json").read_text())["mcpServers"]["codex"]
    _, front, _ = (folder / ".claude" / "agents" / "codex.md").read_text().split("---\n", 2)
    fields = dict(line.split(": ", 1) for line in front.splitlines())
    handshake = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    messages: list[JsonObject] = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": handshake},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
    ]
    command = [str(pathlib.Path(sys.executable).parent / entry["command"]), *entry["args"]]
    lines = "".join(json.dumps(message) + "\n" for message in messages)
    told = subprocess.run(
        command, input=lines, capture_output=True, text=True, env=home.environment(), cwd=home.workspace, check=True
    )
    tools = json.loads(told.stdout.splitlines()[1])["result"]["tools"]
    assert fields["tools"].split(", ") == [f"mcp__codex__{tool['name']}" for tool in tools]
