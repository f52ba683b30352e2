"""No wall: directories of its own and nothing else. Only for those who ask for it by name."""

from __future__ import annotations

from collections.abc import Sequence

from codex_mcp.agents.boxes.local import end_boxes, find_boxes
from codex_mcp.agents.boxes.model import BoxRef, BoxSpec, Endpoint, Probe, Program, Usage
from codex_mcp.agents.boxes.probing import probe_box


class NoBox:
    """Runs commands as what it is: a process of the user."""

    name = "none"

    async def probe(self, spec: BoxSpec) -> Probe:
        return await probe_box(self, spec, networks=frozenset({"host"}), wall=False)

    async def prepare(self, spec: BoxSpec) -> None:
        (spec.home / ".codex").mkdir(mode=0o700, parents=True, exist_ok=True)

    def inside(self, spec: BoxSpec, argv: Sequence[str]) -> list[str]:
        values = [f"{name}={value}" for name, value in spec.environment.items()]
        return ["env", "-i", "-C", str(spec.workspace), *values, *argv]

    def endpoint(self, spec: BoxSpec) -> Endpoint:
        return Program(self.inside(spec, spec.exec_server))

    async def find(self) -> list[BoxRef]:
        return find_boxes(self.name, "codex")

    async def usage(self, spec: BoxSpec) -> Usage | None:
        return None

    async def stop(self, ref: BoxRef, grace: float) -> None:
        await end_boxes(ref.agent, grace)

    async def remove(self, spec: BoxSpec) -> None:
        """Nothing is outside of the agent's folder."""
