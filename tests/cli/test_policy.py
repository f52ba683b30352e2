"""`codex-mcp-server policy`, as a person runs it."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import tomllib

import jsonschema
import pytest

from tests.policy.test_load import EXAMPLE, written


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "codex_mcp", "policy", *arguments], capture_output=True, text=True)


@pytest.fixture
def policy(tmp_path: pathlib.Path) -> str:
    return written(tmp_path / "policy.toml", EXAMPLE)


@pytest.mark.requirement("policy:file:names")
def test_the_schema_takes_what_is_taken_and_refuses_what_is_refused() -> None:
    schema = json.loads(run("schema").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(tomllib.loads(EXAMPLE), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"version": 1, "unknown": True}, schema)


@pytest.mark.requirement("policy:command:check")
def test_check_says_what_is_in_force(policy: str) -> None:
    done = run("check", "--policy", policy)
    assert done.returncode == 0
    assert policy in done.stdout
    assert tomllib.loads(done.stdout)["name"] == "acme"
    assert json.loads(run("check", "--json", "--policy", policy).stdout)["policy"]["audit"]["anchor"] == "syslog"


@pytest.mark.requirement("policy:command:check")
def test_check_fails_for_a_file_that_would_close_everything(tmp_path: pathlib.Path) -> None:
    done = run("check", "--policy", written(tmp_path / "odd.toml", "version = 1\nodd = 1"))
    assert done.returncode == 1
    assert "odd" in done.stderr


@pytest.mark.requirement("policy:command:explain")
@pytest.mark.parametrize(
    ("arguments", "status", "rule"),
    [
        (["--", "git", "push"], 3, "high_impact.production"),
        (["--", "ls && /usr/bin/git push"], 3, "high_impact.production"),
        (["--", "git", "status"], 0, "default"),
        (["--path", "/etc"], 1, "scope.roots"),
        (["--method", "loginApiKey"], 1, "methods.deny"),
        (["--mcp-tool", "tickets/close"], 3, "high_impact.production"),
        (["--mcp-tool", "tickets/drop"], 1, "mcp_servers.tickets.tools"),
        (["--config", "features.hooks"], 1, "ceilings.config_keys"),
        (["--sandbox", "danger-full-access"], 1, "ceilings.sandbox"),
    ],
)
def test_explain_names_the_rule(policy: str, arguments: list[str], status: int, rule: str) -> None:
    done = run("explain", "--policy", policy, "--json", *arguments)
    assert done.returncode == status
    assert json.loads(done.stdout)["rule"] == rule
