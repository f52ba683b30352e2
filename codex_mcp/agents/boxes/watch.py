"""Notices that a box ended under its engine, which would not get another one by itself."""

from __future__ import annotations

import contextlib
import os
import sys

import anyio

from codex_mcp.agents.boxes.local import labelled

_SETTLED = 0.05  # seconds; an engine that ends takes its box along, and this is for the one that does not


async def box_gone(agent: str) -> bool:
    """Wait until the box of an agent's engine is gone; whether its engine is still there. At once False if there is no
    box, or no way to wait for it (elsewhere than on Linux)."""
    if not sys.platform.startswith("linux"):
        return False
    ours = {pid: parent for pid, _ in labelled(agent) if (parent := _parent(pid)) is not None}
    engines = {pid for pid, parent in ours.items() if parent == os.getpid()}
    boxes = {pid: parent for pid, parent in ours.items() if parent in engines}
    for pid, engine in boxes.items():
        try:
            handle = os.pidfd_open(pid)
        except OSError:
            continue
        try:
            await anyio.wait_readable(handle)
        finally:
            os.close(handle)
        await anyio.sleep(_SETTLED)
        return _parent(engine) is not None
    return False


def _parent(pid: int) -> int | None:
    """The parent of a process; `None` if it has ended."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/stat", "rb") as file:
        state, parent = file.read().rpartition(b")")[2].split()[:2]
        return int(parent) if state not in (b"Z", b"X") else None
    return None
