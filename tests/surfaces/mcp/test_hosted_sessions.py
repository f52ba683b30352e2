"""The published steps with a hosted server: add it, sign in, ask Codex for what is behind a link."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from codex_mcp.offline import OfflineModel
from tests.support.home import Home
from tests.support.hosted import HostedServer
from tests.support.hosted.browser import follow
from tests.support.hosted.tools import COMBINED_SCHEMA
from tests.support.mcp_client import mcp_serving, text
from tests.support.server import serving, turn

pytestmark = pytest.mark.anyio

LINK = "https://hosted.example/acme/p/dev/dev-7"
STEPS = (
    ("resolve_session", {"link": LINK}),
    ("get_messages", {"session": "dev-7"}),
    ("list_files", {"session": "dev-7"}),
    ("get_diff", {"session": "dev-7", "path": "src/cart.js"}),
)


def command(home: Home, *words: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "codex_mcp", "mcp", *words],
        cwd=home.workspace,
        env=home.environment(**environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )


def run(home: Home, *words: str, **environment: str) -> str:
    stdout, _ = command(home, *words, **environment).communicate()
    return stdout


def sign_in(home: Home, name: str) -> Any:
    process = command(home, "login", name, "--no-browser", "--json")
    assert process.stdout is not None
    follow(json.loads(process.stdout.readline())["authorizationUrl"])
    stdout, _ = process.communicate()
    return json.loads(stdout)


def script(model: OfflineModel) -> None:
    for tool, arguments in STEPS:
        model.add([{"call_tool": {"server": "sessions", "tool": tool, "arguments": arguments}}])
    model.add([{"say": "The total ignored quantities; it is fixed."}])


def seen_by_the_model(model: OfflineModel) -> str:
    return json.dumps(model.requests[-1]["input"])


@pytest.mark.requirement("servers:published-steps")
@pytest.mark.parametrize("way", ["oauth", pytest.param("key", marks=pytest.mark.slow)])
async def test_codex_reads_the_session_behind_a_link(home: Home, model: OfflineModel, way: str) -> None:
    script(model)
    key: dict[str, Any] = {} if way == "oauth" else {"SESSIONS_KEY": "hosted-key-acme"}
    with HostedServer(auth="any") as hosted:
        if way == "oauth":
            assert "auth_required" in run(home, "add", "sessions", "--url", hosted.url)
            assert sign_in(home, "sessions")["success"] is True
        else:
            words = ("add", "sessions", "--url", hosted.url, "--bearer-token-env-var", "SESSIONS_KEY")
            assert "connected" in run(home, *words, **key)
        async with mcp_serving(home, **key) as client:
            result = await client.call("codex", prompt=f"What was done in {LINK}?")
        assert [(call["name"], call["arguments"]) for call in hosted.calls()] == list(STEPS)
    assert text(result) == "The total ignored quantities; it is fixed."
    assert "mcpServers" not in result["structuredContent"]
    seen = seen_by_the_model(model)
    for part in ("Fix cart totals", "The total ignores quantities.", "src/cart.js", "i.price * i.quantity"):
        assert part in seen


@pytest.mark.requirement("servers:results-unchanged")
async def test_results_and_schemas_of_servers_reach_the_client_unchanged(home: Home, model: OfflineModel) -> None:
    model.add([{"call_tool": {"server": "sessions", "tool": "screenshot", "arguments": {"session": "dev-7"}}}])
    model.add([{"call_tool": {"server": "sessions", "tool": "fail", "arguments": {"reason": "no"}}}], [{"say": "done"}])
    with HostedServer(auth="none") as hosted:
        home.configure(tail=f'[mcp_servers.sessions]\nurl = "{hosted.url}"\n')
        async with serving(home) as client:
            conversation = await client.new_conversation()
            events = await turn(conversation, "go")
            answer = await client.request(
                "mcpServerStatus/list", {"threadId": conversation.id, "serverName": "sessions"}
            )
    shot, failed = (event.result for event in events if event.type == "mcp_tool_call_end")
    shot = json.loads(json.dumps(shot, default=lambda value: value.model_dump(mode="json", by_alias=True)))
    [content] = [part for part in shot["Ok"]["content"] if part["type"] == "image"]
    assert content["mimeType"] == "image/png"
    assert shot["Ok"]["structuredContent"] == {"width": 1, "height": 1}
    failed = json.loads(json.dumps(failed, default=lambda value: value.model_dump(mode="json", by_alias=True)))
    assert failed["Ok"]["isError"] is True
    [server] = answer["data"]
    assert server["tools"]["search_sessions"]["inputSchema"] == COMBINED_SCHEMA
