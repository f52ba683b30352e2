"""Control groups, both versions: the only limits that hold for an agent and not for each of its processes."""

from __future__ import annotations

import contextlib
import pathlib
import time
from collections.abc import Iterable, Sequence

import anyio

from codex_mcp.agents.boxes.model import Limits

_OURS = "codex-mcp"
_PERIOD = 100_000  # microseconds, over which a share of the processors is counted
_NO_LIMIT = 2**60  # more than that is how version 1 says none
_SAMPLE = 0.1  # seconds
_MOUNTS = "/proc/self/mountinfo"
_REMOVAL = 0.5  # seconds in which the kernel lets go of a group whose last process was just killed

# Joins the groups, then becomes the program: its descendants are in them from the first moment on.
_JOIN = (
    'n=$1; shift; while [ "$n" -gt 0 ]; do echo 0 >"$1/cgroup.procs" || exit 125; shift; n=$((n-1)); done; exec "$@"'
)


class CgroupV1:
    """One hierarchy for each controller. Needs root, or groups that were handed over."""

    name = "cgroup v1"
    whole = True

    def make(self, agent: str, limits: Limits) -> Limits:
        made = self._groups(agent)
        for group in made.values():
            group.mkdir(parents=True, exist_ok=True)
        if limits.memory is not None:
            memory = made["memory"]
            with contextlib.suppress(OSError):  # lowering both goes in one order, raising in the other
                (memory / "memory.limit_in_bytes").write_text(str(limits.memory))
            with contextlib.suppress(OSError):  # kernels without swap accounting have no such file
                (memory / "memory.memsw.limit_in_bytes").write_text(str(limits.memory))
            (memory / "memory.limit_in_bytes").write_text(str(limits.memory))
        if limits.cpus is not None:
            (made["cpu"] / "cpu.cfs_period_us").write_text(str(_PERIOD))
            (made["cpu"] / "cpu.cfs_quota_us").write_text(str(round(limits.cpus * _PERIOD)))
        if limits.pids is not None:
            (made["pids"] / "pids.max").write_text(str(limits.pids))
        return self.limits(agent)

    def launch(self, agent: str, limits: Limits, argv: Sequence[str]) -> list[str]:
        return _join(self._groups(agent).values(), argv)

    def used(self, agent: str) -> tuple[float, int] | None:
        groups = self._groups(agent)
        return _number(groups["cpuacct"] / "cpuacct.usage") / 1e9, _number(groups["memory"] / "memory.usage_in_bytes")

    def limits(self, agent: str) -> Limits:
        return _read_v1(self._groups(agent))

    def remove(self, agent: str) -> None:
        with contextlib.suppress(OSError):
            _remove(self._groups(agent).values())

    def _groups(self, agent: str) -> dict[str, pathlib.Path]:
        mounted = _mounted()
        if missing := {"memory", "cpu", "cpuacct", "pids"} - mounted.keys():
            raise OSError(f"no cgroup v1 hierarchy for {', '.join(sorted(missing))}")
        own = _own_groups()
        return {
            name: _beside(mounted[name], own.get(name, "/")) / _OURS / agent
            for name in ("memory", "cpu", "cpuacct", "pids")
        }


class CgroupV2:
    """The unified hierarchy. Needs root at its top, or a group that was handed over and has no processes itself."""

    name = "cgroup v2"
    whole = True

    def make(self, agent: str, limits: Limits) -> Limits:
        group = self._group(agent)
        for parent in (group.parent.parent, group.parent):
            parent.mkdir(exist_ok=True)
            # refused with "busy" where the parent has processes of its own and is not the top
            (parent / "cgroup.subtree_control").write_text("+memory +cpu +pids")
        group.mkdir(exist_ok=True)
        if limits.memory is not None:
            (group / "memory.max").write_text(str(limits.memory))
            with contextlib.suppress(OSError):
                (group / "memory.swap.max").write_text("0")
        if limits.cpus is not None:
            (group / "cpu.max").write_text(f"{round(limits.cpus * _PERIOD)} {_PERIOD}")
        if limits.pids is not None:
            (group / "pids.max").write_text(str(limits.pids))
        return self.limits(agent)

    def launch(self, agent: str, limits: Limits, argv: Sequence[str]) -> list[str]:
        return _join([self._group(agent)], argv)

    def used(self, agent: str) -> tuple[float, int] | None:
        group = self._group(agent)
        stat = dict(line.split() for line in (group / "cpu.stat").read_text().splitlines())
        return int(stat["usage_usec"]) / 1e6, _number(group / "memory.current")

    def limits(self, agent: str) -> Limits:
        return _read_v2(self._group(agent))

    def remove(self, agent: str) -> None:
        with contextlib.suppress(OSError):
            _remove([self._group(agent)])

    def _group(self, agent: str) -> pathlib.Path:
        mounted = _mounted()
        if "" not in mounted:
            raise OSError("no cgroup v2 hierarchy")
        top = _beside(mounted[""], _own_groups().get("", "/"))
        if not {"memory", "cpu", "pids"} <= set((top / "cgroup.controllers").read_text().split()):
            raise OSError("the cgroup v2 hierarchy has no controllers")
        return top / _OURS / agent


async def read_process(pid: int) -> tuple[float | None, int | None, Limits]:
    """Processor use in percent, memory in bytes and limits of the group that a process is in."""
    groups = {name: path for name, path in _groups_of(pid).items() if path.is_dir()}
    try:
        if "memory" in groups:
            usage = groups["cpuacct"] / "cpuacct.usage"
            before, since = _number(usage), time.monotonic()
            await anyio.sleep(_SAMPLE)
            percent = (_number(usage) - before) / 1e7 / (time.monotonic() - since)
            return percent, _number(groups["memory"] / "memory.usage_in_bytes"), _read_v1(groups)
        return None, _number(groups[""] / "memory.current"), _read_v2(groups[""])
    except (OSError, KeyError):
        return None, None, Limits()


def _read_v1(groups: dict[str, pathlib.Path]) -> Limits:
    memory = _number(groups["memory"] / "memory.limit_in_bytes")
    quota, period = _number(groups["cpu"] / "cpu.cfs_quota_us"), _number(groups["cpu"] / "cpu.cfs_period_us")
    pids = (groups["pids"] / "pids.max").read_text().strip()
    return Limits(
        quota / period if quota > 0 else None,
        memory if memory < _NO_LIMIT else None,
        int(pids) if pids != "max" else None,
    )


def _read_v2(group: pathlib.Path) -> Limits:
    memory, pids = ((group / name).read_text().strip() for name in ("memory.max", "pids.max"))
    quota, period = (group / "cpu.max").read_text().split()
    return Limits(
        int(quota) / int(period) if quota != "max" else None,
        int(memory) if memory != "max" else None,
        int(pids) if pids != "max" else None,
    )


def _mounted() -> dict[str, pathlib.Path]:
    """Where each controller of version 1 is mounted, and version 2 under the empty name."""
    found: dict[str, pathlib.Path] = {}
    with open(_MOUNTS) as mounts:
        for line in mounts:
            fields, _, rest = line.partition(" - ")
            kind, _, options = rest.split(None, 2)
            path = pathlib.Path(fields.split()[4])
            if kind == "cgroup2":
                found[""] = path
            elif kind == "cgroup":
                found |= dict.fromkeys(options.split()[-1].split(","), path)
    return found


def _own_groups(pid: int | str = "self") -> dict[str, str]:
    """The group of a process in each hierarchy, by controller."""
    found: dict[str, str] = {}
    for line in pathlib.Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, controllers, group = line.split(":", 2)
        found |= dict.fromkeys(controllers.split(","), group)
    return found


def _groups_of(pid: int) -> dict[str, pathlib.Path]:
    try:
        own = _own_groups(pid)
    except OSError:
        return {}
    return {name: path / own[name].lstrip("/") for name, path in _mounted().items() if name in own}


def _beside(mount: pathlib.Path, own: str) -> pathlib.Path:
    """The group that ours go into: our own, or the top where that is not to be seen from here."""
    group = mount / own.lstrip("/")
    return group if group.is_dir() else mount


def _join(groups: Iterable[pathlib.Path], argv: Sequence[str]) -> list[str]:
    paths = list(dict.fromkeys(map(str, groups)))  # cpu and cpuacct are often one
    return ["/bin/sh", "-c", _JOIN, "box", str(len(paths)), *paths, *argv]


def _remove(groups: Iterable[pathlib.Path]) -> None:
    for group in dict.fromkeys(groups):
        end = time.monotonic() + _REMOVAL
        while group.is_dir():
            try:
                group.rmdir()
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.01)


def _number(path: pathlib.Path) -> int:
    return int(path.read_text())
