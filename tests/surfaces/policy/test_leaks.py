"""Secrets and customer data that are planted wherever text comes from leave nowhere in clear."""

from __future__ import annotations

import json
import pathlib
import sys
from typing import Any

import pytest

from codex_mcp.offline import OfflineModel
from tests.policy.test_masking import CUSTOMERS
from tests.support.governed import Governed
from tests.support.mcp_client import ACCEPT, mcp_serving
from tests.support.server import Wire, serving
from tests.test_redaction import PLANTED

pytestmark = pytest.mark.anyio

SECRETS = {**PLANTED, **CUSTOMERS}
ALL = "\n".join(f"{name}: {value}" for name, value in SECRETS.items())
POLICY = '[ceilings]\nsandbox = "workspace-write"\n[[high_impact]]\ncategory = "x"\npaths = ["asked"]\n'


def script(model: OfflineModel) -> None:
    """A model that comes upon them everywhere: it says them in small pieces, thinks, prints, writes and fails."""
    added = "".join(f"+{line}\n" for line in ALL.splitlines())
    model.add(
        [{"think": [f"**Look**\n\n{ALL}"], "pieces": 300}, {"say": ALL, "pieces": 400}, {"run": "cat secrets.txt"}],
        [{"run": f"echo '{ALL}' >&2; exit 3"}],
        [{"patch": f"*** Begin Patch\n*** Add File: written.txt\n{added}*** End Patch"}],
        [{"patch": f"*** Begin Patch\n*** Add File: asked\n{added}*** End Patch"}],
        [{"plan": [{"step": ALL, "status": "pending"}]}],
        [{"say": ALL}],
        [{"error": "server_error", "message": ALL}],
    )


def leaked(text: str) -> list[str]:
    """Names of the secrets in a text, however often it was put into JSON."""
    found = []
    for name, value in SECRETS.items():
        forms = {value, json.dumps(value)[1:-1]}
        if any(form in text for form in forms):
            found.append(name)
    return found


def prepare(governed: Governed, model: OfflineModel) -> None:
    governed.write(POLICY)
    (governed.home.workspace / "secrets.txt").write_text(ALL)
    script(model)


def as_written(governed: Governed) -> None:
    """What the engine applied is what the model wrote."""
    assert (governed.home.workspace / "written.txt").read_text() == ALL + "\n"
    assert (governed.home.workspace / "asked").read_text() == ALL + "\n"


def in_trail(governed: Governed) -> list[str]:
    return leaked("".join(path.read_text() for path in governed.audit.glob("*.jsonl")))


@pytest.mark.requirement("policy:P-18")
async def test_nothing_leaves_to_a_client_of_the_tools(
    governed: Governed, model: OfflineModel, tmp_path: pathlib.Path
) -> None:
    prepare(governed, model)
    log = tmp_path / "stderr"
    with log.open("wb") as stderr:
        options = ("--tools", "all", "--log-level", "debug", *governed.options)
        async with mcp_serving(governed.home, *options, answer=lambda _: ACCEPT, stderr=stderr.fileno()) as client:
            arguments = {"approval_policy": "never", "sandbox": "workspace-write"}
            result = await client.call("codex", "progress", prompt=ALL, **arguments)
            thread = result["structuredContent"]["threadId"]
            failed = await client.call("codex-reply", threadId=thread, prompt=ALL)
            read = await client.call("codex-read", threadId=thread)
            listed = await client.call("codex-threads")
            resource = await client.request("resources/read", {"uri": f"codex://threads/{thread}"})
            seen = json.dumps([result, failed, read, listed, resource, client.notifications, client.questions])
    assert len(client.questions) == 1
    assert "(Parts of this are masked by the policy.)" in client.questions[0]["message"]
    assert "[masked:" in seen
    assert leaked(seen) == []
    assert leaked(log.read_text()) == []
    assert in_trail(governed) == []
    as_written(governed)


@pytest.mark.requirement("policy:P-18")
async def test_nothing_leaves_to_a_client_of_the_documented_interface(governed: Governed, model: OfflineModel) -> None:
    import base64

    prepare(governed, model)
    wire = Wire()
    async with serving(governed.home, *governed.options, wire=wire, approve=lambda _: "approved") as client:
        conversation = await client.new_conversation(approval_policy="never", sandbox="workspace-write")
        events: list[Any] = [event.msg async for event in conversation.turn(ALL)]
    seen = json.dumps(wire.received)
    assert leaked(seen) == []
    chunks: dict[str, bytes] = {}
    for message in wire.received:
        msg = (message.get("params") or {}).get("msg") or {}
        if msg.get("type") == "exec_command_output_delta":
            chunks[msg["call_id"]] = chunks.get(msg["call_id"], b"") + base64.b64decode(msg["chunk"])
    assert leaked(b"".join(chunks.values()).decode()) == []
    assert b"[masked:" in b"".join(chunks.values())
    assert events
    as_written(governed)


@pytest.mark.requirement("policy:P-18")
async def test_deltas_put_together_are_the_message(governed: Governed, model: OfflineModel) -> None:
    """What is streamed is what comes at the end, to the last character."""
    governed.write()
    model.add([{"say": f"before {CUSTOMERS['mail']} and after", "pieces": 40}])
    async with mcp_serving(governed.home, *governed.options) as client:
        await client.call("codex", prompt="go")
        msgs = [params["msg"] for params in client.of("codex/event")]
    deltas = "".join(msg["delta"] for msg in msgs if msg["type"] == "agent_message_delta")
    [whole] = [msg["message"] for msg in msgs if msg["type"] == "agent_message"]
    assert deltas == whole
    assert whole.startswith("before [masked:mail#")
    assert whole.endswith("] and after")


@pytest.mark.requirement("policy:P-20")
async def test_what_is_masked_still_works(governed: Governed, model: OfflineModel) -> None:
    """A patch that is shown masked applies as it was written; an answer by a schema parses."""
    governed.write('[ceilings]\nsandbox = "workspace-write"\n')
    secret = PLANTED["github"]
    schema = {
        "type": "object",
        "properties": {"key": {"type": "string"}},
        "required": ["key"],
        "additionalProperties": False,
    }
    model.add(
        [{"patch": f"*** Begin Patch\n*** Add File: key.txt\n+{secret}\n*** End Patch"}],
        [{"say": json.dumps({"key": secret})}],
    )  # fmt: skip
    async with mcp_serving(governed.home, *governed.options) as client:
        result = await client.call(
            "codex", prompt="go", output_schema=schema, approval_policy="never", sandbox="workspace-write"
        )
    assert (governed.home.workspace / "key.txt").read_text() == f"{secret}\n"
    assert json.loads(result["structuredContent"]["content"])["key"].startswith("[masked:github_token#")


@pytest.mark.slow
@pytest.mark.requirement("policy:P-20")
@pytest.mark.parametrize("to_model", ["off", "mcp"])
async def test_results_of_mcp_tools_can_be_masked_for_the_model(
    governed: Governed, model: OfflineModel, to_model: str
) -> None:
    secret = PLANTED["github"]
    server = f'[mcp_servers.sums]\ncommand = "{sys.executable}"\nargs = ["-m", "tests.support.mcp_tools"]\n'
    governed.write(f'{server}[ceilings]\nsandbox = "danger-full-access"\n[masking]\nto_model = "{to_model}"\n')
    governed.home.configure(tail=f'{server}required = true\ncwd = "{pathlib.Path(__file__).parents[3]}"\n')
    for text in (secret, "nothing of it"):
        call = {"server": "sums", "tool": "join", "arguments": {"parts": [text[:4], text[4:]]}}
        model.add([{"call_tool": call}])
    model.add([{"say": "done"}])
    async with mcp_serving(governed.home, *governed.options) as client:
        await client.call("codex", prompt="go", approval_policy="never", sandbox="danger-full-access")
    told = json.dumps(model.requests)
    assert "nothing of it" in told
    assert (secret in told) is (to_model == "off")
    assert ("[masked:github_token#" in told) is (to_model == "mcp")


@pytest.mark.requirement("policy:mask:off")
async def test_masking_is_off_only_if_the_file_says_so_and_then_it_is_said(
    governed: Governed, model: OfflineModel, tmp_path: pathlib.Path
) -> None:
    governed.write('[masking]\nlevel = "off"\n')
    model.add([{"say": CUSTOMERS["mail"]}])
    log = tmp_path / "stderr"
    with log.open("wb") as stderr:
        async with mcp_serving(governed.home, *governed.options, stderr=stderr.fileno()) as client:
            result = await client.call("codex", prompt="go")
    assert CUSTOMERS["mail"] in str(result)
    assert "masking off" in log.read_text()
