"""`mcp list`, `get`, `add`, `remove`, `enable`, `disable`."""

from __future__ import annotations

import os
import sys
import tomllib

import pytest

from tests.cli.mcp.conftest import CommandLine

URL = "https://hosted.example/mcp"


def configured(run: CommandLine) -> dict[str, object]:
    servers: dict[str, object] = tomllib.loads(run.home.config.read_text()).get("mcp_servers", {})
    return servers


@pytest.mark.requirement("servers:commands:configure")
def test_a_server_is_added_switched_off_and_removed_and_comments_stay(run: CommandLine) -> None:
    run.home.config.write_text(
        "# first\n" + run.home.config.read_text() + "[mcp_servers.kept] # why\ncommand = 'false'\n"
    )
    before = run.home.config.read_text()
    added = run(
        "add", "alloy", "--url", URL, "--env-header", "X-MCP-API-Key=ALLOY_KEY", "--scopes", "a,b", "--no-check"
    )
    assert (added.status, added.stderr) == (0, "")
    assert configured(run)["alloy"] == {
        "url": URL,
        "env_http_headers": {"X-MCP-API-Key": "ALLOY_KEY"},
        "scopes": ["a", "b"],
    }
    assert run("disable", "alloy").status == 0
    assert configured(run)["alloy"]["enabled"] is False  # type: ignore[index]
    listed = run("list", "--json").json["servers"]
    assert [(server["name"], server["enabled"], server["auth"]) for server in listed] == [
        ("alloy", False, "header"),
        ("kept", True, "none"),
    ]
    assert run("enable", "alloy").status == 0
    assert run("get", "alloy", "--json").json["enabled"] is True
    assert run("remove", "alloy").stdout == "removed alloy\n"
    assert run.home.config.read_text().rstrip() == before.rstrip()


@pytest.mark.requirement("servers:commands:configure")
def test_a_command_is_added_with_its_arguments(run: CommandLine) -> None:
    assert run("add", "tools", "--env", "A=1", "--no-check", "--", sys.executable, "-m", "x", "--json").status == 0
    assert configured(run)["tools"] == {"command": sys.executable, "args": ["-m", "x", "--json"], "env": {"A": "1"}}


@pytest.mark.requirement("servers:commands:configure")
def test_adding_says_the_state_and_the_next_command(run: CommandLine) -> None:
    added = run("add", "gone", "--", "/no/such/command")
    assert added.status == 0
    assert added.stdout.startswith("added gone: command_not_found: its command cannot be run")


@pytest.mark.requirement("servers:commands:duplicate")
def test_a_name_that_is_taken_is_refused_unless_it_is_to_be_replaced(run: CommandLine) -> None:
    assert run("add", "alloy", "--url", URL, "--bearer-token-env-var", "KEY", "--no-check").status == 0
    again = run("add", "alloy", "--url", "https://other.example", "--no-check", "--json")
    assert again.status == 1
    assert again.json["error"]["code"] == "duplicate_server"
    assert configured(run)["alloy"] == {"url": URL, "bearer_token_env_var": "KEY"}
    assert run("add", "alloy", "--url", "https://other.example", "--replace", "--no-check").status == 0
    assert configured(run)["alloy"] == {"url": "https://other.example"}


KEY = "sk-abcdefgh1234567890"


@pytest.mark.requirement("servers:commands:bad-input")
@pytest.mark.parametrize(
    "words",
    [
        ("my server", "--url", URL),
        ("a.b", "--url", URL),
        ("../x", "--url", URL),
        ("x" * 65, "--url", URL),
        ("a", "--url", "not a url"),
        ("a", "--url", "ftp://x/y"),
        ("a", "--url", "https://"),
        ("a", "--url", f"https://me:{KEY}@hosted.example"),
        ("a", "--url", "http://x:99999/"),
        ("a", "--url", "https://x/" + "y" * 3000),
        ("a",),
        ("a", "--url", URL, "--", "cmd"),
        ("a", "--url", URL, "--bearer-token-env-var", KEY),
        ("a", "--url", URL, "--header", KEY),
        ("a", "--url", URL, "--header", f"X Y={KEY}"),
        ("a", "--url", URL, "--header", f"X={KEY}\r\nEvil: 1"),
        ("a", "--url", URL, "--env-header", f"X={KEY}"),
        ("a", "--url", URL, "--env", "A=1"),
        ("a", "--header", f"X={KEY}", "--", "cmd"),
    ],
)
def test_what_is_no_server_is_refused_and_keys_are_not_repeated(run: CommandLine, words: tuple[str, ...]) -> None:
    before = run.home.config.read_text()
    ended = run("add", "--no-check", "--json", *words)
    assert ended.status == 1
    assert ended.json["error"]["code"] == "invalid_server"
    assert KEY not in ended.stdout + ended.stderr
    assert run.home.config.read_text() == before


@pytest.mark.slow
@pytest.mark.requirement("servers:commands:bad-input")
def test_secrets_of_an_entry_are_never_shown(run: CommandLine) -> None:
    with run.home.config.open("a") as config:
        config.write(
            '[mcp_servers.alloy]\nurl = "https://hosted.example/mcp?key=verysecret1"\n'
            'http_headers = {"X-MCP-API-Key" = "verysecret2"}\n'
            "[mcp_servers.tools]\ncommand = 'false'\n"
            f'args = ["--token=verysecret3abc4", "{KEY}"]\nenv = {{TOKEN = "verysecret4"}}\n'
        )
    for words in (("list",), ("list", "--json"), ("get", "alloy"), ("get", "tools", "--json")):
        shown = run(*words)
        assert shown.status == 0
        assert "verysecret" not in shown.stdout and KEY not in shown.stdout
    assert "X-MCP-API-Key=***" in run("get", "alloy").stdout


@pytest.mark.slow
@pytest.mark.requirement("servers:commands:bad-input")
@pytest.mark.parametrize("command", ["get", "remove", "enable", "disable", "login", "logout"])
def test_an_unknown_server_is_an_error(run: CommandLine, command: str) -> None:
    ended = run(command, "nosuch", "--json")
    assert ended.status == 1
    assert ended.json["error"]["code"] == "unknown_server"


@pytest.mark.slow
@pytest.mark.requirement("servers:commands:bad-input")
def test_a_broken_configuration_is_named_with_its_place_and_not_touched(run: CommandLine) -> None:
    run.home.config.write_text('[mcp_servers.a]\nurl = "x\n')
    for words in (("list",), ("add", "b", "--url", URL), ("status",)):
        ended = run(*words)
        assert ended.status == 1
        assert f"{run.home.config}" in ended.stderr and "line 2" in ended.stderr
        assert "Traceback" not in ended.stderr
    assert run.home.config.read_text() == '[mcp_servers.a]\nurl = "x\n'


@pytest.mark.requirement("servers:commands:bad-input")
@pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX's")
def test_a_configuration_that_cannot_be_written_is_an_error(run: CommandLine) -> None:
    run.home.path.chmod(0o500)
    run.home.config.chmod(0o400)
    try:
        if os.access(run.home.config, os.W_OK):
            pytest.skip("this user may write everything")
        ended = run("add", "a", "--url", URL, "--no-check", "--json")
        assert ended.status == 1
        assert ended.json["error"]["code"] == "config_error"
    finally:
        run.home.path.chmod(0o700)


@pytest.mark.slow
@pytest.mark.requirement("servers:commands:configure")
def test_wrong_arguments_exit_with_2(run: CommandLine) -> None:
    for words in ((), ("nosuch",), ("status", "--timeout", "0"), ("add",)):
        assert run(*words).status == 2
