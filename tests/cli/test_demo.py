"""The demo: a whole conversation, checked."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys

import anyio
import pytest

from codex_mcp import invocation
from codex_mcp.cli.demo import has_ended, is_running
from tests.support.home import Home
from tests.support.scripted_engine import ScriptedEngine


def demo(home: Home, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "codex_mcp", "demo", *arguments]
    environment = home.environment(XDG_CACHE_HOME=str(home.root / "cache"))
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


@pytest.mark.requirement("demo")
@pytest.mark.parametrize("dialect", [[], ["--mcp"]], ids=["app-server", "mcp"])
def test_every_step_of_the_demo_really_happens(home: Home, dialect: list[str]) -> None:
    done = demo(home, *dialect)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "✗" not in done.stdout
    assert "refused by the sandbox" in done.stdout
    assert "\033[" not in done.stdout  # plain, as it is no terminal
    assert not (home.root / "cache").exists()


@pytest.mark.requirement("demo:json")
@pytest.mark.slow
def test_the_demo_shows_the_raw_wire_as_json_lines(home: Home) -> None:
    done = demo(home, "--json")
    assert done.returncode == 0, done.stderr
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    assert {message["dir"] for message in messages} == {"<", ">"}
    methods = [message["msg"].get("method") for message in messages]
    for method in (
        "initialize",
        "newConversation",
        "execCommandApproval",
        "applyPatchApproval",
        "interruptConversation",
    ):
        assert method in methods


@pytest.mark.requirement("demo:fails")
def test_a_step_that_did_not_happen_fails_the_demo(home: Home) -> None:
    engine = ScriptedEngine(home.root)
    done = demo(home, "--codex", str(engine.path))
    assert done.returncode == 1
    assert "✗" in done.stdout
    assert "demo failed" in done.stderr


@pytest.mark.requirement("demo:anywhere")
def test_a_home_that_commands_may_write_to_is_not_where_the_sandbox_is_tried(
    home: Home, tmp_path: pathlib.Path
) -> None:
    environment = {**home.environment(), "HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-m", "codex_mcp", "demo"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "✓ the sandbox kept it from writing outside" in done.stdout


@pytest.mark.slow
@pytest.mark.requirement("demo:fails")
def test_a_sandbox_in_which_nothing_ran_has_kept_nothing_from_anything(home: Home) -> None:
    script = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'
    without = ["unshare", "-Ur", "sh", "-c", script, "sh"]
    if subprocess.run([*without, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no user namespace can be made here to switch them off in")
    command = [*without, sys.executable, "-m", "codex_mcp", "demo"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=home.environment())
    assert done.returncode == 1
    assert "✓ the sandbox kept it from writing outside" not in done.stdout
    assert "✗" in done.stdout
    assert f"`{invocation.command('doctor')}` says what is missing here." in done.stderr


@pytest.mark.requirement("demo:fails")
def test_without_an_engine_the_demo_says_what_to_install(home: Home) -> None:
    done = demo(home, "--codex", str(pathlib.Path("/no/such/codex")))
    assert done.returncode == 1
    assert "-m pip install openai-codex-cli-bin" in done.stderr


@pytest.mark.requirement("demo")
async def test_a_command_may_take_a_moment_to_die(tmp_path: pathlib.Path) -> None:
    command = ["sleep", "61.5"]
    with subprocess.Popen(command, cwd=tmp_path) as process:
        while not is_running("sleep 61.5", tmp_path):  # it has no command line at first
            await anyio.lowlevel.checkpoint()
        assert not await has_ended("sleep 61.5", tmp_path, seconds=0.05)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(anyio.to_thread.run_sync, process.kill)
            assert await has_ended("sleep 61.5", tmp_path)
