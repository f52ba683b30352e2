"""examples/node against the real engine, with a scripted model."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from codex_mcp.protocol import typescript
from tests.support.home import Home
from tests.support.node import EXAMPLES, needs_node, npm_tool, run, with_server_on_path

CHAT = str(EXAMPLES / "node" / "chat.mjs")
PATCH = "*** Begin Patch\n*** Add File: added.txt\n+new\n*** End Patch\n"


def play(home: Home, *replies: object, answers: str = "") -> str:
    script = home.root / "script.json"
    script.write_text(json.dumps(replies))
    return run(["node", CHAT, "--offline", str(script), "go"], home.workspace, with_server_on_path(home), answers)


@needs_node
@pytest.mark.requirement("examples:node")
def test_a_conversation_is_shown_and_an_approval_answered(home: Home) -> None:
    shown = play(
        home,
        [{"plan": [{"step": "Look", "status": "completed"}]}],
        [{"say": "I\u2028look.", "pieces": 3}, {"run": "echo hi > ../made.txt; echo shown", "ask": "to show it"}],
        [{"patch": PATCH}],
        [{"say": "Done."}],
        answers="y\n",
    )
    assert (home.root / "made.txt").read_text() == "hi\n"
    assert (home.workspace / "added.txt").read_text() == "new\n"
    for part in ("✓ Look", "I\u2028look.", "because: to show it", "[y/N] ", "shown\n", "changed\n", "Done.\n"):
        assert part in shown


@needs_node
@pytest.mark.requirement("examples:node")
@pytest.mark.parametrize("answers", ["n\n", ""], ids=["no", "nobody there"])
def test_what_is_not_approved_is_not_done(home: Home, answers: str) -> None:
    shown = play(home, [{"run": "echo hi > ../made.txt", "ask": "outside"}], [{"say": "Not done."}], answers=answers)
    assert not (home.root / "made.txt").exists()
    assert "Not done." in shown


@needs_node
def test_a_server_that_does_not_start_is_named(home: Home) -> None:
    command = [str(shutil.which("node")), CHAT, "go"]
    done = subprocess.run(command, env=home.environment(PATH="/nowhere"), capture_output=True, text=True)
    assert done.returncode == 1
    assert "codex-mcp-server cannot be started" in done.stderr


@needs_node
@pytest.mark.requirement("examples:node")
@pytest.mark.slow
def test_it_is_typed() -> None:
    tsc = npm_tool("node", "tsc")
    (EXAMPLES / "node" / "codex-interface.d.ts").write_text(typescript.render())
    run([tsc, "-p", "."], EXAMPLES / "node")
