"""What a user is told to run, by how this program was installed."""

from __future__ import annotations

import pathlib
import shlex
import subprocess
import sys

import pytest

from codex_mcp import invocation
from tests.support.home import Home

pytestmark = pytest.mark.requirement("command:advice")


@pytest.fixture(autouse=True)
def forget() -> None:
    invocation.command_words.cache_clear()


def test_the_line_it_names_runs_this_program(home: Home) -> None:
    line = invocation.command("--version")
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True, env=home.environment())
    assert done.stdout.startswith("codex-mcp-server ")


def test_the_bare_name_is_used_where_a_shell_finds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    bin = pathlib.Path(sys.executable).parent
    monkeypatch.setenv("PATH", str(bin))
    assert invocation.command("doctor") == "codex-mcp-server doctor"
    assert invocation.program() == (str(bin / "codex-mcp-server"),)


def test_another_installation_of_the_same_name_is_not_meant(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "codex-mcp-server"
    other.write_text("#!/bin/sh\n")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert invocation.command() == str(pathlib.Path(sys.executable).with_name("codex-mcp-server"))


@pytest.mark.parametrize(
    ("mark", "line"),
    [
        ("uv-receipt.toml", "uv tool install --with openai-codex-cli-bin"),
        ("pipx_metadata.json", "pipx inject codex-mcp-server openai-codex-cli-bin"),
        ("pyvenv.cfg", f"{shlex.quote(sys.executable)} -m pip install openai-codex-cli-bin"),
    ],
)
def test_a_package_is_added_by_the_tool_that_installed_this_one(
    mark: str, line: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / mark).touch()
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert invocation.install(invocation.ENGINE_PACKAGE).startswith(line)


def test_an_environment_of_uvx_is_not_named_for_it_will_be_gone(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "archive-v0" / "x"))
    source = pathlib.Path(__file__).parent.parent
    assert invocation.command("login") == f"uvx --from {source} codex-mcp-server login"


def test_an_extra_is_installed_by_what_it_needs(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert invocation.install_extra("engine").endswith(" install 'openai-codex-cli-bin>=0.163'")
    assert len(shlex.split(invocation.install_extra("chat"))) > 5  # each by its name: this package is on no index
    (tmp_path / "uv-receipt.toml").write_text(
        '[tool]\nrequirements = [{ name = "codex-mcp-server", extras = ["engine"], directory = "/x" }]\n'
    )
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    words = shlex.split(invocation.install_extra("chat"))
    assert words[:3] == ["uv", "tool", "install"]
    assert words.count("--with") >= 2
    assert words[-1].endswith("[engine]")  # uv would take out what is not named again
