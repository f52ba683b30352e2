"""Many conversations open and many turns at once in one server: python -m tests.benchmarks.load

Every turn asks for an approval, and none is given before all of them have asked: they do run at once.
"""

from __future__ import annotations

import argparse
import pathlib
import tempfile
import time

import anyio

from codex_mcp.client import ApprovalRequest, ClientConversation
from codex_mcp.offline import OfflineModel
from codex_mcp.protocol.approvals import Decision
from tests.support.home import Home
from tests.support.server import serving, turn, types


async def run_load(home: Home, model: OfflineModel, conversations: int, at_once: int) -> tuple[float, float]:
    """Open and run as many; the seconds that it took to open them, and to run the turns. Fails on any error."""
    model.add(*[[{"run": "echo ran", "id": "call"}]] * at_once)
    asked: set[str] = set()
    all_asked = anyio.Event()

    async def approve(request: ApprovalRequest) -> Decision:
        asked.add(request.conversation_id)
        if len(asked) == at_once:
            all_asked.set()
        await all_asked.wait()
        return "approved"

    ends: list[str] = []

    async def run(conversation: ClientConversation) -> None:
        ends.append(types(await turn(conversation, "go"))[-1])

    async with serving(home, approve=approve) as client:
        opened: list[ClientConversation] = []

        async def open_one() -> None:
            opened.append(await client.new_conversation(approval_policy="untrusted", sandbox="danger-full-access"))

        started = time.monotonic()
        async with anyio.create_task_group() as tasks:
            for _ in range(conversations):
                tasks.start_soon(open_one)
        opening = time.monotonic() - started
        assert len({conversation.id for conversation in opened}) == conversations
        async with anyio.create_task_group() as tasks:
            for conversation in opened[:: conversations // at_once][:at_once]:
                tasks.start_soon(run, conversation)
        running = time.monotonic() - started - opening
        assert types(await turn(opened[-1], "one more"))[-1] == "task_complete"
    assert ends == ["task_complete"] * at_once
    return opening, running


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=200)
    parser.add_argument("--at-once", type=int, default=20)
    options = parser.parse_args()
    cache = pathlib.Path.home() / ".cache" / "codex-mcp-server"
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, ignore_cleanup_errors=True) as root, OfflineModel() as model:
        home = Home(pathlib.Path(root), model)
        opening, running = anyio.run(run_load, home, model, options.conversations, options.at_once)
    print(
        f"{options.conversations} conversations opened in {opening:.1f} s; {options.at_once} turns at once: {running:.1f} s"
    )


if __name__ == "__main__":
    main()
