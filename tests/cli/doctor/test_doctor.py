"""`codex-mcp-server doctor`, on machines with and without something wrong."""

from __future__ import annotations

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
from typing import Any

import pytest

from codex_mcp import invocation
from tests.support.command import run
from tests.support.home import Home
from tests.support.scripted_engine import ScriptedEngine

pytestmark = pytest.mark.requirement("doctor")

DATA = pathlib.Path(__file__).parents[2] / "data" / "clients"
Checks = dict[str, dict[str, Any]]


def slow(*parameters: Any) -> Any:
    return pytest.param(*parameters, marks=pytest.mark.slow)


def examine(home: Home, *arguments: str, **environment: str) -> tuple[int, Checks]:
    """Exit status, and the checks by what they are about."""
    done = run(home, "doctor", "--json", *arguments, **environment)
    assert done.stderr == ""
    told = json.loads(done.stdout)
    assert told["ok"] is (done.returncode == 0)
    return done.returncode, {check["what"]: check for check in told["checks"]}


def entry(home: Home, client: str) -> pathlib.Path:
    (source,) = DATA.glob(f"{client}.*")
    file = {"cursor": home.root / ".cursor" / "mcp.json", "claude-code": home.root / ".claude.json"}[client]
    file.parent.mkdir(exist_ok=True)
    shutil.copy(source, file)
    return file


def test_a_machine_that_can_work_passes(home: Home) -> None:
    status, found = examine(home, "-s", "read-only", "--tools", "threads")
    assert status == 0, found
    assert found["configuration"]["detail"].startswith("~/codex-home/config.toml with model, model_provider")
    assert found["engine"]["detail"].startswith("0.")
    assert found["account"]["detail"] == "the configured model provider needs no OpenAI account"
    assert found["provider"]["detail"].startswith("offline, http://127.0.0.1:")
    assert found["conversation"]["detail"].startswith("begun with these options, a command ran, the answer arrived")
    assert found["sandbox"]["detail"] == "commands run in it, and cannot write when they may not"
    assert "codex, codex-reply, codex-threads" in found["MCP"]["detail"]


@pytest.mark.requirement("doctor:harmless")
def test_nothing_of_the_user_is_changed(home: Home) -> None:
    home.config.write_text(home.config.read_text() + '[mcp_servers.x]\ncommand = "x"\nenabled = false\n')
    shutil.rmtree(home.path / "none", ignore_errors=True)
    entry(home, "cursor")
    before = {path: path.read_bytes() for path in home.root.rglob("*") if path.is_file()}
    examine(home, CODEX_HOME=str(home.root / "no-such-home"))
    assert {path: path.read_bytes() for path in home.root.rglob("*") if path.is_file()} == before
    assert not (home.root / "no-such-home").exists()
    assert not (home.root / ".cache").exists()


def test_a_user_who_is_not_signed_in_is_told_what_to_run(home: Home) -> None:
    home.configure(provider=False)
    status, found = examine(home)
    assert status == 1
    assert found["account"]["detail"] == "not signed in"
    assert f"`{invocation.command('login')}`" in found["account"]["advice"]


@pytest.mark.slow
def test_a_sign_in_is_found_and_its_key_is_not_told(home: Home) -> None:
    home.configure(provider=False)
    key = "sk-proj-0123456789abcdefghij0123"
    assert run(home, "login", "--with-api-key", stdin=key).returncode == 0
    done = run(home, "doctor")
    assert re.search(r"^ok    account: (Logged in using an )?API key( configured)?$", done.stdout, re.MULTILINE)
    assert key[8:] not in done.stdout


def test_settings_that_engines_refuse_are_shown_with_their_lines(home: Home) -> None:
    home.configure(
        'approval_policy = "untrusted"',
        'profile = "mine"',
        tail='[profiles.mine]\n[mcp_servers.again]\ncommand = "codex-mcp-server"\n',
    )
    _, found = examine(home)
    assert found["~/codex-home/config.toml:1"]["detail"].startswith("current engines refuse `untrusted`")
    assert "-p NAME" in found["~/codex-home/config.toml:2"]["detail"]
    assert found["mcp_servers.again"]["detail"].startswith("runs this server")


@pytest.mark.requirement("doctor:real-options")
@pytest.mark.parametrize(
    ("config", "arguments", "what", "detail", "advice"),
    [
        ("model = \n", [], "configuration", "line 1", "Correct the file"),
        (
            'sandbox_mode = "read-onli"',
            [],
            "conversation",
            "config.toml:1:16: unknown variant `read-onli`",
            "Correct the",
        ),
        slow('wire_api = "chat"\n', [], "conversation", "no longer supported", 'wire_api = "responses"'),
        slow("", ["-p", "nothere"], "conversation", "`nothere` not found", "[profiles.NAME]"),
        slow("", ["-C", "${workspaceFolder}"], "directory", "no such directory", "${workspaceFolder}"),
        slow(
            "", ["--strict-config", "-c", "sandbx=1"], "engine", "unknown configuration field `sandbx`", "Correct the"
        ),
    ],
)
def test_a_mistake_that_would_fail_every_call_is_found(
    home: Home, config: str, arguments: list[str], what: str, detail: str, advice: str
) -> None:
    if "wire_api" in config:
        config = f'model_provider = "m"\n[model_providers.m]\nname = "M"\nbase_url = "http://127.0.0.1:9"\n{config}'
    home.config.write_text(config)
    status, found = examine(home, *arguments)
    assert status == 1
    assert found[what]["verdict"] == "fail"
    assert detail in found[what]["detail"]
    assert "doctor-" not in found[what]["detail"]  # the copy is not what the user has to correct
    assert advice in found[what]["advice"]


@pytest.mark.slow
@pytest.mark.requirement("doctor:provider")
def test_a_provider_that_does_not_answer_and_a_key_that_is_not_set_are_found(home: Home) -> None:
    home.config.write_text(
        'model_provider = "m"\n[model_providers.m]\nname = "M"\nbase_url = "http://127.0.0.1:9/v1"\nenv_key = "M_KEY"\n'
    )
    status, found = examine(home)
    assert status == 1
    assert found["provider"]["detail"].startswith("m, http://127.0.0.1:9/v1, cannot be reached: ")
    assert "M_KEY, which is not set" in found["account"]["detail"]


def without_namespaces(*command: str) -> list[str]:
    """A command on a machine that has user namespaces switched off."""
    script = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'
    return ["unshare", "-Ur", "sh", "-c", script, "sh", *command]


@pytest.mark.slow
@pytest.mark.requirement("doctor:sandbox")
def test_a_machine_without_user_namespaces_is_told_how_to_have_them(home: Home) -> None:
    if subprocess.run(without_namespaces("true"), capture_output=True, check=False).returncode != 0:
        pytest.skip("no user namespace can be made here to switch them off in")
    line = without_namespaces(sys.executable, "-m", "codex_mcp", "doctor", "--json", "-s", "read-only")
    done = subprocess.run(line, env=home.environment(), cwd=home.workspace, capture_output=True, check=False)
    found = {check["what"]: check for check in json.loads(done.stdout)["checks"]}
    assert done.returncode == 1
    for what in ("conversation", "sandbox"):
        assert found[what]["verdict"] == "fail"
        assert "namespace" in found[what]["detail"]
        assert "user.max_user_namespaces" in found[what]["advice"]


@pytest.mark.requirement("doctor:clients")
def test_entries_of_clients_are_started_as_the_client_would(home: Home) -> None:
    dead = entry(home, "cursor")
    ours = invocation.program()[0]
    claude = home.root / ".claude.json"
    servers = {
        "codex": {"command": ours, "args": ["--tools", "all"], "env": {"CODEX_HOME": "${env:CODEX_HOME}"}},
        "bare": {"command": "codex-mcp-server"},
        "wrong": {"command": ours, "args": ["--sandbx", "x"]},
        "other": {"command": "no-business-of-ours"},
    }
    claude.write_text(json.dumps({"mcpServers": servers}))
    status, found = examine(home, PATH=os.defpath)
    assert status == 1
    checks = {what: check for what, check in found.items() if "`" in what}
    assert set(checks) == {f"Claude Code, `{name}` in ~/.claude.json" for name in ("codex", "bare", "wrong")} | {
        f"Cursor, `codex` in ~/{dead.relative_to(home.root)}"
    }
    dead_one = checks["Cursor, `codex` in ~/.cursor/mcp.json"]
    assert dead_one["verdict"] == "fail"
    assert "install cursor --write`" in dead_one["advice"]
    good = checks["Claude Code, `codex` in ~/.claude.json"]
    assert good["verdict"] == "ok", good
    assert "tools, after" in good["detail"]
    bare = checks["Claude Code, `bare` in ~/.claude.json"]
    assert bare["detail"] == "the client finds no `codex-mcp-server`"
    wrong = checks["Claude Code, `wrong` in ~/.claude.json"]
    assert "unrecognized arguments: --sandbx" in wrong["detail"]


@pytest.mark.slow
@pytest.mark.requirement("doctor:mcp-servers")
def test_each_mcp_server_of_codex_has_its_state(home: Home) -> None:
    home.configure(
        tail='[mcp_servers.gone]\ncommand = "/no/such/server"\n[mcp_servers.off]\ncommand = "x"\nenabled = false\n'
    )
    _, found = examine(home)
    assert found["MCP server gone"]["verdict"] == "note"
    assert found["MCP server gone"]["detail"] == "command_not_found"
    assert found["MCP server gone"]["advice"]
    assert found["MCP server off"] == {"what": "MCP server off", "verdict": "ok", "detail": "disabled", "advice": None}


def test_an_engine_that_cannot_be_run_fails(home: Home) -> None:
    status, found = examine(home, "--codex", "/no/such/codex")
    assert status == 1
    assert found["engine"]["detail"].startswith("/no/such/codex")
    assert found["MCP"]["verdict"] == "ok"
    assert "conversation" not in found


@pytest.mark.slow
def test_an_engine_that_says_why_it_does_not_start_is_quoted(home: Home) -> None:
    engine = ScriptedEngine(home.root, "dies-at-start", "tells-secrets")
    _, found = examine(home, "--codex", str(engine.path))
    assert "scripted engine: cannot start" in found["engine"]["detail"]
    assert "sk-proj" not in json.dumps(found)


@pytest.mark.requirement("doctor:harmless")
def test_what_is_printed_can_be_shown_to_anybody(home: Home) -> None:
    key = "sk-proj-0123456789abcdefghij0123"
    done = run(home, "doctor", "-c", f"model_providers.x.http_headers.Authorization=Bearer {key}", OPENAI_API_KEY=key)
    assert "OPENAI_API_KEY" in done.stdout
    assert key not in done.stdout
    assert str(home.root) not in done.stdout
