"""A transient scope of the user's systemd: control groups for people without root, where a user session runs.

Not tested: it needs a session bus.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence

from codex_mcp.agents.boxes.model import Limits

_LIMIT = 5.0  # seconds


class SystemdScope:
    """`systemd-run --user --scope`; every start gets a scope in the agent's slice, which has the limits."""

    name = "systemd user slice"
    whole = True

    def make(self, agent: str, limits: Limits) -> Limits:
        if shutil.which("systemd-run") is None:
            raise OSError("there is no systemd-run")
        _run("systemd-run", "--user", "--scope", "--quiet", f"--slice={_slice(agent)}", "true")
        properties = []
        if limits.memory is not None:
            properties += [f"MemoryMax={limits.memory}", "MemorySwapMax=0"]
        if limits.cpus is not None:
            properties.append(f"CPUQuota={round(limits.cpus * 100)}%")
        if limits.pids is not None:
            properties.append(f"TasksMax={limits.pids}")
        _run("systemctl", "--user", "set-property", "--runtime", _slice(agent), *properties)
        return self.limits(agent)

    def launch(self, agent: str, limits: Limits, argv: Sequence[str]) -> list[str]:
        return ["systemd-run", "--user", "--scope", "--quiet", f"--slice={_slice(agent)}", "--", *argv]

    def used(self, agent: str) -> tuple[float, int] | None:
        shown = _show(agent, "CPUUsageNSec", "MemoryCurrent")
        if not all(value.isdigit() for value in shown.values()):
            return None
        return int(shown["CPUUsageNSec"]) / 1e9, int(shown["MemoryCurrent"])

    def limits(self, agent: str) -> Limits:
        shown = _show(agent, "MemoryMax", "CPUQuotaPerSecUSec", "TasksMax")
        cpus = shown["CPUQuotaPerSecUSec"]
        return Limits(
            float(cpus.removesuffix("s")) if cpus.removesuffix("s").replace(".", "").isdigit() else None,
            int(shown["MemoryMax"]) if shown["MemoryMax"].isdigit() else None,
            int(shown["TasksMax"]) if shown["TasksMax"].isdigit() else None,
        )

    def remove(self, agent: str) -> None:
        subprocess.run(["systemctl", "--user", "stop", _slice(agent)], capture_output=True, check=False)


def _slice(agent: str) -> str:
    return f"codexmcp_{agent.replace('-', '_')}.slice"


def _show(agent: str, *names: str) -> dict[str, str]:
    shown = _run("systemctl", "--user", "show", _slice(agent), *(f"--property={name}" for name in names))
    return dict(line.split("=", 1) for line in shown.splitlines())


def _run(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=_LIMIT, text=True)
    except subprocess.TimeoutExpired as error:
        raise OSError(f"{command[0]} does not answer") from error
    if done.returncode:
        raise OSError(done.stderr.strip()[-200:] or f"{command[0]} failed")
    return done.stdout
