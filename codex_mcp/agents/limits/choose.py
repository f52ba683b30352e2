"""The first means that works, and what it enforces."""

from __future__ import annotations

import dataclasses
import logging
import time

import anyio

from codex_mcp.agents.boxes.local import resident
from codex_mcp.agents.boxes.model import Limits, Usage
from codex_mcp.agents.errors import NoLimits
from codex_mcp.agents.limits.cgroups import CgroupV1, CgroupV2
from codex_mcp.agents.limits.model import Means
from codex_mcp.agents.limits.rlimits import DataLimit
from codex_mcp.agents.limits.systemd import SystemdScope

log = logging.getLogger(__name__)

_MEANS: tuple[Means, ...] = (CgroupV2(), CgroupV1(), SystemdScope(), DataLimit())
_SAMPLE = 0.1  # seconds over which the use of the processors is measured
_CLOSE = 0.05  # of the wanted value; the kernel rounds to pages


@dataclasses.dataclass(frozen=True)
class Enforced:
    """The means that was found, what the kernel said after it, and why the others do not work."""

    means: Means | None
    limits: Limits
    missing: frozenset[str]
    """Of the limits that were wanted: those that nothing enforces."""
    reasons: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """For status."""
        return self.means.name if self.means is not None else "nothing"


def enforce(agent: str, wanted: Limits, *, required: bool = False) -> Enforced:
    """Set the limits by the first means that holds all of them, else by the one that holds most.

    `required`: raise NoLimits unless all hold for the whole agent.
    """
    if not wanted:
        return Enforced(None, Limits(), frozenset())
    best = Enforced(None, Limits(), wanted.named())
    reasons: list[str] = []
    for means in _MEANS:
        try:
            read = means.make(agent, wanted)
        except OSError as error:
            reasons.append(f"{means.name}: {error.strerror or error}")
            continue
        found = Enforced(means, read, frozenset(name for name in wanted.named() if not _holds(name, wanted, read)))
        if found.missing or not means.whole:
            reasons.append(f"{means.name}: no limit of {', '.join(sorted(found.missing)) or 'all together'}")
        if len(found.missing) < len(best.missing):
            if best.means is not None:
                best.means.remove(agent)
            best = found
        else:
            means.remove(agent)
        if not found.missing:
            break
    if required and (best.missing or best.means is None or not best.means.whole):
        if best.means is not None:
            best.means.remove(agent)
        raise NoLimits(f"nothing on this machine holds agents to their limits: {'; '.join(reasons)}")
    if best.missing:
        log.warning("no limit of %s: %s", ", ".join(sorted(best.missing)), "; ".join(reasons))
    return dataclasses.replace(best, reasons=tuple(reasons))


def enforced(agent: str) -> Enforced | None:
    """What holds an agent now, set by whoever has its box open; `None` if nothing does."""
    for means in _MEANS:
        try:
            if limits := means.limits(agent):
                return Enforced(means, limits, frozenset())
        except (OSError, KeyError, ValueError):
            continue
    return None


async def usage_of(agent: str) -> Usage:
    """What an agent uses and which limits hold it, measured now; also for who has not set them."""
    for means in _MEANS:
        try:
            limits = means.limits(agent)
            before, since = means.used(agent), time.monotonic()
            if not limits or before is None:
                continue
            await anyio.sleep(_SAMPLE)
            after = means.used(agent)
        except (OSError, KeyError, ValueError):
            continue
        if after is not None:
            percent = 100 * (after[0] - before[0]) / (time.monotonic() - since)
            return Usage(round(percent, 1), after[1], limits, means.name)
    limits = DataLimit().limits(agent)
    return Usage(None, resident(agent), limits, DataLimit.name if limits else "nothing")


def _holds(name: str, wanted: Limits, read: Limits) -> bool:
    want, has = getattr(wanted, name), getattr(read, name)
    return has is not None and abs(has - want) <= _CLOSE * want
