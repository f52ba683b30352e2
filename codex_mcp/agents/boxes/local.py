"""Processes of an agent on this machine, by the label in their environment. Only Linux tells; elsewhere nothing.

In a box the label cannot be trusted, for the agent may change it. But every process in a namespace ends with the
first one in it, whose parent is outside and was given its environment by the server.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator

import anyio

from codex_mcp.agents.boxes.model import LABEL, BoxRef
from codex_mcp.engine.orphans import environment_of

_ROUNDS = 10  # a process may fork while the others are looked for
_POLL = 0.02  # seconds


def labelled(agent: str | None = None) -> Iterator[tuple[int, str]]:
    """Process id and agent of every process with a label (of that agent)."""
    if not sys.platform.startswith("linux"):
        return
    entry = f"{LABEL}=".encode()
    for pid in os.listdir("/proc"):
        if not pid.isdigit() or int(pid) == os.getpid():
            continue
        try:
            found = [value for value in environment_of(int(pid)) if value.startswith(entry)]
        except OSError:
            continue
        if found:
            name = found[0][len(entry) :].decode(errors="replace")
            if agent is None or agent == name:
                yield int(pid), name


def find_boxes(backend: str, program: str) -> list[BoxRef]:
    """A box for each agent that has a process of that program."""
    boxes: dict[str, BoxRef] = {}
    for pid, agent in labelled():
        with contextlib.suppress(OSError), open(f"/proc/{pid}/comm") as comm:
            if comm.read().strip() == program and agent not in boxes:
                boxes[agent] = BoxRef(backend, agent, str(pid), os.stat(f"/proc/{pid}").st_mtime)
    return list(boxes.values())


async def end_boxes(agent: str, grace: float) -> None:
    """Ask every process of the agent to end, and kill what is left after `grace` seconds."""
    asked = [pid for pid, _ in labelled(agent)]
    for pid in asked if grace > 0 else ():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    with anyio.move_on_after(grace):
        while any(True for _ in labelled(agent)):  # noqa: ASYNC110 - nothing tells of the end of a stranger
            await anyio.sleep(_POLL)
    for _ in range(_ROUNDS):
        left = [pid for pid, _ in labelled(agent)]
        if not left:
            return
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await anyio.sleep(_POLL)


def resident(agent: str) -> int | None:
    """Memory of the agent's processes in bytes, what they share divided among those that share it."""
    total = 0
    for pid, _ in labelled(agent):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/smaps_rollup") as rollup:
            total += next((int(line.split()[1]) * 1024 for line in rollup if line.startswith("Pss:")), 0)
    return total or None
