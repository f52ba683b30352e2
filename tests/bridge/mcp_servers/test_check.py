"""The states of servers as the real engine tells them: one hosted stand-in, or command, for each cause."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import pytest

from codex_mcp.bridge.mcp_servers.check import check
from codex_mcp.bridge.mcp_servers.startup import StartupLog
from codex_mcp.bridge.mcp_servers.survey import Report
from codex_mcp.engine.home import CodexHome
from codex_mcp.engine.short_lived import Notifications, short_lived_engine
from tests.support.engine_in_use import version
from tests.support.home import Home
from tests.support.hosted import HostedServer

KEY = {"GOOD": "hosted-key-acme", "WRONG": "hosted-key-nobody", "EMPTY": ""}


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


class Fleet:
    """Hosted servers that run together."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self._stack = stack
        self.servers: list[HostedServer] = []

    def url(self, **settings: object) -> str:
        """A stand-in with those settings; the line of config.toml that names it."""
        settings = {"auth": "none", **settings}
        self.servers.append(self._stack.enter_context(HostedServer(**settings)))
        return f'url = "{self.servers[-1].url}"\n'


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with contextlib.ExitStack() as stack:
        fleet = Fleet(stack)
        yield fleet
        for server in fleet.servers:
            server.begin_exit()


def listening(notifications: Notifications) -> StartupLog:
    log = StartupLog()
    notifications.watch(log.hear)
    return log


async def states(home: Home, servers: dict[str, str], limit: float = 25.0) -> dict[str, Report]:
    """What `check` says of servers with those settings, each named after the state that is expected and a number."""
    home.configure(tail="".join(f"[mcp_servers.{name}]\n{settings}\n" for name, settings in servers.items()))
    place = CodexHome(home.environment(**KEY), str(home.workspace))
    async with short_lived_engine(None, place) as (link, notifications):
        reports = await check(link, listening(notifications), place, limit=limit)
    return {report.name: report for report in reports}


def told(reports: dict[str, Report]) -> dict[str, str]:
    return {name: report.verdict.state.value for name, report in reports.items()}


@pytest.mark.requirement("servers:states")
async def test_each_cause_is_told_apart_by_what_the_engine_says(home: Home, fleet: Fleet) -> None:
    secret = '{"error": "no", "api_key": "sk-abcdefgh1234567890"}' + "x" * 50_000
    servers = {
        "connected": fleet.url(),
        "connected-key": fleet.url(auth="key") + 'bearer_token_env_var = "GOOD"',
        "connected-header": fleet.url(auth="any") + 'env_http_headers = {"X-MCP-API-Key" = "GOOD"}',
        "disabled": 'command = "false"\nenabled = false',
        "connected_no_tools": fleet.url(tools="none"),
        "connected_no_tools-filtered": fleet.url() + "enabled_tools = []",
        "tools_error": fleet.url(tools="error"),
        "tools_error-slow": fleet.url(list_delay=9) + "startup_timeout_sec = 3",
        "auth_required": fleet.url(auth="oauth"),
        "auth_required-no-oauth": fleet.url(auth="key"),
        "token_rejected": fleet.url(auth="key") + 'bearer_token_env_var = "WRONG"',
        "token_rejected-header": fleet.url(auth="any") + 'http_headers = {"X-MCP-API-Key" = "nobody"}',
        "token_env_missing": fleet.url(auth="key") + 'bearer_token_env_var = "UNSET"',
        "token_env_missing-empty": fleet.url(auth="key") + 'bearer_token_env_var = "EMPTY"',
        "token_env_missing-header": fleet.url(auth="any") + 'env_http_headers = {"X-MCP-API-Key" = "UNSET"}',
        "scope_denied": fleet.url(status=403, body=secret),
        "wrong_url-404": fleet.url(status=404),
        "wrong_url-redirect": fleet.url(status=302),
        "wrong_url-page": fleet.url(page="<h1>HTTP 403</h1>" + "x" * 50_000),
        "wrong_url-ftp": 'url = "ftp://127.0.0.1/mcp"',
        "unreachable": f'url = "http://127.0.0.1:{unused_port()}/mcp"',
        "server_error": fleet.url(status=503),
        "start_timeout": 'command = "sleep"\nargs = ["30"]\nstartup_timeout_sec = 1',
        "command_not_found": 'command = "/no/such/command"',
        "start_failed": 'command = "false"',
        "start_failed-garbage": fleet.url(status=200, body="{{{" * 1000),
        "start_failed-required": 'command = "false"\nrequired = true',
    }
    reports = await states(home, servers)
    assert told(reports) == {name: name.split("-")[0] for name in servers}
    for report in reports.values():
        shown = report.to_json()
        assert len(shown["detail"] or "") <= 300
        assert "sk-abc" not in str(shown) and "codex_rmcp" not in str(shown) and "`codex mcp" not in str(shown)


async def test_a_server_that_is_switched_off_or_not_asked_for_is_not_started(home: Home) -> None:
    marks = {name: home.root / name for name in ("off", "other", "own")}
    lines = {name: f'command = "touch"\nargs = ["{mark}"]\n' for name, mark in marks.items()}
    lines["off"] += "enabled = false\n"
    lines["own"] = f'command = "sh"\nargs = ["-c", "touch {marks["own"]}", "codex-mcp-server"]\n'
    home.configure(tail="".join(f"[mcp_servers.{name}]\n{text}" for name, text in lines.items()))
    with home.config.open("a") as config:
        config.write('[mcp_servers."an odd.name"]\ncommand = "false"\n')
    place = CodexHome(home.environment(), str(home.workspace))
    async with short_lived_engine(None, place) as (link, notifications):
        reports = await check(link, listening(notifications), place, names=["off", "nosuch"], limit=20)
    assert told({report.name: report for report in reports}) == {"off": "disabled", "nosuch": "missing"}
    assert not any(mark.exists() for mark in marks.values())


@pytest.mark.slow
async def test_a_server_that_never_answers_costs_no_more_than_the_limit(home: Home) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        servers = {
            "starting": f'url = "http://127.0.0.1:{silent.getsockname()[1]}/mcp"',
            "start_failed": 'command = "false"',
        }
        reports = await states(home, servers, limit=3)
    states_then = told(reports)
    assert states_then["starting"] == "starting"
    # 0.144 tells nothing before it has looked at every server
    assert states_then["start_failed"] == "start_failed" or version() < (0, 163)
