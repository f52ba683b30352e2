"""`codex-mcp-server install`, on files as users have them."""

from __future__ import annotations

import difflib
import json
import os
import pathlib
import re
import shutil
import stat
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import json5
import pytest
from mcp import StdioServerParameters
from mcp.client.client import Client as SdkClient
from mcp.client.stdio import stdio_client

from codex_mcp import invocation
from codex_mcp.cli.install import install, plan
from codex_mcp.cli.install.clients import Machine, Platform, clients
from tests.support.home import Home

DATA = pathlib.Path(__file__).parents[2] / "data" / "clients"
NAMES = [path.stem for path in sorted(DATA.iterdir())]
FLAGS = {
    "claude-code": ["-m", "gpt-5.5"],
    "cursor": ["-c", "model_reasoning_effort=high"],
    "vscode": ["--dangerously-bypass-approvals-and-sandbox"],
    "zed": ["-s", "workspace-write"],
    "codex": ["-c", "model_reasoning_effort=high"],
}
KEPT = {
    "claude-code": {"type": "stdio", "env": {"OPENAI_BASE_URL": "https://proxy.example/v1"}, "timeout": 600000},
    "claude-desktop": {},
    "cursor": {"env": {"OPENAI_API_KEY": "${env:OPENAI_API_KEY}"}},
    "vscode": {"type": "stdio", "env": {"OPENAI_API_KEY": "${input:key}"}},
    "windsurf": {"disabled": False},
    "zed": {"env": {"CODEX_HOME": "/home/me/.codex-zed"}},
    "gemini-cli": {"timeout": 1200000, "trust": False},
    "codex": {"tool_timeout_sec": 1800, "env": {"CODEX_HOME": "/home/me/.codex-two"}},
}


@dataclass
class Done:
    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Done]


@pytest.fixture
def run(home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command, in this process: it is called often here."""

    def call(*arguments: str) -> Done:
        monkeypatch.setattr(Machine, "here", lambda: machine_of(home))
        try:
            status = install(list(arguments))
        except SystemExit as end:
            status = int(end.code or 0)
        return Done(status, *capsys.readouterr())

    return call


def machine_of(home: Home, platform: Platform = "linux") -> Machine:
    environment = {"CODEX_HOME": str(home.path), "APPDATA": str(home.root / "AppData" / "Roaming")}
    return Machine(home.root, home.workspace, platform, environment)


def user_file(home: Home, name: str, platform: Platform = "linux") -> pathlib.Path:
    place = clients(machine_of(home, platform))[name].user
    assert place is not None
    return place.file


def have(home: Home, name: str, platform: Platform = "linux") -> pathlib.Path:
    """Put the realistic file of a client where the client has it."""
    (source,) = DATA.glob(f"{name}.*")
    file = user_file(home, name, platform)
    file.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, file)
    return file


def parse(file: pathlib.Path) -> Any:
    text = file.read_text()
    return tomllib.loads(text) if file.suffix == ".toml" else json5.loads(text)


def entry(file: pathlib.Path, name: str = "codex") -> Any:
    data = parse(file)
    for key in ("mcpServers", "servers", "context_servers", "mcp_servers"):
        if key in data:
            found = dict(data[key][name])
            nested = found.get("command")
            return (
                {"command": nested["path"], "args": nested["args"], "env": nested["env"]}
                if isinstance(nested, dict)
                else found
            )
    raise AssertionError(data)


@pytest.mark.requirement("install:repairs")
@pytest.mark.parametrize("platform", ["linux", "macos", "windows"])
@pytest.mark.parametrize("name", NAMES)
def test_a_dead_entry_is_repaired_with_its_flags_environment_and_time_limits(
    home: Home, name: str, platform: Platform
) -> None:
    file = have(home, name, platform)
    before = file.read_text()
    (change,) = plan.install_in(clients(machine_of(home, platform))[name], "user", "codex", None)
    assert change.file == file
    assert change.before == before
    file.write_text(change.after)
    repaired = entry(file)
    assert repaired.pop("command") == invocation.program()[0]
    assert repaired.pop("args") == FLAGS.get(name, [])
    assert repaired == KEPT[name]
    # every other line is as it was, where it was
    changed = [
        line[2:].strip(" \t],")
        for line in difflib.ndiff(before.splitlines(), change.after.splitlines())
        if line[0] == "-"
    ]
    assert [
        line
        for line in changed
        if not re.search(r'codex|mcp-server|"-y"|"args": \[$|"command": "npx"|"gpt-5.5"$|^$', line)
    ] == []


@pytest.mark.requirement("install:repairs")
def test_one_command_repairs_every_client_that_is_there(home: Home, run: Run) -> None:
    files = {name: have(home, name) for name in NAMES}
    before = {name: file.read_text() for name, file in files.items()}
    done = run("--all")
    assert done.returncode == 0, done.stderr
    assert "Nothing was written" in done.stdout
    assert {name: file.read_text() for name, file in files.items()} == before
    done = run("--all", "--write")
    assert done.returncode == 0, done.stderr
    for name, file in files.items():
        assert entry(file)["command"] == invocation.program()[0]
        assert file.with_name(file.name + ".before-codex-mcp-server").read_text() == before[name]
    local = parse(files["claude-code"])["projects"]["/home/me/work"]["mcpServers"]["second-opinion"]
    assert (local["command"], local["args"]) == (invocation.program()[0], [])
    again = run("--all", "--write")
    assert again.stdout.count("nothing to do") == len(NAMES)


@pytest.mark.requirement("install:handshake")
async def test_what_it_writes_starts_the_server(home: Home, run: Run) -> None:
    assert run("claude-desktop", "--write", "--", "--tools", "threads").returncode == 0
    written = entry(user_file(home, "claude-desktop"))
    assert pathlib.Path(written["command"]).is_absolute()
    parameters = StdioServerParameters(
        command=written["command"], args=written["args"], env=home.environment(PATH="/bin")
    )
    with open(os.devnull, "w") as nowhere:
        async with SdkClient(stdio_client(parameters, errlog=nowhere)) as client:
            names = [tool.name for tool in (await client.list_tools()).tools]
    assert "codex-threads" in names


@pytest.mark.requirement("install:new")
@pytest.mark.parametrize("name", NAMES)
def test_a_client_without_the_server_gets_an_entry_and_loses_it_again(home: Home, run: Run, name: str) -> None:
    home.config.write_text("# empty\n")
    file = user_file(home, name)
    kept = file.read_text() if file.exists() else None
    assert run(name, "--write", "--", "-s", "read-only").returncode == 0
    made = entry(file)
    assert made["command"] == invocation.program()[0]
    assert made["args"] == ["-s", "read-only"]
    done = run(name, "--write", "--", "-s", "workspace-write")
    assert done.returncode == 0
    assert entry(file)["args"] == ["-s", "workspace-write"]
    assert run(name, "--write").returncode == 0
    assert entry(file)["args"] == ["-s", "workspace-write"]
    assert run(name, "--uninstall", "--write").returncode == 0
    assert "codex" not in file.read_text()
    if kept is not None:
        assert file.read_text().strip() == kept.strip()


@pytest.mark.requirement("install:new")
@pytest.mark.parametrize("name", ["claude-code", "cursor", "vscode", "zed", "gemini-cli", "codex"])
def test_a_project_has_a_file_of_its_own(home: Home, run: Run, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(pathlib.Path(sys.executable).parent))
    invocation.command_words.cache_clear()
    done = run(name, "--project", "--write")
    invocation.command_words.cache_clear()
    assert done.returncode == 0, done.stdout
    place = clients(machine_of(home))[name].project
    assert place is not None
    assert entry(place.file)["command"] == "codex-mcp-server"  # a file that is shared names no place of this machine


@pytest.mark.requirement("install:new")
@pytest.mark.parametrize("name", ["claude-desktop", "windsurf"])
def test_a_client_without_project_files_says_so(home: Home, run: Run, name: str) -> None:
    done = run(name, "--project")
    assert done.returncode == 1
    assert "no configuration of its own in a project" in done.stdout


@pytest.mark.requirement("install:new")
def test_other_clients_get_an_entry_to_paste(home: Home, run: Run) -> None:
    done = run("json", "--name", "mine", "--", "-m", "o3")
    command, *words = invocation.program()
    assert json.loads(done.stdout) == {"mcpServers": {"mine": {"command": command, "args": [*words, "-m", "o3"]}}}


@pytest.mark.requirement("install:refuses")
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"mcpServers": {', "is not valid JSON"),
        ('{"mcpServers": []}', "`mcpServers` is not a table of entries"),
        ('{"mcpServers": {"codex": {"command": "something-else"}}}', "another server named `codex`"),
        ('{"mcpServers": {"c": {"command": "docker", "args": ["run", "codex", "mcp-server"]}}}', "by hand"),
        ("\x00\udcff", "no UTF-8 text"),
    ],
)
def test_what_is_not_understood_is_left_alone(home: Home, run: Run, text: str, reason: str) -> None:
    file = user_file(home, "cursor")
    file.parent.mkdir()
    before = text.encode(errors="surrogateescape")
    file.write_bytes(before)
    done = run("cursor", "--write")
    assert done.returncode == 1
    assert reason in done.stdout
    assert str(file) in done.stdout or "mcpServers" in done.stdout
    assert file.read_bytes() == before
    assert sorted(file.parent.iterdir()) == [file]


@pytest.mark.requirement("install:keeps-the-rest")
def test_a_link_stays_a_link_and_a_private_file_private(home: Home, run: Run) -> None:
    real = home.root / "dotfiles.json"
    shutil.copy(DATA / "cursor.json", real)
    real.chmod(0o600)
    link = user_file(home, "cursor")
    link.parent.mkdir()
    link.symlink_to(real)
    assert run("cursor", "--write").returncode == 0
    assert link.is_symlink()
    assert entry(link)["command"] == invocation.program()[0]
    assert stat.S_IMODE(real.stat().st_mode) == 0o600
    assert stat.S_IMODE(real.with_name("dotfiles.json.before-codex-mcp-server").stat().st_mode) == 0o600


@pytest.mark.requirement("install:keeps-the-rest")
def test_an_older_copy_is_not_written_over(home: Home, run: Run) -> None:
    file = have(home, "cursor")
    assert run("cursor", "--write").returncode == 0
    file.write_text('{"mcpServers": {}}')
    assert run("cursor", "--write").returncode == 0
    assert file.with_name("mcp.json.before-codex-mcp-server").read_text() == (DATA / "cursor.json").read_text()
    assert file.with_name("mcp.json.before-codex-mcp-server-2").read_text() == '{"mcpServers": {}}'


@pytest.mark.requirement("install:plugins")
def test_plugins_with_the_old_command_are_reported_and_left_alone(home: Home, run: Run) -> None:
    plugin = home.root / ".claude" / "plugins" / "cache" / "team" / "reviewer" / ".mcp.json"
    plugin.parent.mkdir(parents=True)
    text = '{"mcpServers": {"codex": {"command": "codex", "args": ["mcp-server"]}}}'
    plugin.write_text(text)
    done = run("--all", "--write")
    assert str(plugin) in done.stderr
    assert plugin.read_text() == text


def test_what_is_shown_hides_keys(home: Home, run: Run) -> None:
    file = user_file(home, "cursor")
    file.parent.mkdir()
    key = "sk-proj-0123456789abcdefghij0123"
    file.write_text(
        json.dumps({"mcpServers": {"codex": {"command": "codex", "args": ["mcp-server"], "env": {"K": key}}}}, indent=1)
    )
    done = run("cursor")
    assert '"K"' in done.stdout
    assert key not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name a client"),
        (["cursr"], "did you mean `cursor`?"),
        (["--all", "cursor"], "name a client"),
        (["cursor", "--", "--sandbx", "x"], "unrecognized arguments"),
    ],
)
def test_wrong_arguments_are_said_at_once(home: Home, run: Run, arguments: list[str], said: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert said in done.stderr


@pytest.mark.requirement("install:places")
@pytest.mark.parametrize(
    ("platform", "name", "place"),
    [
        ("linux", "claude-code", ".claude.json"),
        ("macos", "claude-desktop", "Library/Application Support/Claude/claude_desktop_config.json"),
        ("windows", "claude-desktop", "AppData/Roaming/Claude/claude_desktop_config.json"),
        ("linux", "vscode", ".config/Code/User/mcp.json"),
        ("macos", "vscode", "Library/Application Support/Code/User/mcp.json"),
        ("windows", "vscode", "AppData/Roaming/Code/User/mcp.json"),
        ("linux", "windsurf", ".codeium/windsurf/mcp_config.json"),
        ("macos", "zed", ".config/zed/settings.json"),
        ("windows", "zed", "AppData/Roaming/Zed/settings.json"),
        ("linux", "gemini-cli", ".gemini/settings.json"),
        ("linux", "codex", "codex-home/config.toml"),
    ],
)
def test_each_platform_has_its_places(home: Home, platform: Platform, name: str, place: str) -> None:
    assert user_file(home, name, platform) == home.root / place
