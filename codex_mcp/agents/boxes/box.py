"""The box of one agent: a provisioner, the spec, and the limits around it."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

import anyio

from codex_mcp.agents.boxes.environment import write_environment
from codex_mcp.agents.boxes.local import end_boxes
from codex_mcp.agents.boxes.model import BoxSpec, Probe, Program, Provisioner, Usage
from codex_mcp.agents.errors import BoxError, NoLimits
from codex_mcp.agents.limits.choose import Enforced, enforce, enforced, usage_of

_CLI_LIMIT = 300.0  # seconds for a command of ours in the box; the longest reads a large work tree


class Box:
    """Made anew at each start of the server; what is in it lasts."""

    def __init__(self, provisioner: Provisioner, spec: BoxSpec, probe: Probe) -> None:
        self.provisioner = provisioner
        self.spec = spec
        self.probe = probe
        self._enforced: Enforced | None = None

    @property
    def enforced_by(self) -> str:
        """The name of what holds the limits."""
        if not self.spec.limits:
            return "no limits"
        if not self.probe.local:
            held = ", ".join(sorted(self.spec.limits.named() & self.probe.limits))
            return f"{self.provisioner.name}: {held}" if held else "nothing"
        if self._by_provisioner:
            return self.provisioner.name
        return self._enforced.name if self._enforced is not None else "nothing"

    @property
    def _by_provisioner(self) -> bool:
        return bool(self.spec.limits) and self.spec.limits.named() <= self.probe.limits

    async def open(self, *, require_limits: bool = False) -> None:
        """Prepare it and set the limits. Raises BoxError, or NoLimits if they are required and nothing holds them."""
        await self.provisioner.prepare(self.spec)
        if not self.probe.local:
            if require_limits and (missing := self.spec.limits.named() - self.probe.limits):
                raise NoLimits(
                    f"{self.provisioner.name} sets no limit of {', '.join(sorted(missing))}: name it in the command, "
                    "or set it where the box runs"
                )
            return
        if self._by_provisioner:
            return
        self._enforced = enforce(self.spec.agent, self.spec.limits, required=require_limits)

    def visit(self) -> None:
        """Use it while another process has it open: under the limits that are set."""
        if self.probe.local and not self._by_provisioner:
            self._enforced = enforced(self.spec.agent)

    def argv(self, argv: Sequence[str]) -> list[str]:
        """What runs `argv` in the box, under the limits."""
        return self._limited(self.provisioner.inside(self.spec, argv))

    def tell_engine(self) -> None:
        """Write the environments.toml of the agent's CODEX_HOME."""
        endpoint = self.provisioner.endpoint(self.spec)
        if isinstance(endpoint, Program):
            endpoint = Program(self._limited(endpoint.argv))
        write_environment(self.spec.root / "codex", endpoint)

    async def run(self, argv: Sequence[str], *, stdin: bytes = b"") -> bytes:
        """Run a command in the box; its output. Raises BoxError with its complaint if it fails."""
        try:
            with anyio.fail_after(_CLI_LIMIT):
                done = await anyio.run_process(self.argv(argv), input=stdin, check=False, stderr=subprocess.PIPE)
        except (OSError, TimeoutError) as error:
            raise BoxError(f"{argv[0]} in the box: {error or f'no end within {_CLI_LIMIT:.0f} s'}") from None
        if done.returncode:
            complaint = done.stderr.decode(errors="replace").strip().replace("\n", " | ")[-500:]
            raise BoxError(f"{argv[0]} in the box: {complaint or f'exit status {done.returncode}'}")
        return done.stdout

    async def usage(self) -> Usage:
        """Measured now."""
        return await self.provisioner.usage(self.spec) or await usage_of(self.spec.agent)

    async def end(self, grace: float = 0.0) -> None:
        """End all that runs in it, and let go of the limits."""
        for ref in await self.provisioner.find():
            if ref.agent == self.spec.agent:
                await self.provisioner.stop(ref, grace)
        await end_boxes(self.spec.agent, grace)  # of a box without a process namespace commands may be left
        if self._enforced is not None and self._enforced.means is not None:
            self._enforced.means.remove(self.spec.agent)

    def _limited(self, argv: Sequence[str]) -> list[str]:
        enforced = self._enforced
        if enforced is None or enforced.means is None:
            return list(argv)
        return enforced.means.launch(self.spec.agent, self.spec.limits, argv)
