"""What others test their integrations with."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

import pytest

from codex_mcp.client import TurnFailed, start_client
from codex_mcp.offline import load_script
from codex_mcp.protocol import events as ev
from codex_mcp.testing import OfflineCodex, Script, break_off, call_tool, fail, plan, run, say, think, wait, write_file
from tests.support.home import Home
from tests.support.node import EXAMPLES
from tests.support.server import of, turn, types


@pytest.mark.requirement("testing:fixtures")
@pytest.mark.slow
def test_the_example_passes_as_it_stands_and_leaves_nothing_behind(home: Home) -> None:
    cache = home.root / "cache"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    environment = home.environment(XDG_CACHE_HOME=str(cache), PYTHONDONTWRITEBYTECODE="1")
    done = subprocess.run(command, cwd=EXAMPLES / "testing", env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout
    assert list((cache / "codex-mcp-server").iterdir()) == []


@pytest.mark.requirement("testing:script")
async def test_a_turn_is_played_step_by_step(playground: pathlib.Path) -> None:
    with OfflineCodex(playground / "steps") as codex:
        codex.turn(
            think("Hm."), plan("Look", "Write", done=1), run("echo hi"), write_file("a.txt", "a\nb"), say("Done.")
        )
        codex.turn(say("For plums."), when="plum")
        codex.turn(fail(400, "no such luck"))
        codex.turn(break_off())
        async with codex.client("-a", "never", "-s", "workspace-write") as client:
            conversation = await client.new_conversation()
            events = await turn(conversation, "go")
            assert [(step.step, step.status) for step in of(events, ev.PlanUpdate)[0].plan] == [
                ("Look", "completed"),
                ("Write", "in_progress"),
            ]
            assert of(events, ev.AgentReasoning)[0].text == "Hm."
            assert of(events, ev.ExecCommandEnd)[0].stdout == "hi\n"
            assert (codex.workspace / "a.txt").read_text() == "a\nb\n"
            assert events[-1].last_agent_message == "Done."
            assert of(await turn(conversation, "something"), ev.ErrorEvent)[0].message.count("no such luck")
            assert await conversation.ask("a plum") == "For plums."
            assert "error" in types(await turn(conversation, "break"))
            with pytest.raises(TurnFailed, match="no reply left"):
                await conversation.ask("more than was scripted")
        assert len(codex.requests) >= 6
    assert not (playground / "steps").exists()


@pytest.mark.requirement("testing:script")
def test_a_script_for_the_command_line_means_the_same(tmp_path: pathlib.Path) -> None:
    script = (
        Script().turn(run(["ls"], ask="look"), call_tool("s", "t", a=1)).turn(wait(0.5), say("x", pieces=2), when="w")
    )
    script.save(tmp_path / "script.json")
    assert load_script(str(tmp_path / "script.json")) == script.replies
    assert [len(reply["steps"]) for reply in json.loads((tmp_path / "script.json").read_text())] == [1, 1, 0, 2]


@pytest.mark.requirement("testing:fixtures")
async def test_programs_that_know_nothing_of_the_test_find_its_codex(
    playground: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with OfflineCodex(playground / "found") as codex:
        for name, value in codex.environment.items():
            monkeypatch.setenv(name, value)
        codex.turn(say("Here."))
        assert os.environ["CODEX_HOME"] == str(codex.home)
        async with start_client(command=["codex-mcp-server"], cwd=codex.workspace) as client:
            assert await (await client.new_conversation()).ask("Where?") == "Here."
