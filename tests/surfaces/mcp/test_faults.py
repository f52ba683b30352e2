"""What a caller of the tools meets when the engine fails."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest

from codex_mcp.engine.locate import find_engines
from codex_mcp.offline import OfflineModel
from tests.support.home import Home
from tests.support.mcp_client import mcp_serving, text
from tests.support.processes import engines

pytestmark = pytest.mark.anyio

ASK = {"approval_policy": "on-request", "sandbox": "workspace-write"}


def kill_engine(home: Home) -> None:
    for pid in engines(home):
        os.kill(pid, signal.SIGKILL)


@pytest.mark.requirement("mcp:engine:lost")
async def test_an_engine_that_dies_in_a_turn_fails_the_call_and_the_thread_goes_on(
    home: Home, model: OfflineModel
) -> None:
    model.add([{"say": "one"}], [{"wait": 60}], [{"say": "three"}])
    async with mcp_serving(home, stderr=subprocess.DEVNULL) as client:
        thread = (await client.call("codex", prompt="first"))["structuredContent"]["threadId"]
        call = client.begin("codex-reply", threadId=thread, prompt="second")
        while len(model.requests) < 2:
            await client.request("ping")
        kill_engine(home)
        lost = await client.result("tools/call", call)
        again = await client.call("codex-reply", threadId=thread, prompt="third")
    assert lost["isError"]
    assert lost["structuredContent"]["error"]["code"] == "engine_lost"
    assert lost["structuredContent"]["threadId"] == thread
    assert text(again) == "three"
    assert "first" in str(model.requests[-1]["input"])


@pytest.mark.requirement("mcp:engine:lost")
async def test_an_engine_that_dies_while_a_question_is_open_takes_the_question_back(
    home: Home, model: OfflineModel
) -> None:
    outside = home.root / "outside"
    model.add([{"run": f"touch {outside}", "ask": "needed"}], [{"say": "again"}])
    async with mcp_serving(home, answer=lambda _: None, stderr=subprocess.DEVNULL) as client:
        call = client.begin("codex", prompt="go", **ASK)
        await client.until(lambda: client.questions)
        kill_engine(home)
        lost = await client.result("tools/call", call)
        assert len(client.of("notifications/cancelled")) == 1
        again = await client.call("codex", prompt="go")
    assert lost["isError"]
    assert not outside.exists()
    assert text(again) == "again"


@pytest.mark.requirement("mcp:engine:unavailable")
async def test_without_an_engine_every_call_says_what_to_install(home: Home) -> None:
    async with mcp_serving(
        home, "--codex", "/no/such/codex", "--tools", "threads,background", stderr=subprocess.DEVNULL
    ) as client:
        assert len((await client.request("tools/list"))["tools"]) == 10
        begun = await client.call("codex", prompt="go")
        listed = await client.call("codex-threads")
    for result in (begun, listed):
        assert result["isError"]
        assert result["structuredContent"]["error"]["code"] == "engine_unfit"
        assert "-m pip install openai-codex-cli-bin" in text(result)


@pytest.mark.requirement("confinement:unsaved")
async def test_a_full_disk_is_told_with_the_answer(home: Home, model: OfflineModel) -> None:
    engine = find_engines(None)[0]
    mount = 'mount -t tmpfs -o size=4m none "$CODEX_HOME"'
    if subprocess.run(["unshare", "-rm", "sh", "-c", mount], env=home.environment(), capture_output=True).returncode:
        pytest.skip("nothing can be mounted here, not even in a namespace")
    small = home.root / "codex"
    small.write_text(f'#!/bin/sh\nexec unshare -rm sh -c \'{mount} && exec {engine.path} "$@"\' codex "$@"\n')
    small.chmod(0o755)
    fill = 'head -c 9000000 /dev/zero > "$CODEX_HOME/fill"; true'
    model.add([{"run": fill}], [{"say": "done"}])
    provider = [part for setting in model.engine_overrides() for part in ("-c", setting)]
    async with mcp_serving(home, "--codex", str(small), *provider) as client:
        result = await client.call("codex", prompt="go", sandbox="danger-full-access", approval_policy="never")
    assert result["structuredContent"]["status"] == "completed"
    [note] = [note for note in result["structuredContent"]["notes"] if "restart" in note]
    assert "No space left on device" in note
    assert note in text(result)
