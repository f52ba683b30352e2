"""The user's account, with the real engine and its own files."""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import stat
from typing import Any

import pytest

from codex_mcp.client import CodexClient
from codex_mcp.wire.errors import RpcError
from tests.support.home import Home
from tests.support.scripted_engine import ScriptedEngine
from tests.support.server import Wire, serving

SIGNED_OUT = {"authMethod": None, "authToken": None, "requiresOpenaiAuth": True}
KEY = "sk-test-0123456789abcdef"


@pytest.fixture
def openai(home: Home) -> Home:
    """A home of the built-in provider, which needs an account."""
    home.configure('cli_auth_credentials_store = "file"', provider=False)
    return home


def changes(wire: Wire) -> list[Any]:
    return [m["params"]["authMethod"] for m in wire.received if m.get("method") == "authStatusChange"]


async def status(client: CodexClient, **params: Any) -> Any:
    return await client.request("getAuthStatus", params)


@pytest.mark.requirement("account:api-key")
async def test_signing_in_with_a_key_and_out_again(openai: Home) -> None:
    wire = Wire()
    async with serving(openai, "--log-level", "debug", wire=wire) as client:
        assert await status(client, includeToken=True) == SIGNED_OUT
        assert await client.request("loginApiKey", {"apiKey": KEY}) == {}
        assert await status(client, includeToken=True) == {
            "authMethod": "apikey",
            "authToken": KEY,
            "requiresOpenaiAuth": True,
        }
        for params in ({}, {"includeToken": False}):
            assert (await status(client, **params))["authToken"] is None
        stored = openai.path / "auth.json"
        assert stat.S_IMODE(stored.stat().st_mode) == 0o600
        assert await client.request("userInfo", None) == {"allegedUserEmail": None}
        assert changes(wire) == ["apikey"]
        answer = next(i for i, m in enumerate(wire.received) if m.get("result") == {})
        assert answer < wire.position(method="authStatusChange")
        for _ in range(2):
            assert await client.request("logoutChatGpt", None) == {}
        assert await status(client) == SIGNED_OUT
        assert not stored.exists()
        assert changes(wire) == ["apikey", None, None]


@pytest.mark.requirement("account:other-provider")
async def test_a_provider_without_openai_accounts_shows_nothing(home: Home) -> None:
    async with serving(home) as client:
        await client.request("loginApiKey", {"apiKey": KEY})
        nothing = {"authMethod": None, "authToken": None, "requiresOpenaiAuth": False}
        assert await status(client, includeToken=True) == nothing


@pytest.mark.requirement("account:chatgpt")
async def test_a_sign_in_with_chatgpt_can_be_begun_and_given_up(openai: Home) -> None:
    wire = Wire()
    async with serving(openai, wire=wire) as client:
        first = await client.request("loginChatGpt", None)
        assert set(first) == {"loginId", "authUrl"}
        assert first["authUrl"].startswith("https://auth.openai.com/oauth/authorize?")
        second = await client.request("loginChatGpt", None)
        assert second["loginId"] != first["loginId"]
        assert await client.request("cancelLoginChatGpt", {"loginId": second["loginId"]}) == {}
        with pytest.raises(RpcError, match=f"login id not found: {second['loginId']}") as error:
            await client.request("cancelLoginChatGpt", {"loginId": second["loginId"]})
        assert error.value.code == -32600
        while len([m for m in wire.received if m.get("method") == "loginChatGptComplete"]) < 2:
            await client.request("getUserAgent", None)
    ended = [m["params"] for m in wire.received if m.get("method") == "loginChatGptComplete"]
    assert [(e["loginId"], e["success"]) for e in ended] == [(first["loginId"], False), (second["loginId"], False)]
    assert all(e["error"] for e in ended)


@pytest.mark.requirement("account:chatgpt:port")
async def test_taken_callback_ports_are_reported(openai: Home) -> None:
    with contextlib.ExitStack() as taken:
        for port in (1455, 1457):  # the engine goes on to the second
            listener = taken.enter_context(socket.socket())
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", port))
            listener.listen()
        async with serving(openai) as client:
            with pytest.raises(RpcError, match=r"^failed to start login server: Port .*145.* in use") as error:
                await client.request("loginChatGpt", None)
    assert error.value.code == -32603


@pytest.mark.requirement("account:forced-method")
@pytest.mark.parametrize(
    ("forced", "method", "params", "text"),
    [
        ("chatgpt", "loginApiKey", {"apiKey": KEY}, "API key login is disabled. Use ChatGPT login instead."),
        ("api", "loginChatGpt", None, "ChatGPT login is disabled. Use API key login instead."),
    ],
)
async def test_a_forced_method_of_signing_in_is_kept_to(
    openai: Home, forced: str, method: str, params: Any, text: str
) -> None:
    openai.configure(f'forced_login_method = "{forced}"', provider=False)
    async with serving(openai) as client:
        with pytest.raises(RpcError) as error:
            await client.request(method, params)
    assert (error.value.code, error.value.message) == (-32600, text)
    assert not (openai.path / "auth.json").exists()


@pytest.mark.requirement("account:email")
async def test_the_address_comes_from_the_sign_in_without_the_network(openai: Home) -> None:
    claims = base64.urlsafe_b64encode(json.dumps({"email": "a@example.com"}).encode()).decode().rstrip("=")
    tokens = {"id_token": f"x.{claims}.y", "access_token": "t", "refresh_token": "r", "account_id": None}
    (openai.path / "auth.json").write_text(json.dumps({"tokens": tokens}))
    async with serving(openai) as client:
        assert await client.request("userInfo", None) == {"allegedUserEmail": "a@example.com"}


@pytest.mark.requirement("account:limits")
async def test_limits_need_a_chatgpt_account(openai: Home) -> None:
    async with serving(openai) as client:
        with pytest.raises(RpcError, match="authentication required") as error:
            await client.request("account/rateLimits/read", None)
    assert error.value.code == -32600


@pytest.mark.requirement("account:without-hidden-method")
async def test_the_status_does_not_depend_on_a_method_that_the_engine_hides(home: Home) -> None:
    engine = ScriptedEngine(home.root, "no-hidden-methods", "signed-in")
    (home.path / "auth.json").write_text(json.dumps({"OPENAI_API_KEY": KEY}))
    async with serving(home, "--codex", str(engine.path)) as client:
        signed_in = {"authMethod": "apikey", "authToken": KEY, "requiresOpenaiAuth": True}
        assert await status(client, includeToken=True) == signed_in
        assert await status(client) == {**signed_in, "authToken": None}
