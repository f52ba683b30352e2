"""Threads as tools."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from codex_mcp.offline import OfflineModel
from codex_mcp.surfaces.mcp import catalog
from tests.support.home import Home
from tests.support.mcp_client import McpClient, mcp_serving, text

pytestmark = pytest.mark.anyio

UNKNOWN = "019a9999-0000-7000-8000-000000000001"
FREE = {"sandbox": "danger-full-access", "approval_policy": "never"}
PATCHES = (
    "*** Begin Patch\n*** Add File: a.txt\n+one\n*** End Patch",
    "*** Begin Patch\n*** Update File: a.txt\n@@\n-one\n+two\n*** End Patch",
)


async def begin(client: McpClient, prompt: str = "go", **arguments: Any) -> str:
    result = await client.call("codex", prompt=prompt, **arguments)
    return str(result["structuredContent"]["threadId"])


@pytest.mark.requirement("mcp:sets")
@pytest.mark.parametrize(
    ("flags", "count"),
    [
        ((), 2),
        (("--tools", "threads"), 7),
        (("--tools", "background,codex"), 5),
        (("--tools=all",), len(catalog.list_tools(catalog.EXTRA_SETS))),
    ],
)
async def test_tools_come_in_sets(home: Home, flags: tuple[str, ...], count: int) -> None:
    async with mcp_serving(home, *flags) as client:
        tools = [tool["name"] for tool in (await client.request("tools/list"))["tools"]]
        refused = None if count > 7 else await client.call("codex-answer" if count == 7 else "codex-read")
    assert tools[:2] == ["codex", "codex-reply"]
    assert len(tools) == count
    if refused is not None:
        assert "--tools" in text(refused)


@pytest.mark.requirement("mcp:threads:list")
async def test_threads_are_listed_newest_first_in_pages(home: Home, model: OfflineModel) -> None:
    model.add(*([{"say": "ok"}] for _ in range(3)))
    async with mcp_serving(home, "--tools", "threads") as client:
        begun = [await begin(client, f"task {number}") for number in range(3)]
        first = (await client.call("codex-threads", limit=2))["structuredContent"]
        second = (await client.call("codex-threads", limit=2, cursor=first["nextCursor"]))["structuredContent"]
        found = (await client.call("codex-threads", search="task 1"))["structuredContent"]
        wrong = await client.call("codex-threads", cursor="nonsense")
    assert [thread["threadId"] for thread in first["threads"] + second["threads"]] == begun[::-1]
    assert "nextCursor" not in second
    assert first["threads"][0]["preview"] == "task 2"
    assert first["threads"][0]["cwd"] == str(home.workspace)
    assert [thread["threadId"] for thread in found["threads"]] == [begun[1]]
    assert wrong["structuredContent"]["error"]["code"] == "invalid_arguments"


@pytest.mark.requirement("mcp:threads:read")
async def test_a_thread_is_read_oldest_first_with_the_files_it_touched(home: Home, model: OfflineModel) -> None:
    model.add(*([{"patch": patch}] for patch in PATCHES), [{"say": "done"}], [{"say": "thanks"}])
    async with mcp_serving(home, "--tools", "threads") as client:
        thread = await begin(client, "write", **FREE)
        await client.call("codex-reply", threadId=thread, prompt="good")
        whole = (await client.call("codex-read", threadId=thread, diffs=True))["structuredContent"]
        newest = (await client.call("codex-read", threadId=thread, limit=1))["structuredContent"]
    assert [(message["role"], message["text"]) for message in whole["messages"]] == [
        ("user", "write"),
        ("assistant", "done"),
        ("user", "good"),
        ("assistant", "thanks"),
    ]
    [file] = whole["files"]
    assert (file["path"], file["kind"]) == (str(home.workspace / "a.txt"), "add")
    assert file["diffs"][0] == "one\n"
    assert "-one\n+two" in file["diffs"][1]
    assert newest["messages"] == whole["messages"][-1:]
    assert newest["earlierMessages"] == 3
    assert "diffs" not in newest["files"][0]


@pytest.mark.requirement("mcp:threads:interrupt")
async def test_a_turn_is_interrupted_by_tool(home: Home, model: OfflineModel) -> None:
    model.add([{"wait": 60}])
    async with mcp_serving(home, "--tools", "threads") as client:
        call = client.begin("codex", prompt="go")
        await client.until(lambda: "task_started" in client.events())
        thread = client.of("codex/event")[0]["_meta"]["threadId"]
        stopped = await client.call("codex-interrupt", threadId=thread)
        result = await client.result("tools/call", call)
        idle = await client.call("codex-interrupt", threadId=thread)
        unknown = await client.call("codex-interrupt", threadId=UNKNOWN)
    assert stopped["structuredContent"]["interrupted"] is True
    assert result["structuredContent"]["status"] == "interrupted"
    assert result["structuredContent"]["error"]["code"] == "interrupted"
    assert idle["structuredContent"]["interrupted"] is False
    assert unknown["structuredContent"]["error"]["code"] == "not_found"


@pytest.mark.requirement("mcp:threads:archive")
async def test_an_archived_thread_is_out_of_the_lists(home: Home, model: OfflineModel) -> None:
    model.add([{"say": "one"}], [{"say": "two"}])
    async with mcp_serving(home, "--tools", "threads") as client:
        thread, other = await begin(client), await begin(client)
        assert (await client.call("codex-archive", threadId=thread))["structuredContent"]["archived"] is True
        listed = (await client.call("codex-threads"))["structuredContent"]["threads"]
        archived = (await client.call("codex-threads", archived=True))["structuredContent"]["threads"]
        gone = await client.call("codex-reply", threadId=thread, prompt="x")
        unknown = await client.call("codex-archive", threadId=UNKNOWN)
    assert [info["threadId"] for info in listed] == [other]
    assert [info["threadId"] for info in archived] == [thread]
    assert gone["isError"]
    assert unknown["structuredContent"]["error"]["code"] == "not_found"


@pytest.mark.requirement("mcp:threads:fork")
async def test_a_fork_leaves_the_original_alone_and_keeps_its_settings(home: Home, model: OfflineModel) -> None:
    model.add([{"say": "one"}], [{"run": "touch made"}], [{"say": "two"}])
    async with mcp_serving(home, "--tools", "threads") as client:
        thread = await begin(client, "first", model="gpt-5.4", sandbox="read-only", approval_policy="never")
        fork = (await client.call("codex-fork", threadId=thread))["structuredContent"]
        assert fork["forkedFrom"] == thread
        assert fork["threadId"] != thread
        answer = await client.call("codex-reply", threadId=fork["threadId"], prompt="second")
        original = (await client.call("codex-read", threadId=thread))["structuredContent"]
        unknown = await client.call("codex-fork", threadId=UNKNOWN)
    assert text(answer) == "two"
    assert "first" in json.dumps(model.requests[1]["input"])
    assert model.requests[1]["model"] == "gpt-5.4"
    assert not (home.workspace / "made").exists()
    assert [message["text"] for message in original["messages"]] == ["first", "one"]
    assert unknown["structuredContent"]["error"]["code"] == "not_found"


@pytest.mark.requirement("confinement:failures:conform")
async def test_what_fails_conforms_to_what_the_tool_says_of_its_results(home: Home) -> None:
    unknown = {"threadId": "019a9999-0000-7000-8000-000000000001"}
    calls: list[tuple[str, dict[str, Any]]] = [
        ("codex", {"prompt": "go", "profile": "unknown"}),
        ("codex", {"prompt": 5}),
        ("codex-reply", {"prompt": "go", **unknown}),
        ("codex-reply", {"prompt": "go"}),
        ("codex-threads", {"cursor": "none"}),
        *((f"codex-{tool}", unknown) for tool in ("read", "interrupt", "archive", "fork", "wait")),
        ("codex-answer", {**unknown, "approvalId": "1", "decision": "deny"}),
    ]
    async with mcp_serving(home, "--tools", "all") as client:
        tools = (await client.request("tools/list"))["tools"]
        schemas = {tool["name"]: tool["outputSchema"] for tool in tools}
        for name, arguments in calls:
            result = await client.request("tools/call", {"name": name, "arguments": arguments})
            assert result["isError"], name
            jsonschema.Draft202012Validator(schemas[name]).validate(result["structuredContent"])


@pytest.mark.requirement("mcp:threads:links")
async def test_a_link_to_a_thread_is_as_good_as_its_id(home: Home, model: OfflineModel) -> None:
    model.add([{"say": "one"}], [{"say": "two"}])
    async with mcp_serving(home, "--tools", "threads") as client:
        thread = await begin(client)
        for link in (f"codex://threads/{thread}", f"codex://threads/{thread.upper()}/transcript"):
            read = await client.call("codex-read", threadId=link)
            assert read["structuredContent"]["thread"]["threadId"] == thread
        again = await client.call("codex-reply", threadId=f"codex://threads/{thread}", prompt="go on")
        assert again["structuredContent"]["threadId"] == thread
        unknown = await client.call("codex-read", threadId=f"codex://threads/{UNKNOWN}")
        assert unknown["structuredContent"]["error"]["code"] == "not_found"
        wrong = await client.call("codex-read", threadId="codex://threads/../etc")
        assert wrong["structuredContent"]["error"]["code"] == "invalid_arguments"
