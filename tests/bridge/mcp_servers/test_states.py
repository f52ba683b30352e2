"""The state of an MCP server, from what engines 0.144, 0.163 and 0.169 say of one. The texts are theirs."""

from __future__ import annotations

from dataclasses import replace

import hypothesis
import pytest
from hypothesis import strategies

from codex_mcp.bridge.mcp_servers.states import Seen, State, Verdict, judge
from codex_mcp.bridge.mcp_servers.wording import MAX_TEXT, plain

pytestmark = pytest.mark.requirement("servers:states")

RUN = "codex-mcp-server"
TYPES = (
    "[codex_rmcp_client::event_notification_transport::EventNotificationTransport<rmcp::transport::worker::"
    "WorkerTransport<rmcp::transport::streamable_http_client::StreamableHttpClientWorker<codex_rmcp_client::"
    "http_client_adapter::StreamableHttpClientAdapter>>>]"
)
HANDSHAKE = f"MCP startup failed: handshaking with MCP server failed: Send message error Transport {TYPES} error: "
URL = {"url": "https://hosted.example/mcp", "enabled": True}
COMMAND = {"command": "serve", "args": [], "enabled": True}


def failed(text: str, auth: str = "unknown", entry: object = None, **more: object) -> Seen:
    """A server whose start failed with that text, the way the engine repeats it."""
    if text.startswith(HANDSHAKE):
        text = f"{text}, when send initialize request: {text.removeprefix('MCP startup failed: ')}"
    return Seen(
        "alloy",
        entry=URL if entry is None else entry,  # type: ignore[arg-type]
        listed=True,
        runtime_status="failed",
        auth_status=auth,
        tools_error=text,
        startup_status="failed",
        startup_error=f"MCP client for `alloy` failed to start: {text}",
        **more,  # type: ignore[arg-type]
    )


def refused(auth: str = "notLoggedIn", entry: object = None, **more: object) -> Seen:
    """A server that wants credentials."""
    said: dict[str, object] = {
        "runtime_status": "authenticationRequired",
        "startup_error": "The alloy MCP server is not logged in. Run `codex mcp login alloy`.",
    }
    return replace(failed(f"{HANDSHAKE}Auth required", auth, entry), **said | more)  # type: ignore[arg-type]


UP = Seen("alloy", entry=URL, listed=True, runtime_status="connected", auth_status="oAuth", connected=True, tools=3)
REAUTH = "The alloy MCP server requires OAuth reauthentication. Run `codex mcp login alloy`."

ROWS: dict[str, tuple[Seen, str]] = {
    "missing": (Seen("alloy"), "mcp add alloy"),
    "disabled": (Seen("alloy", {**URL, "enabled": False}, listed=True, runtime_status="disabled"), "mcp enable alloy"),
    "disabled: not asked yet": (Seen("alloy", {**URL, "enabled": False}), "mcp enable alloy"),
    "disabled: this server itself": (Seen("alloy", COMMAND, own=True), "runs this server itself"),
    "not_loaded": (Seen("alloy", URL), "reload"),
    "starting": (Seen("alloy", URL, listed=True, runtime_status="starting"), "wait"),
    "starting: by notification": (Seen("alloy", URL, startup_status="starting"), "wait"),
    "cancelled": (Seen("alloy", URL, listed=True, runtime_status="cancelled"), "try again"),
    "connected": (UP, ""),
    "connected: a key that the engine does not know": (replace(UP, auth_status="notLoggedIn"), ""),
    "connected: 0.144": (replace(UP, runtime_status=None, startup_status="ready"), ""),
    "connected_no_tools": (replace(UP, tools=0), "enabled_tools"),
    "tools_error": (failed("MCP startup failed: Mcp error: -32603: the list of tools is broken"), "owner"),
    "tools_error: time": (failed("MCP startup failed: timed out awaiting tools/list after 2s"), "startup_timeout_sec"),
    "tools_error: while connected": (replace(UP, tools_error="Mcp error: -32603: x"), "owner"),
    "auth_required": (refused(), "`codex-mcp-server mcp login alloy`"),
    "auth_required: 0.144": (
        Seen(
            "alloy",
            URL,
            startup_status="failed",
            startup_error="The alloy MCP server is not logged in. Run `codex mcp login alloy`.",
        ),
        "mcp login alloy",
    ),
    "auth_required: no OAuth": (refused("unsupported"), "--bearer-token-env-var"),
    "token_rejected": (
        refused("bearerToken", {**URL, "bearer_token_env_var": "KEY"}, environment={"KEY": "x"}),
        "the value of KEY",
    ),
    "token_rejected: header": (refused(entry={**URL, "http_headers": {"X-MCP-API-Key": "x"}}), "http_headers"),
    "token_rejected: header of a variable": (
        refused(entry={**URL, "env_http_headers": {"X-MCP-API-Key": "KEY"}}, environment={"KEY": "x"}),
        "the value of KEY",
    ),
    "auth_required: a header that is no key": (refused(entry={**URL, "http_headers": {"X-Team": "a"}}), "mcp login"),
    "reauth_required": (
        refused(startup_error=REAUTH, failure_reason="reauthenticationRequired"),
        "log in again",
    ),
    "reauth_required: no reason given": (refused(startup_error=REAUTH), "log in again"),
    "reauth_required: 0.144": (
        replace(failed(f"{HANDSHAKE}OAuth authorization required", "oAuth"), runtime_status=None),
        "log in again",
    ),
    "token_env_missing": (
        failed("MCP startup failed: Environment variable KEY for MCP server 'alloy' is not set", "bearerToken"),
        "set KEY in the environment",
    ),
    "token_env_missing: empty": (
        failed("MCP startup failed: Environment variable KEY for MCP server 'alloy' is empty", "bearerToken"),
        "set KEY in the environment",
    ),
    "token_env_missing: header": (refused(entry={**URL, "env_http_headers": {"X-MCP-API-Key": "KEY"}}), "set KEY"),
    "scope_denied": (failed(f'{HANDSHAKE}unexpected server response: HTTP 403: {{"error":"x"}}'), "not allowed"),
    "scope_denied: OAuth": (failed(f"{HANDSHAKE}Insufficient scope", "oAuth"), "not allowed"),
    "wrong_url: 404": (failed(f"{HANDSHAKE}unexpected server response: HTTP 404: "), "check `url`"),
    "wrong_url: 405": (failed(f"{HANDSHAKE}unexpected server response: HTTP 405: "), "check `url`"),
    "wrong_url: a redirect": (failed(f"{HANDSHAKE}unexpected server response: HTTP 302: "), "check `url`"),
    "wrong_url: a page": (
        failed(f'{HANDSHAKE}Unexpected content type: Some("text/html; body: <h1>HTTP 500: no</h1>")'),
        "check `url`",
    ),
    "wrong_url: none": (
        failed(f"{HANDSHAKE}Client error: HTTP request failed: relative URL without a base"),
        "check `url`",
    ),
    "wrong_url: ftp": (
        failed(
            f"{HANDSHAKE}Client error: HTTP request failed: http/request only supports http and https URLs, got ftp"
        ),
        "check `url`",
    ),
    "unreachable": (
        failed(
            f"{HANDSHAKE}Client error: HTTP request failed: http/request failed: error sending request for url "
            "(http://127.0.0.1:9/mcp)"
        ),
        "network",
    ),
    "server_error": (failed(f"{HANDSHAKE}unexpected server response: HTTP 503: try HTTP 404"), "later"),
    "server_error: too many requests": (failed(f"{HANDSHAKE}unexpected server response: HTTP 429: slow"), "later"),
    "start_timeout": (
        replace(
            failed("MCP startup failed: timed out handshaking with MCP server after 1.999999489s"),
            startup_error="MCP client for `alloy` timed out after 2 seconds. Add or adjust `startup_timeout_sec`",
        ),
        "startup_timeout_sec",
    ),
    "start_timeout: 0.144": (
        Seen(
            "alloy",
            URL,
            startup_status="failed",
            startup_error="MCP client for `alloy` timed out after 2 seconds. Add or adjust `startup_timeout_sec`",
        ),
        "startup_timeout_sec",
    ),
    "command_not_found": (
        failed("MCP startup failed: No such file or directory (os error 2)", "unsupported", COMMAND),
        "install it",
    ),
    "command_not_found: no program": (
        failed("MCP startup failed: Permission denied (os error 13)", "unsupported", COMMAND),
        "install it",
    ),
    "start_failed": (
        failed(f"{HANDSHAKE}Broken pipe (os error 32)", "unsupported", COMMAND),
        "run its command by hand",
    ),
    "start_failed: no answer": (
        failed("handshaking with MCP server failed: connection closed: initialize response", "unsupported", COMMAND),
        "run its command by hand",
    ),
    "start_failed: unknown words": (failed("something quite new"), "tell its owner"),
}


@pytest.mark.parametrize("row", ROWS)
def test_each_cause_has_its_own_state_and_advice(row: str) -> None:
    seen, advised = ROWS[row]
    verdict = judge(seen, RUN)
    assert verdict.state.value == row.split(":")[0]
    assert advised in (verdict.advice or "")
    assert (verdict.advice is None) == (verdict.state is State.CONNECTED)


def test_every_state_has_a_row() -> None:
    assert {state.value for state in State} == {row.split(":")[0] for row in ROWS}


def test_advice_and_detail_name_the_command_that_this_user_can_run() -> None:
    verdict = judge(refused(), "/opt/x/bin/codex-mcp-server")
    assert verdict == Verdict(
        State.AUTH_REQUIRED,
        "log in: `/opt/x/bin/codex-mcp-server mcp login alloy`",
        "The alloy MCP server is not logged in. Run `/opt/x/bin/codex-mcp-server mcp login alloy`.",
    )


def test_the_detail_has_no_types_no_repetition_and_no_introduction() -> None:
    seen, _ = ROWS["scope_denied"]
    assert judge(seen, RUN).detail == 'unexpected server response: HTTP 403: {"error":"x"}'


@pytest.mark.requirement("servers:texts")
def test_what_a_server_answers_is_cut_and_its_secrets_and_control_characters_do_not_pass() -> None:
    body = 'Authorization: Bearer abcdef123456 {"api_key": "sk-abcdefgh12345678"}\x1b[2J\u202e' + "x" * 100_000
    detail = judge(failed(f"{HANDSHAKE}unexpected server response: HTTP 500: {body}"), RUN).detail
    assert detail is not None and len(detail) == MAX_TEXT
    assert "abcdef" not in detail and not {"\x1b", "\u202e"} & set(detail)


@pytest.mark.requirement("servers:texts")
@pytest.mark.parametrize("name", ["HTTP 403", "a Mcp error: b", "x timed out after 9 seconds"])
def test_neither_a_name_nor_an_answer_decides_the_state(name: str) -> None:
    text = f"MCP client for `{name}` failed to start: MCP startup failed: No such file or directory (os error 2)"
    seen = Seen(name, COMMAND, listed=True, runtime_status="failed", startup_status="failed", startup_error=text)
    assert judge(seen, RUN).state is State.COMMAND_NOT_FOUND
    answered = failed(f"{HANDSHAKE}unexpected server response: HTTP 404: {name} Auth required Insufficient scope")
    assert judge(answered, RUN).state is State.WRONG_URL


TEXTS = strategies.none() | strategies.text(max_size=200)
WORDS = strategies.sampled_from([None, "connected", "failed", "authenticationRequired", "starting", "new"])


@hypothesis.given(WORDS, WORDS, TEXTS, TEXTS, strategies.booleans())
def test_anything_the_engine_may_say_has_a_state(
    runtime: str | None, startup: str | None, one: str | None, other: str | None, listed: bool
) -> None:
    seen = Seen(
        "a",
        listed=listed,
        runtime_status=runtime,
        startup_status=startup,
        tools_error=one,
        startup_error=other,
    )
    verdict = judge(seen, RUN)
    assert verdict.detail is None or len(verdict.detail) <= MAX_TEXT + len(RUN)
    assert (verdict.advice is None) == (verdict.state is State.CONNECTED)


def test_a_text_without_anything_to_remove_stays() -> None:
    assert plain("HTTP 403: no") == "HTTP 403: no"
