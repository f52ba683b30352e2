"""The page over plain HTTP: who may answer, what a person sees, and that no other page can answer for them."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx2
import pytest

from codex_mcp.http.page.views import visible
from codex_mcp.http.tokens import TokenFile
from codex_mcp.offline import OfflineModel
from tests.support.home import Home
from tests.support.http_server import http_serving

pytestmark = pytest.mark.anyio

ASK = {"prompt": "go", "sandbox": "workspace-write", "approval-policy": "on-request"}


def fields(page: str) -> dict[str, str]:
    """The hidden fields of the last form on a page."""
    return {
        name: html.unescape(value) for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page)
    }


async def question(client: httpx2.AsyncClient, path: str = "/") -> str:
    """The page, once a question is on it."""
    while 'class="question"' not in (page := (await client.get(path)).text):
        await anyio.sleep(0.05)
    return page


@asynccontextmanager
async def asking(client: httpx2.AsyncClient, headers: dict[str, str] | None = None) -> AsyncIterator[list[Any]]:
    """A call that nobody but the page can answer for; its results."""
    results: list[Any] = []

    async def call() -> None:
        results.append((await client.post("/tools/codex", json=ASK, headers=headers)).json())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call)
        yield results


@pytest.mark.requirement("http:page:answer")
@pytest.mark.requirement("http:page:csrf")
@pytest.mark.requirement("http:page:plain")
async def test_a_person_answers_for_a_client_that_cannot_be_asked(home: Home, model: OfflineModel) -> None:
    outside = home.root / "<b>outside"
    model.add([{"run": f"touch '{outside}'", "ask": "needed"}], [{"say": "done"}])
    model.add([{"run": f"rm -f '{outside}'", "ask": "needed"}], [{"say": "not done"}])
    async with http_serving(home) as server, server.raw() as client:
        async with asking(client) as results:
            page = await question(client)
            assert "&lt;b&gt;outside" in page
            assert "<b>outside" not in page
            form = fields(page)
            for wrong in ({**form, "mark": "0"}, {k: v for k, v in form.items() if k != "mark"}):
                refused = await client.post("/answer", data={**wrong, "decision": "approve"})
                assert refused.status_code == 403
            foreign = {"Origin": "https://evil.example"}
            refused = await client.post("/answer", data={**form, "decision": "approve"}, headers=foreign)
            assert refused.status_code == 403
            assert (await client.post("/answer", data={**form, "decision": "maybe"})).status_code == 400
            assert not outside.exists()
            answered = await client.post("/answer", data={**form, "decision": "approve"})
            assert (answered.status_code, answered.headers["location"]) == (303, "/")
        assert outside.exists()
        assert results[0]["content"] == "done"
        again = await client.post("/answer", data={**form, "decision": "approve", "back": "//evil.example"})
        assert again.headers["location"] == "/?gone"
        assert "answered or withdrawn" in (await client.get("/?gone")).text

        async with asking(client) as results:
            thread = re.findall(r'href="(/threads/[^"]+)"', await question(client))[0]
            form = fields(await question(client, thread))
            assert form["back"] == thread
            await client.post("/answer", data={**form, "decision": "deny"})
        assert outside.exists()
        assert results[0]["content"] == "not done"
        assert results[0]["deniedApprovals"][0]["because"].endswith("said no")
        transcript = (await client.get(thread)).text
        assert "not done" in transcript
        assert (await client.get("/threads/nothing")).status_code == 404
        policy = (await client.get("/")).headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert (await client.get("/static/../routes.py")).status_code == 404
        assert (await client.get("/static/%2e%2e%2froutes.py")).status_code == 404
        assert not any("Traceback" in line for line in server.log), server.log


@pytest.mark.requirement("http:page:people")
async def test_only_people_with_the_scope_see_and_answer(home: Home, model: OfflineModel) -> None:
    outside = home.root / "outside"
    model.add([{"run": f"touch {outside}", "ask": "needed"}], [{"say": "done"}])
    file = TokenFile(home.root / "tokens.json")
    agent, person = file.create("agent", ["codex:use"]), file.create("ada", ["codex:answer"])
    use = {"Authorization": f"Bearer {agent}"}
    async with http_serving(home, "--tokens", str(file.path)) as server, server.raw() as client:
        for path in ("/", "/live", "/threads/x"):
            assert (await client.get(path)).headers["location"] == "/sign-in"
            assert (await client.get(path, headers=use)).status_code == 403
        assert (await client.post("/answer", data={}, headers=use)).status_code == 403
        mark = fields((await client.get("/sign-in")).text)["mark"]
        for wrong in ("", "nothing", agent):
            assert (await client.post("/sign-in", data={"mark": mark, "token": wrong})).status_code == 403
        signed_in = await client.post("/sign-in", data={"mark": mark, "token": person})
        cookie = signed_in.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert person not in cookie
        async with asking(client, use):
            page = await question(client)
            assert "ada" in page
            stale = await client.post("/answer", data={**fields(page), "mark": mark, "decision": "approve"})
            assert stale.status_code == 403  # of the form before the sign-in
            await client.post("/answer", data={**fields(page), "decision": "approve"})
        assert outside.exists()
        await server.logged("a question was answered on the page .*by=ada")
        file.revoke("ada")
        assert (await client.get("/")).headers["location"] == "/sign-in"
        assert not any(token in line for line in server.log for token in (agent, person))


@pytest.mark.requirement("http:page:visible")
def test_what_shows_nothing_is_spelled_out() -> None:
    assert visible("rm \u202ehcuot\u2066 \x1b[2K\r\n\ta\u200bb") == "rm ‹U+202E›hcuot‹U+2066› ‹U+001B›[2K\n\ta‹U+200B›b"
    assert visible("grüße, 世界 ✓") == "grüße, 世界 ✓"
