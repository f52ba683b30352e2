"""What the command line takes, and what it says of what it does not."""

from __future__ import annotations

import json
import os
import pathlib
import pty
import subprocess
import sys
from typing import Any

import pytest

from codex_mcp.cli.arguments import parse_arguments
from codex_mcp.cli.commands import COMMANDS
from codex_mcp.offline import OfflineModel
from tests.support.command import run
from tests.support.home import Home
from tests.support.raw import INITIALIZE, RawServer

# every option of `codex` 0.153.4 that it took together with the word `mcp-server`
NATIVE = [
    ["-c", "a=1"],
    ["--config", "a=1"],
    ["--enable", "x"],
    ["--disable", "x"],
    ["--strict-config"],
    ["--image=/x.png"],
    ["-m", "m"],
    ["--model", "m"],
    ["--oss"],
    ["--oss", "--local-provider", "lmstudio"],
    ["--local-provider", "ollama"],
    ["-p", "mine"],
    ["--profile", "mine"],
    ["-s", "read-only"],
    ["--sandbox", "read-only"],
    ["--approve-for-me"],
    ["--dangerously-bypass-approvals-and-sandbox"],
    ["--yolo"],
    ["--dangerously-bypass-hook-trust"],
    ["-C", "/"],
    ["--cd", "/"],
    ["--add-dir", "/x"],
    ["-a", "never"],
    ["--ask-for-approval", "on-request"],
    ["--search"],
    ["--no-alt-screen"],
    ["--remote", "ws://x"],
    ["--remote-auth-token-env", "X"],
]
IGNORED = {
    "--image=/x.png",
    "--local-provider",
    "--no-alt-screen",
    "--remote",
    "--remote-auth-token-env",
    "--dangerously-bypass-hook-trust",
}


@pytest.mark.requirement("command:native-flags")
@pytest.mark.parametrize("place", ["before", "after"])
@pytest.mark.parametrize("flags", NATIVE, ids=" ".join)
def test_every_option_of_the_native_command_is_taken(
    flags: list[str], place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    parse_arguments([*flags, "mcp-server"] if place == "before" else ["mcp-server", *flags])
    said = capsys.readouterr().err
    assert ("it is ignored" in said) is (flags[0] in IGNORED)
    assert said.count("\n") == (flags[0] in IGNORED)


def conversation(home: Home, *flags: str) -> Any:
    """Begin one and say something; the settings of the turn, as the engine kept them."""
    with RawServer(home, *flags) as server:
        server.say(server.begin_conversation())
        server.event("task_complete")
        assert server.end() == 0
    (rollout,) = home.path.glob("sessions/**/rollout-*.jsonl")
    items = [json.loads(line) for line in rollout.read_text().splitlines()]
    (settings,) = [item["payload"] for item in items if item["type"] == "turn_context"]
    return settings


def new_conversation(home: Home, *flags: str) -> Any:
    """The answer to `newConversation`."""
    with RawServer(home, *flags) as server:
        server.send(INITIALIZE, {"id": 2, "method": "newConversation", "params": {}})
        return server.answer(2)


@pytest.mark.requirement("command:native-flags")
@pytest.mark.parametrize("flag", ["--yolo", "--dangerously-bypass-approvals-and-sandbox"])
def test_the_sandbox_and_the_questions_can_be_switched_off_as_before(home: Home, flag: str) -> None:
    settings = conversation(home, "mcp-server", flag)
    assert settings["approval_policy"] == "never"
    assert settings["sandbox_policy"]["type"] == "danger-full-access"


@pytest.mark.requirement("command:native-flags")
def test_added_directories_are_writable_beside_those_of_the_configuration(home: Home) -> None:
    home.configure(tail='[sandbox_workspace_write]\nwritable_roots = ["/opt"]\n')
    settings = conversation(home, "-s", "workspace-write", "--add-dir", "../beside", "mcp-server")
    assert settings["sandbox_policy"]["writable_roots"] == ["/opt", str(home.root / "beside")]


@pytest.mark.requirement("command:native-flags")
def test_search_lets_the_model_search_the_live_web(home: Home, model: OfflineModel) -> None:
    conversation(home, "--search")
    with RawServer(home) as server:
        server.say(server.begin_conversation())
        server.event("task_complete")
    live, plain = (
        [tool.get("external_web_access") for tool in request["tools"] if tool["type"] == "web_search"]
        for request in model.requests
    )
    assert live == [True]
    assert plain != [True]


@pytest.mark.requirement("command:native-flags")
@pytest.mark.parametrize(
    ("flags", "provider", "wanted"),
    [
        (["--oss"], "ollama", "gpt-oss:20b"),
        (["--oss", "--local-provider", "lmstudio"], "lmstudio", "openai/gpt-oss-20b"),
        (["--oss", "-m", "mine"], "ollama", "mine"),
    ],
)
def test_local_models_are_asked_through_their_provider(
    home: Home, flags: list[str], provider: str, wanted: str
) -> None:
    assert new_conversation(home, *flags)["result"]["model"] == wanted
    assert parse_arguments(flags).overrides[0] == f'model_provider="{provider}"'


@pytest.mark.requirement("command:strict-config")
def test_a_strict_configuration_names_the_setting_that_nobody_knows(home: Home) -> None:
    home.configure('sandbx_mode = "read-only"')
    message = new_conversation(home, "--strict-config")["error"]["message"]
    assert "unknown configuration field `sandbx_mode`" in message
    assert "<unknown>" not in message


def test_a_strict_configuration_without_mistakes_serves(home: Home) -> None:
    assert "conversationId" in new_conversation(home, "--strict-config")["result"]


@pytest.mark.requirement("command:profile-file")
def test_a_profile_is_a_table_or_a_file_of_its_own(home: Home) -> None:
    (home.path / "careful.config.toml").write_text('model_reasoning_effort = "high"\n')
    assert new_conversation(home, "-p", "careful")["result"]["reasoningEffort"] == "high"


@pytest.mark.requirement("command:usage")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["doctr"], "there is no command `doctr`; did you mean `doctor`?"),
        (["--codex", "/x", "doctor"], "`doctor` has to come first: codex-mcp-server doctor --codex /x"),
        (["-c", "model"], "-c takes KEY=VALUE, not model"),
        (["--no-such-thing"], "unrecognized arguments: --no-such-thing"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(home: Home, arguments: list[str], said: str) -> None:
    done = run(home, *arguments)
    assert done.returncode == 2
    assert done.stderr == f"usage: codex-mcp-server [options]\ncodex-mcp-server: error: {said}\n"


@pytest.mark.requirement("command:usage")
@pytest.mark.parametrize("arguments", [["help"], ["--help"]])
def test_the_help_has_every_command_and_a_text_for_every_option(home: Home, arguments: list[str]) -> None:
    done = run(home, *arguments)
    assert done.returncode == 0
    for name, (_, purpose) in COMMANDS.items():
        assert f"  {name} " in done.stdout
        assert purpose in done.stdout
    lines = done.stdout.splitlines()
    for number, line in enumerate(lines):
        if line.startswith("  -") and "  " not in line[2:].strip():  # the text is on the next line
            assert lines[number + 1].startswith(" " * 20), line


@pytest.mark.requirement("command:usage")
@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "engine"])
def test_every_command_has_a_help_of_its_own(home: Home, name: str) -> None:
    done = run(home, name, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"usage: codex-mcp-server {name}")


@pytest.mark.requirement("command:usage")
def test_help_of_a_command_is_its_own_help(home: Home) -> None:
    assert run(home, "help", "login").stdout == run(home, "login", "--help").stdout


@pytest.mark.requirement("command:usage")
def test_started_by_hand_it_says_what_it_waits_for(home: Home) -> None:
    ours, its = pty.openpty()
    command = [sys.executable, "-m", "codex_mcp"]
    with subprocess.Popen(
        command, stdin=its, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=home.environment()
    ) as process:
        os.close(its)
        assert process.stderr is not None
        assert process.stderr.readline().startswith(b"codex-mcp-server waits for a client's messages")
        process.terminate()
    os.close(ours)


def test_a_home_sign_in_a_path_is_the_user_s_home() -> None:
    assert parse_arguments(["-C", "~/project"]).cwd == str(pathlib.Path.home() / "project")
