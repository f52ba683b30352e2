"""config.toml and the models, with the real engine."""

from __future__ import annotations

import stat
from typing import Any

import pytest

from codex_mcp.client import CodexClient
from codex_mcp.wire.errors import RpcError
from tests.support.home import Home
from tests.support.server import serving

EMPTY = dict.fromkeys(
    (
        "approvalPolicy",
        "sandboxMode",
        "sandboxSettings",
        "forcedChatgptWorkspaceId",
        "forcedLoginMethod",
        "model",
        "modelReasoningEffort",
        "modelReasoningSummary",
        "modelVerbosity",
        "tools",
        "profile",
    )
) | {"profiles": {}}
RICH = """# top comment
model = "o3"   # trailing comment
approval_policy = "on-failure"
sandbox_mode = "workspace-write"
model_reasoning_effort = "low" # effort comment
profile = "test"

[tools]
web_search = false
view_image = true

[sandbox_workspace_write]
writable_roots = ["/tmp"]
network_access = true

[profiles.test] # the test profile
model = "gpt-4o"
model_provider = "openai"

[profiles.bare]
"""


async def saved(client: CodexClient) -> Any:
    return (await client.request("getUserSavedConfig", None))["config"]


async def refused(client: CodexClient, method: str, params: Any = None) -> RpcError:
    with pytest.raises(RpcError) as error:
        await client.request(method, params)
    return error.value


@pytest.mark.requirement("settings:saved")
async def test_without_a_file_everything_is_null(home: Home) -> None:
    home.config.unlink()
    async with serving(home) as client:
        assert await saved(client) == EMPTY


@pytest.mark.requirement("settings:saved")
async def test_what_the_file_says_is_shown_as_it_is(home: Home) -> None:
    home.config.write_text(RICH)
    async with serving(home) as client:
        config = await saved(client)
    assert (config["model"], config["approvalPolicy"], config["profile"]) == ("o3", "on-failure", "test")
    assert config["tools"] == {"webSearch": False, "viewImage": True}
    assert config["sandboxSettings"] == {
        "writableRoots": ["/tmp"],
        "networkAccess": True,
        "excludeTmpdirEnvVar": False,
        "excludeSlashTmp": False,
    }
    assert config["profiles"]["test"]["modelProvider"] == "openai"
    assert set(config["profiles"]["bare"].values()) == {None}


@pytest.mark.requirement("settings:saved:broken")
async def test_a_broken_file_is_named_with_line_and_column_and_left_alone(home: Home) -> None:
    home.config.write_text("model = 'x'\nthis is = = not toml")
    async with serving(home) as client:
        error = await refused(client, "getUserSavedConfig")
        assert error.code == -32603
        assert str(home.config) in error.message
        assert "line 2, column" in error.message
        error = await refused(client, "setDefaultModel", {"model": "y"})
        assert error.code == -32603
        assert error.message.startswith("failed to persist model selection: ")
        assert home.config.read_text() == "model = 'x'\nthis is = = not toml"
        home.config.write_text('approval_policy = "bogus"\n')
        error = await refused(client, "getUserSavedConfig")
        assert error.code == -32603
        assert "`approval_policy`" in error.message


@pytest.mark.requirement("settings:default-model")
async def test_the_default_model_is_written_and_removed_and_comments_stay(home: Home) -> None:
    home.config.write_text("# mine\nmodel = 'old' # why\n[tools] # these\n")
    async with serving(home) as client:
        assert await client.request("setDefaultModel", {"model": "gpt-5", "reasoningEffort": "high"}) == {}
        config = await saved(client)
        assert (config["model"], config["modelReasoningEffort"]) == ("gpt-5", "high")
        assert (await client.request("newConversation", {}))["model"] == "gpt-5"
        for comment in ("# mine", "# why", "# these"):
            assert comment in home.config.read_text()
        assert await client.request("setDefaultModel", {}) == {}
        config = await saved(client)
        assert (config["model"], config["modelReasoningEffort"]) == (None, None)
        assert (await refused(client, "setDefaultModel", {"reasoningEffort": "bogus"})).code == -32600


@pytest.mark.requirement("settings:default-model")
async def test_a_new_file_is_for_its_owner_alone(home: Home) -> None:
    home.config.unlink()
    async with serving(home) as client:
        await client.request("setDefaultModel", {"model": "gpt-5"})
    assert home.config.read_text() == 'model = "gpt-5"\n'
    assert stat.S_IMODE(home.config.stat().st_mode) == 0o600


@pytest.mark.requirement("settings:default-model:profile")
async def test_under_an_active_profile_its_table_is_written(home: Home) -> None:
    home.config.write_text(RICH)
    async with serving(home) as client:
        await client.request("setDefaultModel", {"model": "new", "reasoningEffort": "medium"})
        config = await saved(client)
        assert (config["model"], config["modelReasoningEffort"]) == ("o3", "low")
        profile = config["profiles"]["test"]
        assert (profile["model"], profile["modelReasoningEffort"]) == ("new", "medium")
        for comment in ("# top comment", "# trailing comment", "# the test profile"):
            assert comment in home.config.read_text()


@pytest.mark.requirement("settings:default-model:read-only")
async def test_a_home_that_cannot_be_written_is_reported(home: Home) -> None:
    home.config.unlink()
    home.config.mkdir()  # even root cannot write a file in its place
    async with serving(home) as client:
        error = await refused(client, "setDefaultModel", {"model": "x"})
    assert error.code == -32603
    assert error.message.startswith("failed to persist model selection: ")


@pytest.mark.requirement("settings:profile")
async def test_a_profile_of_the_old_kind_is_merged(home: Home) -> None:
    home.configure(tail='[profiles.p]\nmodel = "of-profile"\nmodel_reasoning_effort = "minimal"\n')
    async with serving(home) as client:
        result = await client.request("newConversation", {"profile": "p"})
        assert (result["model"], result["reasoningEffort"]) == ("of-profile", "minimal")
        result = await client.request("newConversation", {"profile": "p", "model": "explicit"})
        assert result["model"] == "explicit"
        result = await client.request("newConversation", {"profile": "p", "config": {"model_reasoning_effort": "high"}})
        assert result["reasoningEffort"] == "high"
        assert (await client.request("newConversation", {}))["model"] == "gpt-5.5"


@pytest.mark.requirement("settings:legacy")
@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ('profile = "test"\n[profiles.test]\nmodel = "x"', ["config.toml:1: ", "`profile`", "-p NAME"]),
        (
            'model_provider = "p"\n[model_providers.p]\nname = "p"\nbase_url = "http://127.0.0.1:9/v1"\nwire_api = "chat"',
            ["config.toml:5:12", "wire_api", "responses"],
        ),
    ],
    ids=["profile", "wire_api"],
)
async def test_a_legacy_setting_that_cannot_be_bridged_is_named_with_its_line(
    home: Home, setting: str, words: list[str]
) -> None:
    home.config.write_text(setting + "\n")
    async with serving(home) as client:
        error = await refused(client, "newConversation", {})
    assert error.code == -32600
    for word in words:
        assert word in error.message


@pytest.mark.requirement("models:list")
async def test_models_come_in_pages(home: Home) -> None:
    async with serving(home) as client:
        everything = await client.request("model/list", {})
        assert everything["nextCursor"] is None
        items = everything["items"]
        assert sum(item["isDefault"] for item in items) == 1
        for item in items:
            efforts = [effort["reasoningEffort"] for effort in item["supportedReasoningEfforts"]]
            assert item["defaultReasoningEffort"] in efforts
        seen, cursor = [], None
        for size in ("pageSize", "limit") * len(items):
            page = await client.request("model/list", {size: 1, "cursor": cursor})
            assert len(page["items"]) == 1
            seen += page["items"]
            cursor = page["nextCursor"]
            if cursor is None:
                break
        assert seen == items
        end = str(len(items))
        assert await client.request("model/list", {"cursor": end}) == {"items": [], "nextCursor": None}
        for cursor, text in (("bad", "invalid cursor: bad"), ("999", f"cursor 999 exceeds total models {end}")):
            error = await refused(client, "model/list", {"cursor": cursor})
            assert (error.code, error.message) == (-32600, text)
        assert len((await client.request("model/list", {"pageSize": 0}))["items"]) == 1
