"""`mcp login` and `logout` against the stand-in; an HTTP client that follows the address is the user's browser."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Callable

import pytest

from codex_mcp import invocation
from tests.cli.mcp.conftest import CommandLine, Ended
from tests.support.engine_in_use import version
from tests.support.hosted import HostedServer
from tests.support.hosted.browser import follow

Browse = Callable[[str], object]


def nothing(_url: str) -> None:
    """A user who does not come back."""


def sign_in(run: CommandLine, *words: str, browse: Browse = follow) -> Ended:
    process = run.begin("login", "alloy", "--no-browser", "--json", *words)
    assert process.stdout is not None
    first = process.stdout.readline()
    if "authorizationUrl" in first:
        browse(json.loads(first)["authorizationUrl"])
        stdout, stderr = process.communicate()
        return Ended(process.returncode, stdout, stderr)
    stdout, stderr = process.communicate()
    return Ended(process.returncode, first + stdout, stderr)


def state(run: CommandLine) -> str:
    [server] = run("status", "alloy", "--json").json["servers"]
    return str(server["state"])


def with_server(run: CommandLine, hosted: HostedServer, more: str = "") -> None:
    run.home.configure(tail=f'[mcp_servers.alloy]\nurl = "{hosted.url}"\n{more}')


@pytest.mark.requirement("servers:oauth:commands")
def test_the_published_steps_lead_to_a_server_that_can_be_used(run: CommandLine) -> None:
    with HostedServer(auth="oauth") as hosted:
        added = run("add", "alloy", "--url", hosted.url)
        assert added.stdout == f"added alloy: auth_required: log in: `{invocation.command('mcp', 'login', 'alloy')}`\n"
        assert sign_in(run).json == {"name": "alloy", "success": True, "error": None}
        [server] = run("status", "--json").json["servers"]
        assert (server["state"], server["advice"]) == ("connected", None)
        assert {"name": "get_diff", "title": "Read a diff", "readOnlyHint": True, "destructiveHint": None} in server[
            "tools"
        ]
        assert run("logout", "alloy").stdout == "signed out of alloy\n"
        assert state(run) == "auth_required"
        assert run("logout", "alloy").stdout == "nobody was signed in to alloy\n"


@pytest.mark.slow
@pytest.mark.requirement("servers:oauth:commands")
def test_removing_a_server_removes_its_sign_in(run: CommandLine) -> None:
    with HostedServer(auth="oauth") as hosted:
        with_server(run, hosted)
        assert sign_in(run).status == 0
        assert run("remove", "alloy").stdout == "removed alloy and its stored sign-in\n"
        assert run("add", "alloy", "--url", hosted.url).stdout.startswith("added alloy: auth_required")


@pytest.mark.requirement("servers:oauth:failures")
def test_a_user_who_denies_is_asked_once_and_told_so(run: CommandLine) -> None:
    with HostedServer(auth="oauth", consent="deny") as hosted:
        with_server(run, hosted)
        ended = sign_in(run)
        assert ended.status == 1
        assert ended.json["error"].startswith("access was denied in the browser")
        assert len([entry for entry in hosted.log if entry.get("oauth") == "authorize"]) == 1


@pytest.mark.slow
@pytest.mark.requirement("servers:oauth:failures")
def test_nobody_answers(run: CommandLine) -> None:
    with HostedServer(auth="oauth") as hosted:
        with_server(run, hosted)
        ended = sign_in(run, "--timeout", "1", browse=nothing)
        assert ended.status == 1
        assert ended.json["error"].startswith("nobody answered within 1 seconds")


@pytest.mark.slow
@pytest.mark.requirement("servers:oauth:failures")
def test_an_answer_for_another_sign_in_is_not_taken(run: CommandLine) -> None:
    def tamper(url: str) -> None:
        [callback] = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)["redirect_uri"]
        follow(f"{callback}?code=stolen&state=of-somebody-else")

    with HostedServer(auth="oauth") as hosted:
        with_server(run, hosted)
        ended = sign_in(run, browse=tamper)
        assert ended.status == 1
        assert "could not be used" in ended.json["error"]
        assert not [entry for entry in hosted.log if entry.get("oauth") == "token"]


@pytest.mark.slow
@pytest.mark.requirement("servers:oauth:failures")
@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"registration": False}, "ask its owner for a client id"),
        ({"registration_status": 403}, "ask its owner for a client id"),
        ({"token_status": 500}, "could not be used"),
        ({"auth": "none"}, ""),
    ],
)
def test_a_server_that_does_not_take_the_sign_in_is_explained(
    run: CommandLine, settings: dict[str, object], said: str
) -> None:
    with HostedServer(**{"auth": "oauth", **settings}) as hosted:
        with_server(run, hosted)
        ended = sign_in(run)
        assert ended.status == 1
        error = ended.json["error"]
        assert said in (error if isinstance(error, str) else error["message"])


@pytest.mark.slow
@pytest.mark.requirement("servers:oauth:commands")
def test_a_callback_that_is_pasted_counts_and_another_address_is_not_opened(run: CommandLine) -> None:
    with HostedServer(auth="oauth", consent="page") as hosted:
        with_server(run, hosted)
        process = run.begin("login", "alloy", "--no-browser", "--json")
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        url = json.loads(process.stdout.readline())["authorizationUrl"]
        process.stdin.write(f"{hosted.base}/control/evil\n")
        process.stdin.flush()
        assert "not the address that the browser ends at" in process.stderr.readline()
        consent = follow(url)  # the page; the user says yes on another machine, which cannot reach the callback
        [ticket] = urllib.parse.parse_qs(urllib.parse.urlsplit(consent).query)["ticket"]
        process.stdin.write(hosted.hosted.authority.approve(ticket) + "\n")
        process.stdin.flush()
        stdout, _ = process.communicate()
        assert json.loads(stdout)["success"] is True
        assert not any(entry.get("path") == "/control/evil" for entry in hosted.log)


@pytest.mark.slow
@pytest.mark.requirement("servers:oauth:commands")
def test_a_sign_in_that_would_change_nothing_is_refused(run: CommandLine) -> None:
    with HostedServer(auth="any") as hosted:
        with_server(run, hosted, 'bearer_token_env_var = "ALLOY_KEY"\n')
        ended = run("login", "alloy")
        assert ended.status == 1
        assert "uses the key in ALLOY_KEY" in ended.stderr


@pytest.mark.slow
@pytest.mark.requirement("servers:oauth:tokens")
def test_tokens_are_refreshed_and_revoked_ones_ask_for_a_new_sign_in(run: CommandLine) -> None:
    with HostedServer(auth="oauth") as hosted:
        with_server(run, hosted)
        assert sign_in(run).status == 0
        if version() >= (0, 163):  # 0.144 refreshes only what is about to expire
            hosted.revoke(access=True)
            assert state(run) == "connected"
            assert [entry["grant"] for entry in hosted.log if entry.get("oauth") == "token"][-1] == "refresh_token"
        hosted.revoke(access=True, refresh=True)
        assert state(run) == "reauth_required"
        assert sign_in(run).status == 0
        assert state(run) == "connected"


@pytest.mark.slow
@pytest.mark.requirement("servers:oauth:commands")
def test_a_key_of_a_variable_needs_no_sign_in(run: CommandLine) -> None:
    with HostedServer(auth="any") as hosted:
        run.environment["ALLOY_KEY"] = "hosted-key-acme"
        added = run("add", "alloy", "--url", hosted.url, "--bearer-token-env-var", "ALLOY_KEY")
        assert added.stdout.startswith("added alloy: connected, ")
        assert "hosted-key" not in run.home.config.read_text()
