"""Which isolation works on this machine: found out once, remembered until the machine is started again."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import pathlib

import msgspec

from codex_mcp.agents.boxes.found import AUTO, provisioner
from codex_mcp.agents.boxes.model import BoxSpec, Probe, Provisioner
from codex_mcp.agents.errors import NoIsolation

_BOOT = pathlib.Path("/proc/sys/kernel/random/boot_id")


async def choose(isolation: str, spec: BoxSpec, data: pathlib.Path) -> tuple[Provisioner, Probe]:
    """The provisioner of that name, or the best one for `auto`. Raises NoIsolation with all reasons."""
    reasons = []
    for name in AUTO if isolation == "auto" else (isolation,):
        found = provisioner(name)
        probe = await _probe(found, spec, data)
        if not probe.usable:
            reasons.append(probe.reason)
        elif spec.network not in probe.networks:
            reasons.append(f"{name} has no network {spec.network!r}, only {', '.join(sorted(probe.networks))}")
        else:
            return found, probe
    advice = "" if isolation == "none" else "; --isolation none goes without a wall"
    raise NoIsolation(f"no isolation works here: {'; '.join(reasons)}{advice}")


async def _probe(found: Provisioner, spec: BoxSpec, data: pathlib.Path) -> Probe:
    """From what is remembered, if nothing has changed that could matter."""
    try:
        boot = _BOOT.read_text().strip()
        stamp = spec.codex.stat().st_mtime_ns
    except OSError:
        return await found.probe(spec)
    facts = [boot, found.name, str(spec.codex), stamp, spec.network, sorted(spec.options.items()), bool(spec.overlay)]
    facts.append(sorted(spec.limits.named()))
    folder = data / "probes"
    path = folder / hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]
    try:
        return msgspec.json.decode(path.read_bytes(), type=Probe)
    except (OSError, msgspec.DecodeError):
        probe = await found.probe(spec)
    if probe.usable and found.name != "remote":
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = path.with_suffix(f".{os.getpid()}.new")  # several servers may find it out at once
        fresh.write_bytes(msgspec.json.encode(dataclasses.asdict(probe)))
        fresh.replace(path)
    return probe
