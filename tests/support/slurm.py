"""A Slurm cluster of two nodes on this machine, from Debian's packages."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator

_UP_WITHIN = 30.0  # seconds
_PROGRAMS = ("munged", "slurmctld", "slurmd", "srun", "sinfo", "scontrol")
NODES = ("box1", "box2")
_CONFIGURATION = """
ClusterName=tests
SlurmctldHost={host}
SlurmctldPort={controller}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={root}/munge.socket
CredType=cred/munge
StateSaveLocation={root}/state
SlurmctldPidFile={root}/slurmctld.pid
SlurmctldLogFile={root}/slurmctld.log
SlurmdSpoolDir={root}/%n
SlurmdPidFile={root}/%n.pid
SlurmdLogFile={root}/%n.log
MpiDefault=none
ProctrackType=proctrack/cgroup
TaskPlugin=task/cgroup
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
SlurmdTimeout=10
KillWait=1
ReturnToService=2
SchedulerParameters=sched_interval=1
{nodes}
PartitionName=all Nodes=box1,box2 Default=YES State=UP
"""


class Slurm:
    """`environment` makes Slurm's commands talk to it."""

    def __init__(self, root: pathlib.Path) -> None:
        self._root = root
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self.environment = {"SLURM_CONF": f"{root}/slurm.conf"}

    def start(self) -> str | None:
        """Why it cannot be started, if it cannot."""
        if missing := [program for program in _PROGRAMS if shutil.which(program) is None]:
            return f"there is no Slurm on this machine: {', '.join(missing)}"
        if os.getuid():
            return "two Slurm nodes on one machine need root"
        if (problem := self._come_up()) is not None:
            self.stop()
        return problem

    def _come_up(self) -> str | None:
        root = self._root
        (root / "state").mkdir(exist_ok=True)
        key = root / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        ports = [_free_port() for _ in range(3)]
        host = socket.gethostname()
        nodes = "\n".join(
            f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=16 RealMemory=16000 State=UNKNOWN"
            for name, port in zip(NODES, ports[1:], strict=True)
        )
        (root / "slurm.conf").write_text(
            _CONFIGURATION.format(host=f"{host}(127.0.0.1)", root=root, controller=ports[0], nodes=nodes)
        )
        (root / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\nConstrainRAMSpace=yes\nConstrainSwapSpace=yes\n")
        self._run(
            "munged",
            "--foreground",
            f"--key-file={key}",
            f"--socket={root}/munge.socket",
            f"--pid-file={root}/munge.pid",
            f"--log-file={root}/munge.log",
            f"--seed-file={root}/munge.seed",
            "--force",
        )
        end = time.monotonic() + _UP_WITHIN
        while not (root / "munge.socket").exists() and time.monotonic() < end:
            time.sleep(0.05)
        self._run("slurmctld", "-D", "-c")
        for name in NODES:
            self._run("slurmd", "-D", "-c", "-N", name, name=name)
        while time.monotonic() < end:
            if self.states() == {"idle": 2}:
                return None
            if any(process.poll() is not None for process in self._processes.values()):
                break
            time.sleep(0.2)
        return f"Slurm does not come up: {self.states()} {self._complaint()}"

    def _run(self, program: str, *arguments: str, name: str = "") -> None:
        log = (self._root / f"{name or program}.out").open("wb")
        with log:
            self._processes[name or program] = subprocess.Popen(
                [program, *arguments], env={**os.environ, **self.environment}, stdout=log, stderr=log
            )

    def states(self) -> dict[str, int]:
        """How many nodes are in which state."""
        said = subprocess.run(
            ["sinfo", "-h", "-N", "-o", "%t"],
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            check=False,
        ).stdout.split()
        return {state: said.count(state) for state in said}

    def kill(self, node: str) -> None:
        """A node dies, with all that runs on it."""
        daemon = self._processes.pop(node)
        daemon.kill()
        daemon.wait()
        _end_jobs(node)

    def stop(self) -> None:
        for node in NODES:
            _end_jobs(node)
        for process in reversed(self._processes.values()):
            process.terminate()
        for process in self._processes.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
            process.kill()
            process.wait()
        self._processes.clear()

    def _complaint(self) -> str:
        texts = [path.read_text(errors="replace")[-300:] for path in sorted(self._root.glob("*.log"))]
        return " | ".join(texts)[-900:]


def _end_jobs(node: str) -> None:
    """Kill what runs in a node's control groups, also what Slurm has frozen there to end it."""
    group = f"/slurm_{node}/"
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if group in (entry / "cgroup").read_text():
                os.kill(int(entry.name), 9)
    for state in pathlib.Path(f"/sys/fs/cgroup/freezer/slurm_{node}").rglob("freezer.state"):
        with contextlib.suppress(OSError):
            state.write_text("THAWED")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextlib.contextmanager
def cluster(root: pathlib.Path) -> Iterator[tuple[Slurm, str | None]]:
    """The cluster, and why it does not work here."""
    slurm = Slurm(root)
    try:
        yield slurm, slurm.start()
    finally:
        slurm.stop()
