"""The page in a real browser: clicks, keys, live parts, a phone, a dark screen, no script."""

from __future__ import annotations

import os
import pathlib
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from playwright.async_api import Page, async_playwright

from codex_mcp.http.tokens import TokenFile
from codex_mcp.offline import OfflineModel
from tests.http.test_page import asking
from tests.support.home import Home
from tests.support.http_server import http_serving

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium; `apt-get install chromium`"),
]


@asynccontextmanager
async def browsing(problems: list[str], **options: Any) -> AsyncIterator[Page]:
    """A page in a browser; what it complains of goes to `problems`."""
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = await (await browser.new_context(**options)).new_page()
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        yield page
        await browser.close()


async def picture(page: Page, name: str) -> None:
    """Keep a screenshot where CODEX_MCP_SCREENSHOTS says."""
    folder = os.environ.get("CODEX_MCP_SCREENSHOTS")
    if folder:
        await page.screenshot(path=pathlib.Path(folder) / f"{name}.png", full_page=True)


@pytest.mark.requirement("http:page:browser")
async def test_a_person_signs_in_looks_and_approves_with_the_keyboard(home: Home, model: OfflineModel) -> None:
    outside = home.root / "outside"
    model.add(
        [{"patch": "*** Begin Patch\n*** Add File: hello.txt\n+hello\n+world\n*** End Patch"}],
        [{"say": "A file is there."}, {"run": f"touch {outside}", "ask": "It is needed elsewhere."}],
        [{"say": "done"}],
    )
    file = TokenFile(home.root / "tokens.json")
    agent, person = file.create("agent", ["codex:use"]), file.create("ada", ["codex:answer"])
    problems: list[str] = []
    arguments = ("--tokens", str(file.path), "-C", str(home.workspace))
    async with (
        http_serving(home, *arguments) as server,
        server.raw() as client,
        browsing(problems, viewport={"width": 1000, "height": 800}) as page,
    ):
        await page.goto(server.url)
        await page.get_by_label("Token").fill(person)
        await page.keyboard.press("Enter")
        await page.get_by_text("Nothing waits.").wait_for()
        async with asking(client, {"Authorization": f"Bearer {agent}"}) as results:
            await page.get_by_text(f"touch {outside}").first.wait_for()  # without a reload: the live part
            assert "(1)" in await page.title()
            await picture(page, "inbox")
            await page.locator(".question a").click()
            await page.get_by_text("hello.txt").first.wait_for()
            await picture(page, "thread")
            await page.emulate_media(color_scheme="dark")
            await page.set_viewport_size({"width": 380, "height": 800})
            assert await page.evaluate("document.documentElement.scrollWidth") <= 380
            await picture(page, "thread-dark-phone")
            button = page.get_by_role("button", name="Approve", exact=True)
            await button.focus()
            await page.keyboard.press("Enter")
            await page.get_by_role("heading", name="Idle").wait_for()
            await page.get_by_text("done", exact=True).wait_for()
        assert outside.exists()
        assert results[0]["content"] == "done"
        await page.get_by_role("button", name="Sign out").click()
        await page.get_by_label("Token").wait_for()
    assert problems == []


@pytest.mark.requirement("http:page:browser")
async def test_a_person_without_script_denies_what_runs(home: Home, model: OfflineModel) -> None:
    outside = home.root / "outside"
    model.add([{"run": f"touch {outside}", "ask": "needed"}], [{"say": "not done"}])
    problems: list[str] = []
    async with (
        http_serving(home) as server,
        server.raw() as client,
        browsing(problems, java_script_enabled=False) as page,
    ):
        async with asking(client) as results:
            await page.goto(server.url)
            while not await page.locator(".question").count():
                await page.reload()
                await anyio.sleep(0.1)
            await picture(page, "inbox-no-script")
            await page.get_by_role("button", name="Deny").click()
        assert results[0]["content"] == "not done"
    assert not outside.exists()
    assert problems == []
