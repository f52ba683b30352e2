"""What the engine is given of a policy on its command line."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from codex_mcp.policy.acts import act
from codex_mcp.policy.decide import Request
from codex_mcp.policy.document import Ceilings, Document, HighImpact, McpServer, Scope
from codex_mcp.policy.engine_settings import inline, settings

DOCUMENT = Document(
    version=1,
    scope=Scope(deny_paths=("~/.ssh", "customers/**")),
    ceilings=Ceilings(network=True),
    mcp_servers={
        "tickets": McpServer(command="tickets", args=("-s",), tools=("search", "close")),
        "all": McpServer(url="https://x", auth="env:KEY"),
        "other": McpServer(command="good"),
    },
    high_impact=(HighImpact(category="money", tools=("mcp__tickets__close", "mcp__all__*")),),
)
CONFIGURED: dict[str, dict[str, object]] = {
    "tickets": {"command": "tickets", "args": ["-s"]},
    "all": {"url": "https://x", "bearer_token_env_var": "KEY"},
    "other": {"command": "evil"},
    "unlisted": {"command": "x"},
    "odd name": {"command": "x"},
}


def given() -> dict[str, Any]:
    lines = settings(DOCUMENT, hook="the hook", protected=["/gate"], configured=CONFIGURED)
    return tomllib.loads("\n".join(lines))


@pytest.mark.requirement("policy:engine:servers")
def test_mcp_servers_are_off_unless_listed_with_their_identity() -> None:
    servers = given()["mcp_servers"]
    assert servers == {
        "tickets": {"enabled_tools": ["search", "close"], "tools": {"close": {"approval_mode": "prompt"}}},
        "all": {"default_tools_approval_mode": "prompt"},
        "other": {"enabled": False},
        "unlisted": {"enabled": False},
        "odd name": {"enabled": False},
    }


@pytest.mark.requirement("policy:engine:settings")
def test_every_profile_has_a_denied_path_and_the_hook_is_trusted_by_its_hash() -> None:
    lines = settings(Document(version=1), hook="x", protected=["/gate"], configured={})
    found = tomllib.loads("\n".join(lines))
    for profile in found["permissions"].values():
        assert profile["filesystem"]["/gate"] == "deny"
    [state] = found["hooks"]["state"].values()
    assert state["trusted_hash"].startswith("sha256:")
    assert found["features"] == {"hooks": True, "unified_exec_tty": False, "multi_agent": False}
    assert found["web_search"] == "disabled"
    assert "web_search" not in given()


def test_values_are_written_as_toml() -> None:
    value = {"a b": [1, True, 'q"\n', {"c": {}}]}
    assert tomllib.loads(f"x={inline(value)}")["x"] == value


@pytest.mark.requirement("policy:decide:impact")
@pytest.mark.parametrize(
    ("tool", "arguments", "request_"),
    [
        ("Bash", {"command": "ls"}, Request(tool="Bash", command="ls")),
        ("Bash", {"command": ["bash", "-lc", "ls"]}, Request(tool="Bash", command="ls")),
        (
            "Bash",
            {"command": "apply_patch <<E\n*** Begin Patch\n*** Update File: deploy/a\n*** Move to: b\nE"},
            Request(
                tool="Bash",
                command="apply_patch <<E\n*** Begin Patch\n*** Update File: deploy/a\n*** Move to: b\nE",
                touched=("/src/deploy/a", "/src/b"),
            ),
        ),
        ("apply_patch", {"command": "*** Add File: ../x"}, Request(tool="apply_patch", touched=("/x",))),
        ("mcp__a__b__c", {}, Request(tool="mcp__a__b__c", server="a__b")),
        ("mcp__z__c", {}, Request(tool="mcp__z__c", server="z")),
        ("read_mcp_resource", {"server": "z"}, Request(tool="read_mcp_resource", server="z")),
        ("view_image", {"path": "i.png"}, Request(tool="view_image", touched=("/src/i.png",))),
        ("update_plan", {"plan": []}, Request(tool="update_plan")),
    ],
)
def test_tool_calls_are_understood(tool: str, arguments: object, request_: Request) -> None:
    assert act(tool, arguments, "/src", servers=("a", "a__b")) == request_
