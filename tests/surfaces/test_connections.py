"""Connections and agents: several clients of one agent, several agents in one process; all in memory."""

from __future__ import annotations

import pathlib
import tempfile

import pytest

from codex_mcp.offline import OfflineModel
from tests.support.home import Home
from tests.support.in_process import connected, running_agent
from tests.support.mcp_client import Json, text

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("agents:shared")]

FREE = {"sandbox": "danger-full-access", "approval_policy": "never"}
ASK = {"sandbox": "workspace-write", "approval_policy": "on-request"}


async def test_two_clients_of_one_agent_have_their_own_threads_and_events(home: Home, model: OfflineModel) -> None:
    model.add([{"say": "for one"}], [{"say": "for two"}])
    async with running_agent(home) as agent, connected(agent) as one, connected(agent) as two:
        first = await one.call("codex", prompt="go", **FREE)
        second = await two.call("codex", prompt="go", **FREE)
    threads = [result["structuredContent"]["threadId"] for result in (first, second)]
    assert [text(first), text(second)] == ["for one", "for two"]
    assert {params["conversationId"] for params in one.of("codex/event")} == {threads[0]}
    assert {params["conversationId"] for params in two.of("codex/event")} == {threads[1]}


async def test_a_thread_goes_on_with_whoever_replies_to_it_and_asks_him(home: Home, model: OfflineModel) -> None:
    outside = home.root / "outside"
    model.add([{"say": "begun"}], [{"run": f"touch {outside}", "ask": "needed"}], [{"say": "done"}])

    def no(_: Json) -> Json:
        return {"action": "decline"}

    def yes(_: Json) -> Json:
        return {"action": "accept"}

    async with running_agent(home) as agent, connected(agent, no) as one, connected(agent, yes) as two:
        thread = (await one.call("codex", prompt="go", **ASK))["structuredContent"]["threadId"]
        before = len(one.of("codex/event"))
        ended = await two.call("codex-reply", threadId=thread, prompt="go on")
        assert len(one.of("codex/event")) == before
    assert text(ended) == "done"
    assert (len(one.questions), len(two.questions)) == (0, 1)
    assert outside.exists()


async def test_turns_of_two_clients_in_one_thread_queue_up(home: Home, model: OfflineModel) -> None:
    gate = home.root / "gate"
    model.add([{"say": "begun"}], [{"run": f"until [ -e {gate} ]; do sleep 0.05; done"}], [{"say": "one"}])
    model.add([{"say": "two"}])
    async with running_agent(home) as agent, connected(agent) as one, connected(agent) as two:
        thread = (await one.call("codex", prompt="go", **FREE))["structuredContent"]["threadId"]
        first = one.begin("codex-reply", threadId=thread, prompt="wait")
        await one.until(lambda: "exec_command_begin" in one.events())
        second = await two.call("codex-start", threadId=thread, prompt="next")
        gate.touch()
        assert text(await one.result("tools/call", first)) == "one"
        assert second["structuredContent"]["status"] == "queued"
        assert text(await two.call("codex-wait", threadId=thread)) == "two"


async def test_what_waits_in_an_archived_thread_is_not_done_in_it(home: Home, model: OfflineModel) -> None:
    gate = home.root / "gate"
    model.add([{"run": f"until [ -e {gate} ]; do sleep 0.05; done"}], [{"say": "never seen"}])
    async with running_agent(home) as agent, connected(agent) as one, connected(agent) as two:
        thread = (await one.call("codex-start", prompt="go", **FREE))["structuredContent"]["threadId"]
        await one.until(lambda: "exec_command_begin" in one.events())
        queued = one.begin("codex-reply", threadId=thread, prompt="next")
        await two.call("codex-archive", threadId=thread)
        refused = await one.result("tools/call", queued)
        stale = await one.call("codex-wait", threadId=thread)
    assert refused["structuredContent"]["error"]["code"] == "not_found"
    assert "archived" in text(refused)
    assert stale["structuredContent"]["error"]["code"] == "not_found"
    assert len(model.requests) == 1


async def test_two_agents_in_one_process_have_homes_of_their_own(
    home: Home, model: OfflineModel, playground: pathlib.Path
) -> None:
    with OfflineModel() as other_model:
        other = Home(pathlib.Path(tempfile.mkdtemp(dir=playground)), other_model)
        model.add([{"run": "pwd; printenv WHOSE"}], [{"say": "one"}])
        other_model.add([{"run": "pwd; printenv WHOSE"}], [{"say": "two"}])
        async with (
            running_agent(home, WHOSE="first") as first,
            running_agent(other, WHOSE="second") as second,
            connected(first) as one,
            connected(second) as two,
        ):
            said = [await client.call("codex", prompt="go", **FREE) for client in (one, two)]
            listed = [(await client.call("codex-threads"))["structuredContent"]["threads"] for client in (one, two)]
    assert [text(result) for result in said] == ["one", "two"]
    for client, place, whose, threads, result in zip(
        (one, two), (home, other), ("first", "second"), listed, said, strict=True
    ):
        [end] = [params["msg"] for params in client.of("codex/event") if params["msg"]["type"] == "exec_command_end"]
        assert end["stdout"].split() == [str(place.workspace), whose]
        assert [thread["threadId"] for thread in threads] == [result["structuredContent"]["threadId"]]


async def test_a_client_that_leaves_takes_nothing_of_others_with_it(home: Home, model: OfflineModel) -> None:
    model.add([{"say": "one"}], [{"say": "two"}])
    async with running_agent(home) as agent, connected(agent) as stays:
        async with connected(agent) as leaves:
            thread = (await leaves.call("codex", prompt="go", **FREE))["structuredContent"]["threadId"]
        assert text(await stays.call("codex-reply", threadId=thread, prompt="go on")) == "two"
