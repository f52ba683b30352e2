"""Resource limits: they need no rights, and count for each process by itself. The last resort.

Only the data segment: the engine reserves terabytes of addresses, so a limit on those stops its commands, and a limit
on processes counts those of the user everywhere.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from codex_mcp.agents.boxes.local import labelled
from codex_mcp.agents.boxes.model import Limits

_LEAST = 2**30  # bytes; with less the engine's code mode does not start
_SET = 'ulimit -S -d "$1" && ulimit -H -d "$1" || exit 125; shift; exec "$@"'


class DataLimit:
    """RLIMIT_DATA."""

    name = "rlimit, for each process by itself"
    whole = False

    def make(self, agent: str, limits: Limits) -> Limits:
        if not sys.platform.startswith("linux"):
            raise OSError("resource limits are untested here")
        if limits.memory is None:
            raise OSError("resource limits hold memory only")
        if limits.memory < _LEAST:
            raise OSError("a resource limit below 1 GB stops the engine's helpers")
        return Limits(memory=limits.memory // 1024 * 1024)

    def launch(self, agent: str, limits: Limits, argv: Sequence[str]) -> list[str]:
        assert limits.memory is not None
        return ["/bin/sh", "-c", _SET, "box", str(limits.memory // 1024), *argv]

    def used(self, agent: str) -> tuple[float, int] | None:
        return None

    def limits(self, agent: str) -> Limits:
        import resource

        for pid, _ in labelled(agent):
            soft, _ = resource.prlimit(pid, resource.RLIMIT_DATA)
            if soft != resource.RLIM_INFINITY:
                return Limits(memory=soft)
        return Limits()

    def remove(self, agent: str) -> None:
        """It ends with the processes."""
