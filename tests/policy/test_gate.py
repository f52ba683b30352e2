"""The gate, as a shell runs its hook: what is allowed passes, everything else ends with 2."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio
import pytest

from codex_mcp.policy.gate import Gate, GateCall

pytestmark = pytest.mark.anyio

PAYLOAD = {
    "session_id": "thread", "turn_id": "turn", "cwd": "/src", "tool_name": "Bash", "tool_use_id": "call",
    "tool_input": {"command": "echo 'a \"b\" $c'\n" * 2000},
}  # fmt: skip


@pytest.fixture(autouse=True)
def runtime(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


@asynccontextmanager
async def serving(answer: Callable[[GateCall], Awaitable[str | None]]) -> AsyncIterator[Gate]:
    gate = Gate(answer)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(gate.serve)
        yield gate
        tasks.cancel_scope.cancel()
    gate.close()


async def ask(gate: Gate, payload: object = PAYLOAD) -> subprocess.CompletedProcess[bytes]:
    """As the engine does: with a shell, the call on stdin."""
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return await anyio.run_process(["sh", "-c", gate.hook], input=data, check=False)


async def yes(call: GateCall) -> str | None:
    return None


@pytest.mark.requirement("policy:gate:answers")
async def test_what_is_allowed_passes_and_is_told_whole() -> None:
    calls: list[GateCall] = []

    async def answer(call: GateCall) -> str | None:
        calls.append(call)
        return None

    async with serving(answer) as gate:
        done = await ask(gate)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
        await ask(gate, {**PAYLOAD, "agent_id": "child"})
        assert os.listdir(gate.folder) == ["calls"]
        assert gate.folder.stat().st_mode & 0o777 == 0o700
    assert calls[0] == GateCall("thread", "", "turn", "call", "Bash", PAYLOAD["tool_input"], "/src")
    assert calls[1].agent == "child"


@pytest.mark.requirement("policy:gate:answers")
async def test_a_refusal_gives_its_reason_on_one_line() -> None:
    async def no(call: GateCall) -> str | None:
        return "not\nthis `one` $(now)"

    async with serving(no) as gate:
        done = await ask(gate)
    assert (done.returncode, done.stderr) == (2, b"not this `one` $(now)\n")


@pytest.mark.requirement("policy:gate:closed")
async def test_what_goes_wrong_is_a_refusal() -> None:
    async def broken(call: GateCall) -> str | None:
        raise RuntimeError("a bug")

    async with serving(broken) as gate:
        assert (await ask(gate)).returncode == 2
        for odd in (b"", b"{", b"[]", b"{}", {"session_id": "x"}):
            assert (await ask(gate, odd)).returncode == 2


@pytest.mark.requirement("policy:gate:closed")
async def test_without_a_server_it_is_a_refusal() -> None:
    async with serving(yes) as gate:
        (gate.folder / "calls").unlink()
        done = await ask(gate)
        assert (done.returncode, done.stderr) == (2, b"the policy gate did not answer\n")
        (gate.folder / "calls").write_text("no pipe")
        assert (await ask(gate)).returncode == 2
    done = await ask(gate)  # the folder is gone
    assert done.returncode == 2


@pytest.mark.requirement("policy:gate:closed")
async def test_a_hook_that_is_killed_within_is_a_refusal() -> None:
    """Its shell is killed while it waits: what the engine started ends with 2 all the same."""
    asked = anyio.Event()

    async def wait(call: GateCall) -> str | None:
        asked.set()
        await anyio.sleep_forever()
        return None

    async with (
        serving(wait) as gate,
        await anyio.open_process(["sh", "-c", gate.hook], start_new_session=True) as process,
    ):
        assert process.stdin is not None
        await process.stdin.send(json.dumps(PAYLOAD).encode())
        await process.stdin.aclose()
        await asked.wait()
        [number] = {name.partition(".")[0] for name in os.listdir(gate.folder)} - {"calls"}
        os.kill(int(number), 9)
        assert await process.wait() == 2


@pytest.mark.requirement("policy:gate:closed")
async def test_garbage_in_the_pipe_disturbs_nobody() -> None:
    async with serving(yes) as gate:
        with (gate.folder / "calls").open("wb", buffering=0) as pipe:
            pipe.write(b"../../etc/passwd\n\xff\xfe\n99999999\n\n")
        assert (await ask(gate)).returncode == 0


@pytest.mark.requirement("policy:gate:closed")
async def test_programs_that_are_planted_on_the_path_are_not_used(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no(call: GateCall) -> str | None:
        return "no"

    planted = tmp_path / "planted"
    planted.mkdir()
    for name in ("sh", "cat", "mkfifo", "rm"):
        (planted / name).write_text(f"#!/bin/sh\n: > {tmp_path}/ran; exit 0\n")
        (planted / name).chmod(0o755)
    async with serving(no) as gate:
        monkeypatch.setenv("PATH", f"{planted}{os.pathsep}{os.environ['PATH']}")
        done = await anyio.run_process(["/bin/sh", "-c", gate.hook], input=json.dumps(PAYLOAD).encode(), check=False)
    assert done.returncode == 2
    assert not (tmp_path / "ran").exists()


@pytest.mark.requirement("policy:gate:answers")
async def test_calls_wait_side_by_side() -> None:
    together = 0
    both = anyio.Event()

    async def answer(call: GateCall) -> str | None:
        nonlocal together
        together += 1
        if together == 2:
            both.set()
        await both.wait()
        return None

    async with serving(answer) as gate, anyio.create_task_group() as tasks:
        tasks.start_soon(ask, gate)
        tasks.start_soon(ask, gate)
