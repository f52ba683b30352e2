"""Scope, ceilings and the sandbox: what clients may not ask for, and what the model cannot get around."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys

import pytest

from codex_mcp.offline import OfflineModel
from codex_mcp.wire.errors import RpcError
from tests.support.governed import Governed
from tests.support.mcp_client import ACCEPT, Json, mcp_serving, text
from tests.support.raw import INITIALIZE, RawServer
from tests.support.server import serving, turn

pytestmark = pytest.mark.anyio

WIDE = '[ceilings]\nsandbox = "danger-full-access"\nnetwork = true\n'
WRITE: Json = {"approval_policy": "never", "sandbox": "workspace-write"}
GOVERN = '[ceilings]\nsandbox = "workspace-write"\nconfig_keys = ["model_verbosity"]\n'


@pytest.mark.requirement("policy:P-1")
async def test_places_outside_of_the_roots_are_refused_before_the_engine_is_asked(
    governed: Governed, model: OfflineModel
) -> None:
    governed.write(GOVERN)
    home = governed.home
    (home.workspace / "link").symlink_to(home.root)
    for path in (home.root / "shot.png", home.root / "rollout.jsonl"):
        path.write_text("x")
    async with mcp_serving(home, *governed.options) as client:
        for cwd in ("/", str(home.workspace / "link"), str(home.workspace / ".."), "link/x"):
            result = await client.call("codex", prompt="go", cwd=cwd)
            assert result["isError"]
            assert result["structuredContent"]["error"]["code"] == "policy_denied"
        result = await client.call("codex", prompt="go", images=[str(home.root / "shot.png")])
        assert result["structuredContent"]["error"]["code"] == "policy_denied"
    with RawServer(home, *governed.options) as server:
        server.send(INITIALIZE)
        server.send({"id": 2, "method": "resumeConversation", "params": {"path": str(home.root / "rollout.jsonl")}})
        assert server.answer(2)["error"]["data"]["code"] == "policy_denied"
        server.send({"id": 3, "method": "execOneOffCommand", "params": {"command": ["ls"], "cwd": "/"}})
        assert server.answer(3)["error"]["data"]["code"] == "policy_denied"
    assert model.requests == []
    assert len(governed.records(decision="deny", rule="scope.roots")) == 7


@pytest.mark.requirement("policy:methods")
async def test_methods_and_tools_that_are_not_offered_are_refused_by_name(governed: Governed) -> None:
    governed.write('[methods]\ntools = ["codex"]\ndeny = ["gitDiffToRemote", "getAuthStatus.token"]\n')
    async with mcp_serving(governed.home, "--tools", "all", *governed.options) as client:
        listed = (await client.request("tools/list"))["tools"]
        assert [tool["name"] for tool in listed] == ["codex"]
        with pytest.raises(RpcError) as caught:
            await client.call("codex-reply", threadId="x", prompt="y")
        assert caught.value.data["code"] == "policy_denied"
    with RawServer(governed.home, *governed.options) as server:
        server.send(INITIALIZE)
        calls = [("gitDiffToRemote", {"cwd": "."}), ("getAuthStatus", {"includeToken": True}), ("getAuthStatus", {})]
        codes = []
        for number, (method, params) in enumerate(calls, 2):
            server.send({"id": number, "method": method, "params": params})
            codes.append(server.answer(number).get("error", {}).get("data", {}).get("code"))
    assert codes == ["policy_denied", "policy_denied", None]
    assert len(governed.records(decision="deny", approver="policy")) == 3


@pytest.mark.requirement("policy:P-2")
async def test_never_writes_nothing_outside_and_asks_nobody(governed: Governed, model: OfflineModel) -> None:
    governed.write(GOVERN)
    outside = governed.home.root / "outside"
    model.add(
        [{"run": f"touch {outside}"}],
        [{"function": "exec_command", "arguments": {"cmd": f"touch {outside}", "sandbox_permissions": "require_escalated"}}],
        [{"patch": f"*** Begin Patch\n*** Add File: {outside}\n+x\n*** End Patch"}],
        [{"say": "done"}],
    )  # fmt: skip
    async with mcp_serving(governed.home, *governed.options, answer=lambda _: ACCEPT) as client:
        assert text(await client.call("codex", prompt="go", **WRITE)).startswith("done")
        assert client.questions == []
    assert not outside.exists()
    assert len(model.requests) == 4


@pytest.mark.slow
@pytest.mark.requirement("policy:P-3")
async def test_an_approved_command_never_leaves_the_sandbox_by_itself(governed: Governed, model: OfflineModel) -> None:
    """Without a denied path the engine runs a command again, outside, when the sandbox refused it fast."""
    governed.write(GOVERN)
    outside = governed.home.root / "outside"
    for _ in range(20):
        model.add([{"run": f"touch {outside}"}])
    model.add([{"say": "done"}])
    async with mcp_serving(governed.home, *governed.options, answer=lambda _: ACCEPT) as client:
        await client.call("codex", prompt="go", approval_policy="untrusted", sandbox="workspace-write")
        assert len(client.questions) == 20
    assert not outside.exists()


UNDOING: list[Json] = [
    {"features.hooks": False},
    {"features": {"hooks": False}},
    {"hooks": {}},
    {"hooks.state": {}},
    {"approvals_reviewer": "auto_review"},
    {"mcp_servers": {"x": {"command": "touch"}}},
    {"projects": {"/": {"trust_level": "trusted"}}},
    {"permissions.cmcp-ww": {"filesystem": {"/": "write"}}},
    {"sandbox_workspace_write.network_access": True},
]


@pytest.mark.requirement("policy:P-9")
async def test_no_call_can_undo_the_policy(governed: Governed) -> None:
    governed.write(GOVERN)
    with RawServer(governed.home, *governed.options) as server:
        server.send(INITIALIZE)
        for number, config in enumerate(UNDOING, 2):
            server.send({"id": number, "method": "newConversation", "params": {"config": config}})
            assert server.answer(number)["error"]["data"]["code"] == "policy_denied", config


@pytest.mark.requirement("policy:P-9")
async def test_no_configuration_of_the_user_can_undo_the_policy(governed: Governed, model: OfflineModel) -> None:
    governed.write(GOVERN + "[[high_impact]]\ncategory = 'x'\ncommands = ['deployed']\n")
    governed.home.configure(
        'approvals_reviewer = "auto_review"', 'sandbox_mode = "danger-full-access"', 'approval_policy = "never"',
        tail="[features]\nhooks = false\n[hooks.state]\n",
    )  # fmt: skip
    model.add([{"run": f"touch deployed; touch {governed.home.root}/outside"}], [{"say": "done"}])
    async with mcp_serving(governed.home, "-c", "features.hooks=false", *governed.options) as client:
        result = await client.call("codex", prompt="go")
        assert result["structuredContent"]["deniedApprovals"]
    assert not (governed.home.workspace / "deployed").exists()
    assert not (governed.home.root / "outside").exists()


@pytest.mark.requirement("policy:P-9")
async def test_no_call_can_name_another_profile(governed: Governed, model: OfflineModel) -> None:
    governed.write(GOVERN)
    outside = governed.home.root / "outside"
    model.add([{"run": f"touch {outside}"}], [{"say": "done"}])
    config = {"default_permissions": "cmcp-full", "permissions.codex_mcp_server": {"filesystem": {"/": "write"}}}
    async with mcp_serving(governed.home, *governed.options) as client:
        await client.call("codex", prompt="go", config=config, approval_policy="untrusted")
    assert not outside.exists()


@pytest.mark.requirement("policy:P-10")
async def test_nothing_of_a_planted_repository_runs(governed: Governed, model: OfflineModel) -> None:
    governed.write(GOVERN)
    home = governed.home
    home.configure(tail='[mcp_servers.off]\ncommand = "true"\nenabled = false\n')
    before = home.config.read_text()
    planted = home.workspace / ".codex"
    (planted / "rules").mkdir(parents=True)
    (home.workspace / ".git").mkdir()
    marks = {name: home.root / f"ran-{name}" for name in ("server", "hook", "rule")}
    (planted / "config.toml").write_text(
        f'[mcp_servers.planted]\ncommand = "touch"\nargs = ["{marks["server"]}"]\n'
        f'[[hooks.PreToolUse]]\nhooks = [{{type = "command", command = "touch {marks["hook"]}"}}]\n'
    )
    (planted / "rules" / "x.rules").write_text(f'prefix_rule(pattern=["touch", "{marks["rule"]}"], decision="allow")')
    for _ in range(2):
        model.add([{"run": f"touch {marks['rule']}"}], [{"say": "done"}])
    async with mcp_serving(home, *governed.options) as client:
        first = await client.call("codex", prompt="go", **WRITE)
        await client.call("codex-reply", prompt="go on", threadId=first["structuredContent"]["threadId"])
    assert [name for name, mark in marks.items() if mark.exists()] == []
    assert home.config.read_text() == before


@pytest.mark.requirement("policy:P-11")
async def test_what_would_be_typed_into_a_terminal_is_refused(governed: Governed, model: OfflineModel) -> None:
    governed.write(GOVERN)
    arguments = {"cmd": "cat", "tty": True, "yield_time_ms": 250}
    model.add(
        [{"function": "exec_command", "arguments": arguments}],
        [{"function": "write_stdin", "arguments": {"session_id": 1, "chars": "x\n"}}],
        [{"say": "done"}],
    )
    async with mcp_serving(governed.home, *governed.options) as client:
        await client.call("codex", prompt="go", **WRITE)
    told = str(model.requests[1]["input"][-1])
    assert "disabled" in told or "commands get no terminal" in told


@pytest.mark.requirement("policy:P-13")
async def test_mcp_servers_that_are_not_listed_as_they_are_do_not_start(
    governed: Governed, model: OfflineModel
) -> None:
    governed.write(GOVERN + '[mcp_servers.named]\ncommand = "good"\n')
    marks = {name: governed.home.root / f"ran-{name}" for name in ("named", "unlisted")}
    entries = (f'[mcp_servers.{name}]\ncommand = "touch"\nargs = ["{mark}"]\n' for name, mark in marks.items())
    governed.home.configure(tail="".join(entries))
    model.add([{"say": "done"}])
    async with mcp_serving(governed.home, *governed.options) as client:
        await client.call("codex", prompt="go")
    assert [name for name, mark in marks.items() if mark.exists()] == []


@pytest.mark.requirement("policy:P-14")
@pytest.mark.parametrize("sandbox", ["workspace-write", pytest.param("danger-full-access", marks=pytest.mark.slow)])
async def test_denied_paths_are_neither_read_nor_written(governed: Governed, model: OfflineModel, sandbox: str) -> None:
    home = governed.home
    secret, folder = home.workspace / ".env", home.root / "denied"
    secret.write_text("TOP-SECRET-VALUE")
    folder.mkdir()
    (folder / "x").write_text("TOP-SECRET-VALUE")
    governed.write(f'[scope]\nroots = ["{home.workspace}"]\ndeny_paths = ["**/.env*", "{folder}"]\n{WIDE}')
    read = f"cat .env {folder}/x; cp .env copy; echo no > .env; rm -rf {folder}"
    escalated = {"cmd": read, "sandbox_permissions": "require_escalated", "justification": "it must"}
    model.add(
        [{"run": read}],
        [{"run": f"{sys.executable} -c \"print(open('.env').read())\""}],
        [{"patch": "*** Begin Patch\n*** Delete File: .env\n*** End Patch"}],
        [{"view_image": ".env"}],
        [{"function": "exec_command", "arguments": escalated}],
        [{"say": "done"}],
    )
    async with serving(home, *governed.options, approve=lambda _: "approved") as client:
        conversation = await client.new_conversation(approval_policy="on-request", sandbox=sandbox)  # type: ignore[arg-type]
        await turn(conversation, "go")
    assert "TOP-SECRET-VALUE" not in json.dumps(model.requests)
    assert secret.read_text() == (folder / "x").read_text() == "TOP-SECRET-VALUE"
    copy = home.workspace / "copy"
    assert not copy.exists() or not copy.read_text()


@pytest.mark.slow
@pytest.mark.requirement("policy:P-15")
async def test_the_trail_cannot_be_touched_by_what_the_model_runs(governed: Governed, model: OfflineModel) -> None:
    governed.write(WIDE)
    audit = governed.audit
    attack = (
        f"cd {audit}; for f in {audit}/*; do echo x >> $f; : > $f; chmod 777 $f; mv $f $f.gone; done; rm -rf {audit}"
    )
    escalated = {"cmd": attack, "sandbox_permissions": "require_escalated", "justification": "it must"}
    model.add(
        [{"run": attack}],
        [{"function": "exec_command", "arguments": escalated}],
        [{"patch": f"*** Begin Patch\n*** Delete File: {audit}/checkpoints.jsonl\n*** End Patch"}],
        [{"say": "done"}],
    )
    async with serving(governed.home, *governed.options, approve=lambda _: "approved") as client:
        conversation = await client.new_conversation(approval_policy="on-request", sandbox="danger-full-access")
        await turn(conversation, "go")
    governed.verify()
    assert len(governed.records(event="decided", kind="command")) >= 2


@pytest.mark.requirement("policy:P-16")
async def test_ceilings_hold_when_a_thread_is_begun_resumed_forked_or_given_a_turn(
    governed: Governed, model: OfflineModel
) -> None:
    home = governed.home
    outside = home.root / "outside"
    model.add([{"say": "before"}])
    async with mcp_serving(home) as client:  # without a policy, with full access
        begun = await client.call("codex", prompt="go", approval_policy="never", sandbox="danger-full-access")
    thread = begun["structuredContent"]["threadId"]
    governed.write(GOVERN)
    async with mcp_serving(home, *governed.options) as client:
        for arguments in ({"sandbox": "danger-full-access"}, {"sandbox": "workspace-write", "cwd": "/"}):
            result = await client.call("codex", prompt="go", **arguments)
            assert result["structuredContent"]["error"]["code"] == "policy_denied"
        result = await client.call("codex-reply", threadId=thread, prompt="go", sandbox="danger-full-access")
        assert result["structuredContent"]["error"]["code"] == "policy_denied"
        model.add([{"run": f"touch {outside}"}], [{"say": "after"}])
        result = await client.call("codex-reply", threadId=thread, prompt="go", sandbox="read-only")
    assert not outside.exists()


@pytest.mark.requirement("policy:P-16")
async def test_what_is_lowered_is_told(governed: Governed, model: OfflineModel) -> None:
    governed.write(GOVERN + 'above = "lower"\n')
    outside = governed.home.root / "outside"
    model.add([{"run": f"touch {outside}; touch inside"}], [{"say": "done"}])
    async with mcp_serving(governed.home, *governed.options) as client:
        result = await client.call("codex", prompt="go", approval_policy="never", sandbox="danger-full-access")
        assert text(result).startswith("done")
        told = [p["msg"]["message"] for p in client.of("codex/event") if p["msg"]["type"] == "background_event"]
    assert "lowered by the policy: the sandbox may be workspace-write at most" in told[0]
    assert not outside.exists()
    assert (governed.home.workspace / "inside").exists()


@pytest.mark.requirement("policy:scope:threads")
async def test_threads_of_other_workspaces_are_neither_shown_nor_continued(
    governed: Governed, model: OfflineModel
) -> None:
    home = governed.home
    other = home.root / "other"
    other.mkdir()
    model.add([{"say": "the other's secret"}])
    async with mcp_serving(home) as client:
        begun = await client.call("codex", prompt="go", cwd=str(other))
    thread = begun["structuredContent"]["threadId"]
    governed.write(GOVERN)
    async with mcp_serving(home, "--tools", "threads", *governed.options) as client:
        listed = await client.call("codex-threads")
        read = await client.call("codex-read", threadId=thread)
        reply = await client.call("codex-reply", threadId=thread, prompt="what was it?")
    assert thread not in str(listed)
    assert "the other's secret" not in str(read)
    assert read["isError"]
    assert reply["isError"]


@pytest.mark.requirement("policy:P-24")
@pytest.mark.parametrize(
    "odd",
    [
        "unknown key",
        *(
            pytest.param(n, marks=pytest.mark.slow)
            for n in ("bad pattern", "group-writable", "inside a root", "missing")
        ),
    ],
)
async def test_a_policy_that_cannot_be_trusted_closes_everything(governed: Governed, odd: str) -> None:
    if odd == "unknown key":
        governed.write("[nonsense]\n")
    elif odd == "bad pattern":
        governed.write("[masking]\nextra = ['(']\n")
    elif odd == "inside a root":
        governed.write(f'[scope]\nroots = ["{governed.home.root}"]\n')
    elif odd == "group-writable":
        governed.write()
        governed.policy.chmod(0o660)
    async with mcp_serving(governed.home, *governed.options) as client:
        assert client.server["serverInfo"]["name"] == "codex-mcp-server"
        for method, params in (("tools/list", {}), ("tools/call", {"name": "codex", "arguments": {"prompt": "go"}})):
            with pytest.raises(RpcError) as caught:
                await client.request(method, params)
            assert caught.value.data["code"] == "policy_error"
    assert not list((governed.home.path).glob("sessions/**/*.jsonl"))


@pytest.mark.requirement("policy:absent")
def test_without_a_policy_nothing_of_it_is_loaded(tmp_path: pathlib.Path) -> None:
    program = (
        "import sys; import codex_mcp.cli.serve, codex_mcp.cli.room, codex_mcp.surfaces.mcp.methods,"
        "codex_mcp.surfaces.v1.methods\n"
        "print([name for name in sys.modules if name.startswith('codex_mcp.policy.') or 'under_policy' in name])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['codex_mcp.policy.places']"
