"""The sandbox is what it says: commands try to get out, through the server, on the real engine.

Each command also says that it ran, and what it could do: a machine on which nothing runs, or nothing is held back,
fails here.
"""

from __future__ import annotations

import pathlib
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from codex_mcp.offline import OfflineModel
from codex_mcp.protocol import events as ev
from codex_mcp.protocol.choices import SandboxMode
from codex_mcp.protocol.sandbox import FullAccessPolicy, ReadOnlyPolicy, SandboxPolicy, WorkspaceWritePolicy
from tests.support.home import Home
from tests.support.server import of, serving, turn

NO_SANDBOX = "the sandbox of the engine does not work on this machine: no command ran in it"


@pytest.fixture
def port() -> Iterator[int]:
    """Something on this machine that can be connected to."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def escapes(home: Home, port: int) -> str:
    """A script that says which of its attempts succeed."""
    attempts = {
        "inside": "touch inside.txt",
        "outside": f"touch {home.root}/outside.txt",
        "dots": "touch ../dots.txt",
        "link": f"ln -s {home.root} way-out && touch way-out/link.txt",
        "proc": f"touch /proc/self/root{home.root}/proc.txt",
        "move": f"mv {home.root}/bait.txt bait-moved.txt",
        "append": f"echo x >> {home.config}",
        "detached": f"setsid sh -c 'touch {home.root}/detached.txt'",
        "network": f"bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port}'",
    }
    return "; ".join(
        ["echo ran", *(f"({does}) 2>/dev/null && echo did-{name}" for name, does in attempts.items()), ":"]
    )


OUTSIDE = {"outside", "dots", "link", "proc", "move", "append", "detached"}


@pytest.mark.requirement("reliability:sandbox:holds")
@pytest.mark.parametrize(
    ("policy", "possible"),
    [
        (ReadOnlyPolicy(), set()),
        (WorkspaceWritePolicy(exclude_slash_tmp=True, exclude_tmpdir_env_var=True), {"inside"}),
        (WorkspaceWritePolicy(network_access=True), {"inside", "network"}),
        (FullAccessPolicy(), {"inside", "network", *OUTSIDE}),
    ],
    ids=["read-only", "workspace-write", "with network", "full access"],
)
async def test_a_command_can_do_what_its_sandbox_allows_and_nothing_else(
    home: Home, model: OfflineModel, port: int, policy: SandboxPolicy, possible: set[str]
) -> None:
    (home.root / "bait.txt").write_text("bait")
    before, config = listing(home.root), home.config.read_text()
    model.add([{"run": escapes(home, port), "yield_ms": 20000}])
    async with serving(home) as client:
        conversation = await client.new_conversation()
        await conversation.send_turn("go", cwd=str(home.workspace), approval_policy="never", sandbox_policy=policy)
        events = [event.msg async for event in conversation.until_turn_end()]
    said = of(events, ev.ExecCommandEnd)[0].aggregated_output.split()
    assert "ran" in said, NO_SANDBOX
    assert {word.removeprefix("did-") for word in said if word.startswith("did-")} == possible
    if not possible & OUTSIDE:
        new = listing(home.root) - before
        assert all(path.startswith("workspace/") for path in new) if possible else not new
        assert home.config.read_text() == config
        assert (home.root / "bait.txt").exists()


def listing(root: pathlib.Path) -> set[str]:
    """Paths below a directory, without what the engine keeps for itself."""
    paths = {str(path.relative_to(root)) for path in root.rglob("*")}
    return {path for path in paths if not path.startswith("codex-home/") or path == "codex-home/config.toml"}


PATCH = "*** Begin Patch\n*** Add File: {0}\n+hello\n*** End Patch\n"


@pytest.mark.requirement("reliability:sandbox:denied")
@pytest.mark.parametrize(
    ("step", "policy", "sandbox"),
    [
        ({"run": "echo x > asked.txt"}, "untrusted", "danger-full-access"),
        ({"run": "echo x > asked.txt", "ask": "it has to be"}, "on-request", "read-only"),
        ({"run": "echo x > ../asked.txt", "ask": "it has to be"}, "on-request", "workspace-write"),
        ({"patch": PATCH.format("asked.txt")}, "untrusted", "danger-full-access"),
        ({"patch": PATCH.format("../asked.txt")}, "on-request", "workspace-write"),
    ],
    ids=["command", "command out of read-only", "command out of the workspace", "patch", "patch out of the workspace"],
)
@pytest.mark.parametrize("decision", ["denied", "approved"])
async def test_a_denied_approval_leaves_no_trace(
    home: Home, model: OfflineModel, step: dict[str, Any], policy: Any, sandbox: Any, decision: Any
) -> None:
    model.add([{**step, "id": "call"}], [{"say": "done"}])
    before, asked = listing(home.root), []

    async def approve(request: Any) -> Any:
        asked.append(request)
        assert listing(home.root) == before
        return decision

    async with serving(home, approve=approve) as client:
        conversation = await client.new_conversation(approval_policy=policy, sandbox=sandbox)
        await turn(conversation, "go")
    assert len(asked) == 1
    changed = {path for path in listing(home.root) - before if path.endswith("asked.txt")}
    assert bool(changed) is (decision == "approved")
    if decision == "denied":
        assert listing(home.root) == before


@pytest.mark.requirement("reliability:sandbox:holds")
@pytest.mark.parametrize("target", ["asked.txt", "../asked.txt"])
async def test_a_patch_that_the_sandbox_forbids_and_nobody_may_be_asked_about_is_not_applied(
    home: Home, model: OfflineModel, target: str
) -> None:
    before = listing(home.root)
    model.add([{"patch": PATCH.format(target), "id": "call"}], [{"say": "done"}])
    sandbox: SandboxMode = "read-only" if target == "asked.txt" else "workspace-write"
    async with serving(home) as client:
        conversation = await client.new_conversation(approval_policy="never", sandbox=sandbox)
        await turn(conversation, "go")
    assert len(model.requests) == 2
    assert listing(home.root) == before
