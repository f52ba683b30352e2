"""One sign-in, many agents: real servers and engines, an identity provider on loopback."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Iterator

import anyio
import pytest

from codex_mcp.agents.signin import SignIn
from codex_mcp.engine.home import CodexHome
from codex_mcp.errors import CallerError
from codex_mcp.offline import OfflineModel
from codex_mcp.protocol import events as ev
from tests.support.home import Home
from tests.support.identity import Identity
from tests.support.server import of, serving, turn


@pytest.fixture
def identity(home: Home, model: OfflineModel) -> Iterator[Identity]:
    with Identity(model) as identity:
        home.config.write_text("\n".join(identity.settings()) + "\n")
        home.variables |= {
            "CODEX_MCP_DATA": str(home.root / "data"),
            "CODEX_REFRESH_TOKEN_URL_OVERRIDE": f"{identity.url}/oauth/token",
        }
        yield identity


def planted(home: Home) -> list[pathlib.Path]:
    """Files of agents in which a token is."""
    files = [path for path in (home.root / "data").rglob("*") if path.is_file()]
    return [path for path in files if b"planted" in path.read_bytes()]


async def say(home: Home, agent: str) -> list[str]:
    async with serving(home, "--agent", agent) as client:
        events = await turn(await client.new_conversation(), "go")
    return [event.message for event in of(events, ev.AgentMessage)] or [
        f"error: {event.message}" for event in of(events, ev.ErrorEvent)
    ]


@pytest.mark.requirement("agents:sign-in:handed")
@pytest.mark.slow
async def test_an_agent_works_with_the_users_login_and_keeps_nothing_of_it(
    home: Home, model: OfflineModel, identity: Identity
) -> None:
    token = identity.sign_in(home.path)
    before = (home.path / "auth.json").read_bytes()
    model.add([{"say": "hello"}])
    assert await say(home, "one") == ["hello"]
    assert set(identity.seen) == {token}
    assert planted(home) == []
    assert (home.path / "auth.json").read_bytes() == before


@pytest.mark.requirement("agents:sign-in:renewed")
@pytest.mark.slow
async def test_two_agents_whose_token_is_refused_renew_the_login_once(
    home: Home, model: OfflineModel, identity: Identity
) -> None:
    identity.sign_in(home.path, valid=False)
    for text in ("hello", "hello"):
        model.add([{"say": text}])
    said: list[list[str]] = []

    async def one(name: str) -> None:
        said.append(await say(home, name))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(one, "one")
        tasks.start_soon(one, "two")
    assert said == [["hello"], ["hello"]]
    assert (identity.renewals, identity.refused) == (1, 0)
    stored = json.loads((home.path / "auth.json").read_text())
    assert stored["tokens"]["refresh_token"] == identity.refresh_token
    assert planted(home) == []


@pytest.mark.requirement("agents:sign-in:revoked")
@pytest.mark.slow
async def test_a_revoked_login_ends_the_turn_with_what_to_do(
    home: Home, model: OfflineModel, identity: Identity
) -> None:
    identity.sign_in(home.path, valid=False)
    identity.revoked = True
    async with serving(home, "--agent", "one") as client:
        events = await turn(await client.new_conversation(), "go")
    assert any("sign in again with" in warning.message for warning in of(events, ev.BackgroundEvent))
    assert of(events, ev.ErrorEvent)
    assert model.requests == []
    assert planted(home) == []


KEY, OTHER = "sk-of-the-file", "sk-of-the-environment"


@pytest.mark.requirement("agents:sign-in:order")
@pytest.mark.parametrize(
    ("stored", "variables", "expected"),
    [
        ({"OPENAI_API_KEY": KEY}, {"OPENAI_API_KEY": OTHER}, ("api_key", KEY)),
        ({}, {"OPENAI_API_KEY": OTHER}, ("api_key", OTHER)),
        ({"tokens": {"access_token": "a.b.c"}}, {"OPENAI_API_KEY": OTHER}, ("oauth", "a.b.c")),
        (
            {"tokens": {"access_token": "a.b.c"}},
            {"OPENAI_API_KEY": OTHER, "CODEX_PREFER_OAUTH": "false"},
            ("api_key", OTHER),
        ),
        (
            {"tokens": {"access_token": "a.b.c"}},
            {"OPENAI_API_KEY": OTHER, "CODEX_AUTH_METHOD": "api_key"},
            ("api_key", OTHER),
        ),
        ({"OPENAI_API_KEY": KEY}, {"CODEX_AUTH_METHOD": "oauth"}, None),
        ({}, {"CHATGPT_OAUTH_TOKEN": "x.y.z"}, ("oauth", "x.y.z")),
        ({}, {}, None),
    ],
)
def test_the_login_is_looked_for_in_the_files_and_then_in_the_environment(
    tmp_path: pathlib.Path, stored: dict[str, object], variables: dict[str, str], expected: tuple[str, str] | None
) -> None:
    for place in ({"CODEX_HOME": str(tmp_path)}, {"CODEX_HOME": "/nowhere", "CODEX_AUTH_DIR": str(tmp_path)}):
        (tmp_path / "auth.json").write_text(json.dumps(stored))
        found = SignIn(CodexHome({**place, **variables}, "/"), tmp_path / "data").find()
        assert (None if found is None else (found.method, found.token)) == expected
        assert "sk-of" not in repr(found)


@pytest.mark.requirement("agents:sign-in:order")
def test_an_unknown_method_is_refused(tmp_path: pathlib.Path) -> None:
    with pytest.raises(CallerError, match="can be auto, api_key, oauth, not 'magic'"):
        SignIn(CodexHome({"CODEX_HOME": str(tmp_path), "CODEX_AUTH_METHOD": "magic"}, "/"), tmp_path).find()
