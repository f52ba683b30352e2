"""Policy files: what is read, and what closes everything."""

from __future__ import annotations

import os
import pathlib

import pytest

from codex_mcp.policy.load import PolicyError, load, parse

EXAMPLE = r"""
version = 1
name = "acme"
mode = "enforce"
[scope]
roots = ["~/src"]
deny_paths = ["~/.ssh", "**/.env*", "**/customers/**"]
project_config = "ignore"
[methods]
tools = ["codex", "codex-reply"]
deny = ["gitDiffToRemote", "execOneOffCommand", "loginApiKey", "setDefaultModel", "getAuthStatus.token"]
[ceilings]
sandbox = "workspace-write"
network = false
approval = ["never", "on-request", "untrusted"]
config_keys = ["model_reasoning_effort", "model_verbosity"]
above = "refuse"
[mcp_servers.tickets]
command = "tickets-mcp"
args = ["--stdio"]
tools = ["search", "get", "close"]
auth = "env:TICKETS_TOKEN"
[[high_impact]]
category = "production"
commands = ['\b(terraform|kubectl|helm)\b', '\bgit\b.*\bpush\b']
paths = ["deploy/**", "**/*.tf"]
tools = ["mcp__tickets__close"]
[approval]
timeout_seconds = 600
for_session = "low_impact"
[masking]
level = "all"
to_model = "off"
kinds = ["secrets", "mail", "card", "iban"]
extra = ['\bCUST-\d{8}\b']
[audit]
dir = "~/.local/state/codex-mcp-server/audit"
required = true
anchor = "syslog"
"""


def written(path: pathlib.Path, text: str) -> str:
    path.write_text(text)
    path.chmod(0o600)
    return str(path)


@pytest.mark.requirement("policy:file:names")
def test_every_name_of_the_published_file_is_known() -> None:
    document = parse(EXAMPLE)
    assert document.scope.roots == (os.path.realpath(os.path.expanduser("~/src")),)
    assert document.mcp_servers["tickets"].tools == ("search", "get", "close")
    assert document.high_impact[0].category == "production"


@pytest.mark.requirement("policy:file:closed")
@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("version = 1\nextra = 1", "extra"),
        ("version = 1\n[scope]\nroot = []", "root"),
        ("version = 2", "version 2"),
        ("name = 'x'", "version"),
        ("version = 1\n[masking]\nextra = ['(']", "masking.extra"),
        ("version = 1\n[[high_impact]]\ncategory = 'x'\ncommands = ['[']", "high_impact x"),
        ("version = 1\n[ceilings]\nsandbox = 'none'", "sandbox"),
        ("version = 1\n[ceilings]\nconfig_keys = ['features.hooks']", "features"),
        ("version = 1\n[ceilings]\nconfig_keys = ['sandbox_workspace_write.network_access']", "undo"),
        ("version = 1\n[mcp_servers.x]", "command"),
        ("version = 1\n[mcp_servers.x]\ncommand = 'a'\nurl = 'b'", "either"),
        ("version = 1\n[mcp_servers.x]\ncommand = 'a'\nauth = 'magic'", "auth"),
        ("version = 1\n[audit]\nanchor = 'carrier pigeon'", "anchor"),
        ("version = ", "TOML"),
    ],
)
def test_what_is_odd_in_a_file_is_named(text: str, named: str) -> None:
    with pytest.raises(PolicyError, match=named) as caught:
        parse(text)
    assert caught.value.code == "policy_error"


@pytest.mark.requirement("policy:file:trusted")
def test_a_file_that_others_may_write_is_not_trusted(tmp_path: pathlib.Path) -> None:
    path = written(tmp_path / "policy.toml", "version = 1")
    assert load([path]).document.name == "policy"
    for mode in (0o620, 0o602):
        os.chmod(path, mode)
        with pytest.raises(PolicyError, match="chmod go-w"):
            load([path])


@pytest.mark.requirement("policy:file:trusted")
def test_a_file_in_a_directory_that_others_may_write_is_not_trusted(tmp_path: pathlib.Path) -> None:
    path = written(tmp_path / "policy.toml", "version = 1")
    tmp_path.chmod(0o777)
    with pytest.raises(PolicyError, match="replace"):
        load([path])


@pytest.mark.requirement("policy:file:trusted")
def test_a_file_that_clients_could_write_is_not_trusted(tmp_path: pathlib.Path) -> None:
    path = written(tmp_path / "policy.toml", f"version = 1\n[scope]\nroots = ['{tmp_path}']")
    with pytest.raises(PolicyError, match=r"scope\.roots"):
        load([path])


@pytest.mark.requirement("policy:file:closed")
def test_a_file_that_is_none_is_an_error(tmp_path: pathlib.Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    os.mkfifo(tmp_path / "pipe")
    for name in ("missing", ".", "binary", "pipe"):
        with pytest.raises(PolicyError, match=str(tmp_path)):
            load([str(tmp_path / name)])


@pytest.mark.requirement("policy:file:two")
def test_of_two_files_the_stricter_wins(tmp_path: pathlib.Path) -> None:
    a = written(tmp_path / "a.toml", "version = 1\n[ceilings]\nsandbox = 'danger-full-access'\nnetwork = true")
    b = written(tmp_path / "b.toml", "version = 1\nname = 'b'\n[ceilings]\nsandbox = 'workspace-write'")
    both, swapped = load([a, b]), load([b, a])
    assert both.document.ceilings == swapped.document.ceilings
    assert both.document.ceilings.sandbox == "workspace-write"
    assert both.document.ceilings.network is False
    assert both.digest != swapped.digest != load([a]).digest
