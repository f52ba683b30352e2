"""What goes to the engine: held by the ceilings, with the profile, the approval policy and the trust of the policy."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest
from msgspec import structs

from codex_mcp.policy.document import Ceilings, Document, HighImpact, McpServer, Scope
from codex_mcp.policy.engine_requests import GRANULAR_NEVER, PolicyDenied, Surroundings, flat_config, shape


@pytest.fixture
def root(tmp_path: pathlib.Path) -> pathlib.Path:
    (tmp_path / "src" / "repo" / ".git").mkdir(parents=True)
    (tmp_path / "src" / "repo" / "inner").mkdir()
    (tmp_path / "src" / "link").symlink_to(tmp_path)
    return tmp_path


@pytest.fixture
def around(root: pathlib.Path) -> Surroundings:
    document = Document(
        version=1,
        scope=Scope(roots=(str(root / "src"),), deny_paths=("**/.env", str(root / "src/secret"))),
        ceilings=Ceilings(sandbox="workspace-write", config_keys=("model_verbosity",)),
        mcp_servers={"listed": McpServer(command="x")},
        high_impact=(HighImpact(category="production", commands=("push",), tools=("mcp__listed__drop",)),),
    )
    return Surroundings(document, str(root / "src"), protected=("/gate",), flags={"features.web": True, "k": 1})


def denied(around: Surroundings, method: str, params: dict[str, Any]) -> str:
    with pytest.raises(PolicyDenied) as caught:
        shape(around, method, params)
    assert caught.value.code == "policy_denied"
    return caught.value.ruling.rule


@pytest.mark.requirement("policy:engine:threads")
def test_a_thread_gets_a_profile_in_place_of_its_sandbox(around: Surroundings, root: pathlib.Path) -> None:
    cwd = str(root / "src/repo/inner")
    config = {"model_verbosity": "low", "features": {"web": True}, "k": 1, "compact_prompt": "short"}
    wanted = {"cwd": cwd, "sandbox": "workspace-write", "approvalPolicy": "never", "config": config}
    params = shape(around, "thread/start", wanted).params
    assert "sandbox" not in params
    assert params["permissions"] == "cmcp-ww"
    assert params["approvalPolicy"] == GRANULAR_NEVER
    assert params["approvalsReviewer"] == "user"
    given = params["config"]
    assert given["model_verbosity"] == "low"
    assert given["compact_prompt"] == "short"
    assert "k" not in given
    assert "features.web" not in given
    assert given["projects"] == {
        cwd: {"trust_level": "untrusted"}, str(root / "src/repo"): {"trust_level": "untrusted"}
    }  # fmt: skip
    files = given["permissions.cmcp-ww"]["filesystem"]
    assert files["/gate"] == files[str(root / "src/secret")] == files[":workspace_roots"]["**/.env"] == "deny"


@pytest.mark.requirement("policy:engine:threads")
@pytest.mark.parametrize("method", ["thread/start", "thread/resume", "thread/fork", "turn/start"])
@pytest.mark.parametrize("cwd", ["/etc", "link", "link/src/../other", "../", "secret/x", "repo/.env"])
def test_a_place_outside_is_refused(around: Surroundings, root: pathlib.Path, method: str, cwd: str) -> None:
    assert denied(around, method, {"cwd": str(root / "src" / cwd)}).startswith("scope.")


@pytest.mark.requirement("policy:engine:threads")
@pytest.mark.parametrize(
    ("params", "rule"),
    [
        ({"sandbox": "danger-full-access"}, "ceilings.sandbox"),
        ({"config": {"features": {"hooks": False}}}, "ceilings.config_keys"),
        ({"config": {"features.web": False}}, "ceilings.config_keys"),
        ({"config": {"mcp_servers.listed.enabled_tools": ["x"]}}, "ceilings.config_keys"),
        ({"config": {"projects": {"/": {"trust_level": "trusted"}}}}, "ceilings.config_keys"),
        ({"config": {"approvals_reviewer": "auto_review"}}, "ceilings.config_keys"),
        ({"approvalPolicy": {"granular": {}}}, "ceilings.approval"),
    ],
)
def test_a_thread_above_the_ceilings_is_refused(around: Surroundings, params: dict[str, Any], rule: str) -> None:
    assert denied(around, "thread/start", params) == rule


@pytest.mark.requirement("policy:engine:threads")
def test_what_nobody_asked_for_is_as_configured_but_never_above_a_ceiling(
    around: Surroundings, root: pathlib.Path
) -> None:
    config = {
        "sandbox_mode": "danger-full-access",
        "approval_policy": "untrusted",
        "sandbox_workspace_write": {"network_access": True, "writable_roots": ["/etc", str(root / "src/repo")]},
    }
    configured = Surroundings(around.document, around.cwd, configured=flat_config(config))
    params = shape(configured, "thread/start", {}).params
    assert (params["permissions"], params["approvalPolicy"]) == ("cmcp-ww", "untrusted")
    given = params["config"]["permissions.cmcp-ww"]
    assert "network" not in given
    assert "/etc" not in given["filesystem"]
    assert given["filesystem"][str(root / "src/repo")] == "write"
    assert shape(around, "thread/start", {}).params["permissions"] == "cmcp-ro"


@pytest.mark.requirement("policy:engine:turns")
def test_a_turn_with_full_access_keeps_the_denied_paths(around: Surroundings) -> None:
    document = structs.replace(
        around.document, ceilings=structs.replace(around.document.ceilings, sandbox="danger-full-access", network=True)
    )
    wider = Surroundings(document, around.cwd)
    params = shape(wider, "turn/start", {"sandboxPolicy": {"type": "dangerFullAccess"}, "input": []}).params
    assert params == {"permissions": "cmcp-full", "input": []}


@pytest.mark.requirement("policy:engine:turns")
@pytest.mark.parametrize(
    ("params", "rule"),
    [
        ({"sandboxPolicy": {"type": "dangerFullAccess"}}, "ceilings.sandbox"),
        ({"sandboxPolicy": {"type": "externalSandbox"}}, "ceilings.sandbox"),
        ({"sandboxPolicy": {"type": "workspaceWrite", "networkAccess": True}}, "ceilings.network"),
        ({"sandboxPolicy": {"type": "workspaceWrite", "writableRoots": ["/etc"]}}, "scope.roots"),
        ({"input": [{"type": "localImage", "path": "/etc/shadow.png"}]}, "scope.roots"),
        ({"input": [{"type": "localImage", "path": "repo/.env"}]}, "scope.deny_paths"),
    ],
)
def test_a_turn_above_the_ceilings_is_refused(around: Surroundings, params: dict[str, Any], rule: str) -> None:
    assert denied(around, "turn/start", params) == rule


@pytest.mark.requirement("policy:ceilings:lower")
def test_a_turn_is_lowered_where_the_policy_says_so(around: Surroundings) -> None:
    ceilings = structs.replace(around.document.ceilings, above="lower")
    lowering = Surroundings(structs.replace(around.document, ceilings=ceilings), around.cwd)
    shaped = shape(lowering, "turn/start", {"sandboxPolicy": {"type": "dangerFullAccess"}, "approvalPolicy": "never"})
    assert shaped.params["sandboxPolicy"] == {"type": "workspaceWrite"}
    assert shaped.params["approvalPolicy"] == GRANULAR_NEVER
    assert len(shaped.notes) == 1


@pytest.mark.requirement("policy:engine:table")
@pytest.mark.parametrize(
    ("method", "params", "rule"),
    [
        ("thread/shellCommand", {"command": "id"}, "engine"),
        ("fs/readFile", {"path": "/etc/passwd"}, "engine"),
        ("plugin/install", {}, "engine"),
        ("something/new", {}, "engine"),
        ("command/exec", {"command": ["git", "push"]}, "high_impact.production"),
        ("command/exec", {"command": ["ls"], "cwd": "/"}, "scope.roots"),
        ("fuzzyFileSearch", {"roots": ["/"]}, "scope.roots"),
        ("config/batchWrite", {"edits": [{"keyPath": "hooks", "value": []}]}, "ceilings.config_keys"),
        ("config/value/write", {"keyPath": "mcp_servers.x", "value": {}}, "ceilings.config_keys"),
        ("mcpServer/tool/call", {"server": "listed", "tool": "drop"}, "high_impact.production"),
        ("mcpServer/tool/call", {"server": "other", "tool": "x"}, "mcp_servers"),
        ("mcpServer/oauth/login", {"name": "other"}, "mcp_servers"),
    ],
)
def test_what_else_the_engine_could_be_asked_is_refused(
    around: Surroundings, method: str, params: dict[str, Any], rule: str
) -> None:
    assert denied(around, method, params) == rule


@pytest.mark.requirement("policy:engine:table")
def test_what_is_harmless_passes_as_it_is(around: Surroundings) -> None:
    params = {"threadId": "x"}
    assert shape(around, "thread/read", params).params is params
    edits = {"edits": [{"keyPath": "model", "value": "m"}]}
    assert shape(around, "config/batchWrite", edits).params is edits
    exec_ = shape(around, "command/exec", {"command": ["ls"], "sandboxPolicy": {"type": "workspaceWrite"}}).params
    assert exec_ == {"command": ["ls"], "permissionProfile": "cmcp-ww"}
