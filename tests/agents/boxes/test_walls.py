"""What an agent tries to get at from its box, without the engine's sandbox in its way."""

from __future__ import annotations

import pathlib
import socket
import subprocess

import pytest

from codex_mcp.agents.boxes.box import Box
from codex_mcp.agents.boxes.local import labelled
from tests.agents.conftest import MakeBox

HERE = pathlib.Path(__file__)


async def says(box: Box, script: str) -> list[str]:
    """The words that a script prints in the box."""
    return (await box.run(["bash", "-c", f"{script}\nexit 0"])).decode().split()


@pytest.mark.requirement("agents:box:probed")
async def test_a_box_is_probed_with_a_real_sandbox_nested_in_it(make_box: MakeBox) -> None:
    async with make_box() as box:
        assert box.probe.nested_sandbox, box.probe.reason
        assert box.probe.isolates == {"files", "processes", "network"}


@pytest.mark.requirement("agents:box:files")
async def test_files_outside_are_neither_seen_nor_changed(make_box: MakeBox, playground: pathlib.Path) -> None:
    async with make_box(name="other") as other, make_box() as box:
        (other.spec.workspace / "secret").write_text("of another agent")
        (box.spec.root / "codex" / "auth.json").write_text("never here")
        places = [
            other.spec.root,
            box.spec.root / "codex",
            box.spec.root / "agent.json",
            HERE,
            pathlib.Path("/etc/shadow"),
        ]
        tries = "\n".join(f"[ -e {place} ] && echo sees-{place}; cat {place}/* {place} 2>/dev/null" for place in places)
        assert await says(box, tries) == []
        inside = await says(
            box, "touch ws-file ~/home-file && echo wrote; touch /usr/x /etc/x /x 2>/dev/null && echo outside"
        )
        assert inside == ["wrote"]
        assert (box.spec.workspace / "ws-file").exists()


@pytest.mark.requirement("agents:box:remount")
async def test_what_is_read_only_cannot_be_mounted_anew(make_box: MakeBox) -> None:
    usr = pathlib.Path("/usr/codex-mcp-attack")
    tries = [
        f"mount -o remount,rw,bind /usr && touch {usr}",
        f"unshare -Urm sh -c 'mount -o remount,rw,bind /usr && touch {usr}'",
        f"mount -o remount,rw / && touch {usr}",
        "mknod /tmp/disk b 254 0 && echo device",
        "chroot / true && echo chroot",
        "nsenter -t 1 -m true && echo nsenter",
        "cat /proc/sys/kernel/hostname > /proc/sys/kernel/hostname && echo sysctl",
        "echo $(cat /proc/sys/kernel/panic) > /proc/sys/kernel/panic && echo sysctl",
        "unshare -Urmpf --mount-proc sh -c 'echo $(cat /proc/sys/kernel/panic) > /proc/sys/kernel/panic' && echo sysctl",
        "[ -w /proc/sysrq-trigger ] && echo sysrq",
        "$CODEX sandbox -- sh -c 'echo $(cat /proc/sys/kernel/panic) > /proc/sys/kernel/panic' && echo sysctl",
    ]
    async with make_box() as box:
        said = await says(
            box, "\n".join(f"({attempt}) 2>/dev/null" for attempt in tries) + f"\n[ -e {usr} ] && echo wrote"
        )
    assert "wrote" not in said
    assert not {"device", "sysctl", "sysrq"} & set(said)
    assert not usr.exists()


@pytest.mark.requirement("agents:box:network")
async def test_the_loopback_of_the_machine_is_out_of_reach(make_box: MakeBox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        connect = f"(exec 3<>/dev/tcp/127.0.0.1/{listener.getsockname()[1]}) 2>/dev/null && echo connected"
        async with make_box() as box:
            assert await says(box, connect) == []
        async with make_box(network="host") as box:
            assert await says(box, connect) == ["connected"]


@pytest.mark.requirement("agents:box:processes")
async def test_processes_of_the_machine_are_neither_seen_nor_ended(make_box: MakeBox) -> None:
    sleeper = subprocess.Popen(["sleep", "61.5"])
    try:
        async with make_box() as box:
            kill = f"kill -9 {sleeper.pid} 2>/dev/null; cat /proc/*/cmdline 2>/dev/null | tr '\\0' '\\n' | grep -cx '61[.]5'"
            assert await says(box, kill) == ["0"]
        assert sleeper.poll() is None
    finally:
        sleeper.kill()
        sleeper.wait()


@pytest.mark.requirement("agents:box:environment")
async def test_the_environment_of_the_server_stays_outside(make_box: MakeBox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-planted-in-the-environment")
    async with make_box() as box:
        assert not [word for word in await says(box, "env; cat /proc/*/environ | tr '\\0' '\\n'") if "planted" in word]


@pytest.mark.requirement("agents:box:read-only")
async def test_a_read_only_workspace_is_that_for_everybody(make_box: MakeBox) -> None:
    async with make_box(read_only=True) as box:
        assert await says(box, "touch x 2>/dev/null && echo wrote; touch ~/x && echo home") == ["home"]


@pytest.mark.requirement("agents:box:ends")
async def test_nothing_of_a_box_outlives_it(make_box: MakeBox) -> None:
    async with make_box() as box:
        daemon = (
            "setsid sh -c 'trap \"\" TERM HUP; while :; do sleep 0.1; done' >/dev/null 2>&1 & echo started; read line"
        )
        with subprocess.Popen(
            box.argv(["bash", "-c", daemon]), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"started\n"
            process.kill()
        await box.end()
        assert [pid for pid, _ in labelled(box.spec.agent)] == []
        assert [ref for ref in await box.provisioner.find() if ref.agent == box.spec.agent] == []
