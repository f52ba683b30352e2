"""Who may say what, and when, in either dialect."""

from __future__ import annotations

from typing import Any

import pytest

from codex_mcp.surfaces.handshake import MCP_VERSIONS, UNANSWERED, Dialect, Handshake
from codex_mcp.wire.errors import RpcError

CLIENT = {"name": "conf", "version": "9.9"}


def mcp_params(**changes: Any) -> dict[str, Any]:
    return {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": CLIENT, **changes}


def opened(mcp: bool) -> Handshake:
    handshake = Handshake()
    handshake.answer("initialize", mcp_params() if mcp else {"clientInfo": CLIENT}, jsonrpc=mcp)
    return handshake


def refusal(handshake: Handshake, method: str, params: Any = None, *, jsonrpc: bool = False) -> RpcError:
    with pytest.raises(RpcError) as error:
        handshake.answer(method, params, jsonrpc=jsonrpc)
    return error.value


@pytest.mark.requirement("handshake:app-server")
def test_client_info_alone_opens_the_app_server_dialect() -> None:
    handshake = Handshake()
    result = handshake.answer("initialize", {"clientInfo": {**CLIENT, "title": "C"}, "extra": 1}, jsonrpc=False)
    assert handshake.dialect is Dialect.APP_SERVER
    assert set(result) == {"userAgent"}
    assert result["userAgent"].startswith("codex_cli_rs/0.53.0 (")
    assert result["userAgent"].endswith("(conf; 9.9)")


@pytest.mark.requirement("handshake:mcp")
def test_a_protocol_version_opens_the_mcp_dialect() -> None:
    handshake = Handshake()
    result = handshake.answer("initialize", mcp_params(capabilities={"elicitation": {}}), jsonrpc=True)
    assert handshake.dialect is Dialect.MCP
    assert result["protocolVersion"] == "2025-06-18"
    assert {"name", "title", "version", "user_agent"} == set(result["serverInfo"])
    assert handshake.client_capabilities == {"elicitation": {}}


@pytest.mark.requirement("handshake:mcp:versions")
@pytest.mark.parametrize("version", MCP_VERSIONS)
def test_a_served_version_is_agreed_to(version: str) -> None:
    assert (
        Handshake().answer("initialize", mcp_params(protocolVersion=version), jsonrpc=True)["protocolVersion"]
        == version
    )


@pytest.mark.requirement("handshake:mcp:versions")
@pytest.mark.parametrize("version", ["1999-01-01", "2026-07-28", "", "zzz"])
def test_another_version_is_answered_with_the_newest_served(version: str) -> None:
    result = Handshake().answer("initialize", mcp_params(protocolVersion=version), jsonrpc=True)
    assert result["protocolVersion"] == MCP_VERSIONS[-1]


@pytest.mark.requirement("handshake:jsonrpc-member")
@pytest.mark.parametrize("habit", [True, False])
def test_the_jsonrpc_member_is_sent_as_the_app_server_client_does(habit: bool) -> None:
    handshake = Handshake()
    handshake.answer("initialize", {"clientInfo": CLIENT}, jsonrpc=habit)
    assert handshake.jsonrpc is habit


@pytest.mark.requirement("handshake:jsonrpc-member")
def test_the_jsonrpc_member_is_always_sent_in_mcp() -> None:
    handshake = Handshake()
    handshake.answer("initialize", mcp_params(), jsonrpc=False)
    assert handshake.jsonrpc


@pytest.mark.requirement("handshake:required")
def test_a_request_before_initialize_is_refused() -> None:
    error = refusal(Handshake(), "newConversation", {})
    assert (error.code, error.message) == (-32600, "Not initialized")


@pytest.mark.requirement("handshake:discover")
def test_the_probe_of_newer_mcp_clients_is_refused_at_once_and_the_handshake_still_works() -> None:
    handshake = Handshake()
    assert refusal(handshake, "server/discover", {}, jsonrpc=True).code == -32601
    assert handshake.answer("initialize", mcp_params(), jsonrpc=True)["protocolVersion"] == "2025-06-18"


def test_ping_is_answered_before_initialize() -> None:
    assert Handshake().answer("ping", None, jsonrpc=True) == {}


@pytest.mark.requirement("handshake:once")
@pytest.mark.parametrize(("mcp", "text"), [(False, "Already initialized"), (True, "initialize called more than once")])
def test_a_second_initialize_is_refused_and_changes_nothing(mcp: bool, text: str) -> None:
    handshake = opened(mcp)
    before = handshake.user_agent
    error = refusal(handshake, "initialize", {"clientInfo": {"name": "again", "version": "1"}})
    assert (error.code, error.message) == (-32600, text)
    assert handshake.user_agent == before


@pytest.mark.requirement("handshake:incomplete")
@pytest.mark.parametrize(
    ("params", "code"),
    [
        (None, -32600),
        ({}, -32600),
        ([], -32600),
        ({"clientInfo": {"name": "x"}}, -32600),
        ({"clientInfo": {"name": 1, "version": "1"}}, -32600),
        ({"protocolVersion": "2025-06-18"}, -32602),
        (mcp_params(capabilities=[]), -32602),
        (mcp_params(protocolVersion=1), -32602),
    ],
)
def test_an_incomplete_initialize_is_refused_with_the_reason_and_may_be_repeated(params: Any, code: int) -> None:
    handshake = Handshake()
    error = refusal(handshake, "initialize", params)
    assert error.code == code
    assert "`" in error.message
    assert handshake.dialect is None
    handshake.answer("initialize", {"clientInfo": CLIENT}, jsonrpc=False)


@pytest.mark.requirement("handshake:dialect-methods")
def test_mcp_methods_belong_to_the_mcp_dialect_alone() -> None:
    assert opened(mcp=True).answer("ping", {}, jsonrpc=True) == {}
    assert "tools" in opened(mcp=True).answer("tools/list", None, jsonrpc=True)
    assert opened(mcp=False).answer("ping", {}, jsonrpc=False) is UNANSWERED
    assert opened(mcp=False).answer("tools/list", {}, jsonrpc=False) is UNANSWERED


def test_the_user_agent_holds_only_characters_that_a_header_takes() -> None:
    handshake = Handshake()
    client = {"name": "ünï\n", "version": "1"}
    agent = handshake.answer("initialize", {"clientInfo": client}, jsonrpc=False)["userAgent"]
    assert agent.endswith("(_n__; 1)")


@pytest.mark.parametrize(
    ("dialect", "codes"), [(Dialect.APP_SERVER, (-32600, -32600)), (Dialect.MCP, (-32601, -32602))]
)
def test_errors_have_the_codes_of_the_dialect_and_the_reason(dialect: Dialect, codes: tuple[int, int]) -> None:
    unknown, bad = dialect.unknown_method("nope"), dialect.bad_params("missing field `x`")
    assert (unknown.code, bad.code) == codes
    assert "nope" in unknown.message
    assert "missing field `x`" in bad.message
    assert (unknown.data["code"], bad.data["code"]) == ("unknown_method", "invalid_params")
