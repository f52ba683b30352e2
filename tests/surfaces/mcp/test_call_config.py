"""What a call of a tool may set in `config`."""

from __future__ import annotations

from typing import Any

import pytest

from codex_mcp.errors import CallerError
from codex_mcp.offline import OfflineModel
from codex_mcp.surfaces.mcp import call_config
from tests.support.home import Home
from tests.support.mcp_client import ACCEPT, mcp_serving, text
from tests.support.server import serving, turn

pytestmark = pytest.mark.requirement("confinement:config")


@pytest.mark.parametrize(
    "config",
    [
        {"notify": ["touch", "x"]},
        {"mcp_servers": {"planted": {"command": "touch"}}},
        {"mcp_servers.planted.command": "touch"},
        {"mcp_servers.planted.enabled": True},
        {"mcp_servers.planted.enabled_tools": []},
        {"mcp_servers.planted.tools.add.approval_mode": "approve"},
        {"mcp_servers.a.b.enabled": "false"},
        {"model_providers": {"p": {"auth": {"command": "touch"}}}},
        {"approvals_reviewer": "auto_review"},
        {"hooks": {"PreToolUse": []}},
        {"features": {"hooks": False}},
        {"features.hooks": False},
        {"projects": {"/": {"trust_level": "trusted"}}},
        {"default_permissions": ":danger-full-access"},
        {"permissions": {"p": {}}},
        {"shell_environment_policy": {"set": {"BASH_ENV": "/w/x"}}},
        {"modelx": 1},
        {"mcp_servers": {}},
    ],
    ids=str,
)
def test_what_runs_programs_or_changes_who_is_asked_is_the_user_s(config: dict[str, Any]) -> None:
    with pytest.raises(CallerError, match="--allow-config") as refused:
        call_config.check({"model": "gpt-5.5", **config}, ())
    assert refused.value.code == "config_not_allowed"
    assert call_config.check(config, ("all",)) == config
    key = next(iter(config)).split(".")[0]
    assert call_config.check(config, (key,)) == config


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"model_verbosity": "low", "tools": {"web_search": True}},
        {"tools.web_search": {"context_size": "low"}},
        {"sandbox_workspace_write": {"network_access": True}},
        {"mcp_servers.tools.enabled": False, "mcp_servers": {"tools": {"disabled_tools": ["add"]}}},
    ],
    ids=str,
)
def test_what_changes_how_the_model_works_may_be_set(config: dict[str, Any]) -> None:
    assert call_config.check(config, ()) is config


@pytest.mark.anyio
async def test_a_program_named_by_a_call_is_not_started(home: Home, model: OfflineModel) -> None:
    trace = home.root / "planted"
    planted = {"mcp_servers.planted": {"command": "touch", "args": [str(trace)]}}
    model.add([{"say": "done"}])
    async with mcp_serving(home) as client:
        result = await client.call("codex", prompt="go", sandbox="read-only", config=planted)
    assert result["structuredContent"]["error"]["code"] == "config_not_allowed"
    assert "mcp_servers.planted.command" in text(result)
    assert not trace.exists()
    async with mcp_serving(home, "--allow-config", "mcp_servers") as client:
        await client.call("codex", prompt="go", sandbox="read-only", config=planted)
    assert trace.exists()


@pytest.mark.anyio
@pytest.mark.requirement("confinement:reviewer")
async def test_it_is_the_client_that_is_asked_whatever_reviewer_is_configured(home: Home, model: OfflineModel) -> None:
    outside = home.root / "outside"
    ask = {"run": f"touch {outside}", "ask": "it has to be there"}
    home.configure('approvals_reviewer = "auto_review"')
    model.add([ask], [{"say": "done"}], [ask], [{"say": "done"}])
    options: dict[str, Any] = {"approval_policy": "on-request", "sandbox": "workspace-write"}
    async with mcp_serving(home, answer=lambda _: ACCEPT) as client:
        await client.call("codex", prompt="go", **options)
        assert len(client.questions) == 1
    asked: list[Any] = []
    async with serving(home, approve=lambda request: asked.append(request) or "denied") as client:  # type: ignore[func-returns-value]
        conversation = await client.new_conversation(config={"approvals_reviewer": "auto_review"}, **options)
        await turn(conversation, "go")
    assert len(asked) == 1
