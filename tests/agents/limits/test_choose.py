"""Limits are set by what works, read back from the kernel, and hold."""

from __future__ import annotations

import pathlib
import sys

import anyio
import pytest

from codex_mcp.agents.boxes.model import Limits
from codex_mcp.agents.errors import NoLimits
from codex_mcp.agents.limits import choose
from codex_mcp.agents.limits.cgroups import CgroupV1, CgroupV2
from codex_mcp.agents.limits.rlimits import DataLimit
from codex_mcp.agents.limits.systemd import SystemdScope
from tests.agents.conftest import MakeBox

MB = 2**20


def cgroups_work() -> bool:
    try:
        return bool(choose.enforce("probe-of-tests", Limits(pids=10), required=True))
    except NoLimits:
        return False
    finally:
        CgroupV1().remove("probe-of-tests")


HERE = ["bwrap", pytest.param("docker", marks=pytest.mark.slow), pytest.param("podman", marks=pytest.mark.slow)]
"""Boxes of this machine: a command's are limited where it puts them."""
needs_cgroups = pytest.mark.skipif(not cgroups_work(), reason="no control groups can be made here")


@needs_cgroups
@pytest.mark.requirement("agents:limits:kernel")
@pytest.mark.parametrize("backend", HERE, indirect=True)
async def test_limits_are_read_back_from_the_kernel(make_box: MakeBox) -> None:
    wanted = Limits(0.5, 256 * MB, 64)
    async with make_box(limits=wanted) as box:
        process = await anyio.open_process(box.argv(["bash", "-c", "echo up; read line"]))
        async with process:
            assert process.stdout is not None
            assert await process.stdout.receive() == b"up\n"
            usage = await box.usage()
            process.kill()
    assert usage.limits == wanted
    assert usage.memory
    assert usage.cpu_percent is not None
    assert usage.enforced_by in ("cgroup v1", "cgroup v2", "container")


@needs_cgroups
@pytest.mark.requirement("agents:limits:hold")
@pytest.mark.parametrize("backend", HERE, indirect=True)
async def test_a_command_over_the_limits_ends_and_the_box_lives_on(make_box: MakeBox) -> None:
    async with make_box(limits=Limits(None, 128 * MB, 48)) as box:
        eat = "(head -c 400000000 /dev/zero | tail -c 400000000 >/dev/null) 2>/dev/null; echo ended $?"
        forks = "sh -c 'i=0; while [ $i -lt 60 ]; do sleep 5 & i=$((i+1)); echo $i; done' 2>/dev/null; exit 0"
        said = (await box.run(["bash", "-c", f"{eat}\n{eat}"])).decode().split("\n")
        assert said[0] != "ended 0"
        assert 0 < len((await box.run(["sh", "-c", forks])).split()) < 48
        assert await box.run(["bash", "-c", "echo lives"]) == b"lives\n"


@pytest.mark.requirement("agents:limits:first-that-works")
def test_a_resource_limit_is_the_last_resort_and_is_not_for_those_who_need_limits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> Limits:
        raise PermissionError(13, "Permission denied")

    for means in (CgroupV1, CgroupV2, SystemdScope):
        monkeypatch.setattr(means, "make", refuse)
    found = choose.enforce("tested", Limits(memory=2048 * MB))
    assert isinstance(found.means, DataLimit) == sys.platform.startswith("linux")
    assert "by itself" in found.name
    assert choose.enforce("tested", Limits(memory=100 * MB)).name == "nothing"
    assert choose.enforce("tested", Limits(cpus=1.0, memory=2048 * MB)).missing == {"cpus"}
    with pytest.raises(NoLimits, match="cgroup v1: Permission denied"):
        choose.enforce("tested", Limits(memory=2048 * MB), required=True)


@pytest.mark.requirement("agents:limits:first-that-works")
@pytest.mark.parametrize("backend", ["bwrap"], indirect=True)
async def test_the_last_resort_holds_each_process(
    make_box: MakeBox, monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    monkeypatch.setattr(choose, "_MEANS", (DataLimit(),))
    async with make_box(limits=Limits(memory=1024 * MB)) as box:
        assert box.enforced_by == DataLimit.name
        assert await box.run(["bash", "-c", "ulimit -d"]) == b"1048576\n"


def test_groups_of_version_2_are_read(tmp_path: pathlib.Path) -> None:
    from codex_mcp.agents.limits.cgroups import _read_v2

    for name, value in {"memory.max": "max", "pids.max": "32", "cpu.max": "50000 100000"}.items():
        (tmp_path / name).write_text(value + "\n")
    assert _read_v2(tmp_path) == Limits(0.5, None, 32)
