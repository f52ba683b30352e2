"""Boxes that another program places: srun, ssh, kubectl exec, apptainer, or anything that passes stdin and stdout.

Option `command`: an argv in which these stand for themselves:
    {argv}      the command and its arguments; at the end, if it is nowhere
    {line}      the same as one word for a shell, for ssh
    {agent} {workspace} {home} {cpus} {memory} {memory_mb} {pids}
A limit holds if the argv names it. Option `within`: `bwrap` has the command run in a bwrap box over there. The
workspace has to be the same path there.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Sequence

from codex_mcp.agents.boxes.bwrap import Bwrap
from codex_mcp.agents.boxes.local import end_boxes, find_boxes
from codex_mcp.agents.boxes.model import BoxRef, BoxSpec, Endpoint, Probe, Program, Usage
from codex_mcp.agents.boxes.probing import probe_box
from codex_mcp.agents.errors import BoxError

_FIELD = re.compile(r"\{(\w+)\}")


class Command:
    """See the module."""

    name = "command"

    def __init__(self) -> None:
        self._bwrap = Bwrap()

    async def probe(self, spec: BoxSpec) -> Probe:
        try:
            program = _template(spec)[0]
        except BoxError as error:
            return Probe(False, error.message)
        if shutil.which(program) is None:
            return Probe(False, f"{program} is not on PATH")
        template = spec.options["command"]
        limits = frozenset(
            name for name in spec.limits.named() if f"{{{name}}}" in template or f"{{{name}_mb}}" in template
        )
        networks = frozenset({"none", "host"} if "within" in spec.options else {"host"})
        return await probe_box(self, spec, networks=networks, limits=limits, wall="within" in spec.options, local=False)

    async def prepare(self, spec: BoxSpec) -> None:
        await self._bwrap.prepare(spec)

    def inside(self, spec: BoxSpec, argv: Sequence[str]) -> list[str]:
        within = spec.options.get("within")
        if within == "bwrap":
            argv = self._bwrap.inside(spec, argv)
        elif within is None:
            values = [f"{name}={value}" for name, value in spec.environment.items()]
            argv = ["env", "-i", "-C", str(spec.workspace), *values, *argv]
        else:
            raise BoxError(f"`within` can be bwrap, not {within}")
        values_of = _values(spec) | {"line": shlex.join(argv)}
        template = _template(spec)
        line = [
            word
            for part in template
            for word in (argv if part == "{argv}" else [_FIELD.sub(lambda found: _value(values_of, found[1]), part)])
        ]
        placed = any(part == "{argv}" or "{line}" in part for part in template)
        return line if placed else [*line, *argv]

    def endpoint(self, spec: BoxSpec) -> Endpoint:
        return Program(self.inside(spec, spec.exec_server))

    async def find(self) -> list[BoxRef]:
        return find_boxes(self.name, "codex")

    async def usage(self, spec: BoxSpec) -> Usage | None:
        return None

    async def stop(self, ref: BoxRef, grace: float) -> None:
        await end_boxes(ref.agent, grace)

    async def remove(self, spec: BoxSpec) -> None:
        """What the command makes elsewhere ends with it."""


def _template(spec: BoxSpec) -> list[str]:
    template = spec.options.get("command", "")
    if not template.strip():
        raise BoxError("the backend `command` needs the option command, for example `srun -n1 --unbuffered {argv}`")
    try:
        return shlex.split(template)
    except ValueError as error:
        raise BoxError(f"the option command cannot be read: {error}") from None


def _values(spec: BoxSpec) -> dict[str, str]:
    limits = spec.limits
    values = {"agent": spec.agent, "workspace": str(spec.workspace), "home": str(spec.home)}
    if limits.cpus is not None:
        values["cpus"] = str(max(1, round(limits.cpus)))
    if limits.memory is not None:
        values |= {"memory": str(limits.memory), "memory_mb": str(limits.memory // 2**20)}
    if limits.pids is not None:
        values["pids"] = str(limits.pids)
    return values


def _value(values: dict[str, str], name: str) -> str:
    if name not in values:
        known = ", ".join(sorted(values))
        raise BoxError(f"the option command names {{{name}}}, which is not set; set are {known}{os.linesep}".strip())
    return values[name]
