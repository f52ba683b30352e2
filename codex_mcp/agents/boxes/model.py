"""What a box is, and what a provisioner of boxes does."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from codex_mcp.wire.messages import JsonObject

Network = Literal["none", "outbound", "host"]

LABEL = "CODEX_MCP_AGENT"
"""In the environment of what belongs to an agent, as `LABEL=<id of its folder>`; also the label of containers."""


@dataclasses.dataclass(frozen=True)
class Limits:
    """What all processes of an agent's box may use together; `None`: no limit."""

    cpus: float | None = None
    memory: int | None = None
    """Bytes."""
    pids: int | None = None

    def __bool__(self) -> bool:
        return any(value is not None for value in (self.cpus, self.memory, self.pids))

    def named(self) -> frozenset[str]:
        """Names of the limits that are set."""
        return frozenset(f.name for f in dataclasses.fields(self) if getattr(self, f.name) is not None)


@dataclasses.dataclass(frozen=True)
class Overlay:
    """A directory that the box sees at its own place, whose changes land elsewhere."""

    source: pathlib.Path
    upper: pathlib.Path
    work: pathlib.Path


@dataclasses.dataclass(frozen=True)
class BoxSpec:
    """One agent's box. Paths are the same inside and outside."""

    agent: str
    """Id of the agent: unique on this machine, also in names of containers and control groups."""
    root: pathlib.Path
    """The agent's folder. Of it, only `home` and the workspace are in the box."""
    workspace: pathlib.Path
    engine: pathlib.Path
    """The folder of the engine's own files, which the box sees read-only."""
    codex: pathlib.Path
    limits: Limits = Limits()
    network: Network = "none"
    read_only: bool = False
    """The workspace cannot be written to, whatever the sandbox policy of a turn."""
    reads: tuple[pathlib.Path, ...] = ()
    """Further paths that the box sees read-only."""
    overlay: Overlay | None = None
    options: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Of the provisioner, for example `image`."""

    @property
    def home(self) -> pathlib.Path:
        """HOME in the box."""
        return self.root / "home"

    @property
    def environment(self) -> dict[str, str]:
        """All that commands in the box have as environment, before the engine adds to it."""
        path = [str(self.engine / "codex-path"), "/usr/local/bin", "/usr/bin", "/bin"]
        return {
            "HOME": str(self.home),
            "CODEX_HOME": str(self.home / ".codex"),
            "PATH": ":".join(path),
            "LANG": "C.UTF-8",
            LABEL: self.agent,
        }

    @property
    def exec_server(self) -> list[str]:
        """The engine's helper that runs commands for it in the box."""
        return [str(self.codex), "exec-server", "--listen", "stdio"]


@dataclasses.dataclass(frozen=True)
class Probe:
    """What a provisioner can do on this machine, found out by doing it."""

    usable: bool
    reason: str
    """Why it cannot be used; otherwise what it is."""
    nested_sandbox: bool = False
    """Whether the engine's own sandbox works in the box: without it, read-only is enforced by nobody inside."""
    isolates: frozenset[str] = frozenset()
    """Of `files`, `processes`, `network`: what was seen to be out of reach."""
    limits: frozenset[str] = frozenset()
    """Limits that the provisioner enforces by itself."""
    networks: frozenset[str] = frozenset()
    local: bool = True
    """Whether the box is on this machine, so that limits of this machine hold it."""


@dataclasses.dataclass(frozen=True)
class Program:
    """A box that an engine starts: an argv whose stdin and stdout are those of the exec-server in it."""

    argv: Sequence[str]


@dataclasses.dataclass(frozen=True)
class Remote:
    """An exec-server that is there already."""

    url: str
    token: str | None = dataclasses.field(default=None, repr=False)


Endpoint = Program | Remote


@dataclasses.dataclass(frozen=True)
class BoxRef:
    """A box that exists. `details` go into the registry: nothing secret."""

    backend: str
    agent: str
    id: str
    started: float
    """Seconds since the epoch."""
    details: JsonObject = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Usage:
    """What a box uses, and the limits as the kernel says them."""

    cpu_percent: float | None
    memory: int | None
    """Bytes."""
    limits: Limits
    enforced_by: str


class Provisioner(Protocol):
    """Makes boxes of one kind. Found by name in the entry-point group `codex_mcp_server.provisioners`."""

    name: str

    async def probe(self, spec: BoxSpec) -> Probe:
        """Make a box as `spec` has it, look at what it holds back, end it."""

    async def prepare(self, spec: BoxSpec) -> None:
        """Make what a box needs. May be repeated."""

    def inside(self, spec: BoxSpec, argv: Sequence[str]) -> list[str]:
        """The argv that runs `argv` in the box, with its stdin, stdout and exit status."""

    def endpoint(self, spec: BoxSpec) -> Endpoint:
        """How an engine reaches the exec-server in the box."""

    async def find(self) -> list[BoxRef]:
        """The boxes of this kind that run on this machine, by label."""

    async def usage(self, spec: BoxSpec) -> Usage | None:
        """Measured by the provisioner's own means; `None`: the host's have to do."""

    async def stop(self, ref: BoxRef, grace: float) -> None:
        """End a box and all that runs in it: asked first, killed after `grace` seconds. May be repeated."""

    async def remove(self, spec: BoxSpec) -> None:
        """Take away what `prepare` made, outside of the agent's folder."""
