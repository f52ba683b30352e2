"""Agents on disk: one folder each, which is all there is of them between two servers.

    DATA/agents/NAME/agent.json    what the agent is; replaced in one step, so that a kill leaves the old or the new
                     lock          held by the process that serves the agent
                     codex/        CODEX_HOME of its engine, never in the box
                     home/  ws/    HOME and workspace in the box
    DATA/agents/.new-…  .gone-…    being made, being removed: whatever was killed in between is swept away
    DATA/patches/                  work of agents that were removed by force

Two servers share a data directory: the lock of an agent says who serves it, and ends with the process.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import secrets
import shutil
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Literal

import filelock
import msgspec
import platformdirs

from codex_mcp.agents.boxes.model import Limits, Network
from codex_mcp.agents.errors import AgentBusy, NoSuchAgent, WorkspaceError
from codex_mcp.agents.workspaces.make import Kind, Workspace, forget
from codex_mcp.errors import CallerError

_LOOKED_AT = 0.3  # seconds, for which somebody else may look whether an agent is served
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


class Metrics(msgspec.Struct, kw_only=True):
    """Of the turns of an agent, since it was made."""

    turns: int = 0
    failed: int = 0
    seconds: float = 0.0


class Settings(msgspec.Struct, kw_only=True, frozen=True):
    """What an agent is made with."""

    isolation: str = "auto"
    workspace: Kind | None = None
    """`None`: a clone where the directory is in a repository, else empty."""
    directory: str = ""
    """Where the user was."""
    network: Network = "none"
    cpus: float | None = None
    memory: int | None = None
    pids: int | None = None
    require_limits: bool = False
    read_only: bool = False
    options: dict[str, str] = {}

    @property
    def limits(self) -> Limits:
        return Limits(self.cpus, self.memory, self.pids)


class AgentRecord(msgspec.Struct, kw_only=True):
    """The file agent.json. Times are seconds since the epoch."""

    version: Literal[1] = 1
    id: str
    """Unique on the machine; the name is so in a data directory."""
    name: str
    created: float
    last_active: float
    settings: Settings
    workspace: Kind
    origin: str | None = None
    base: str | None = None
    borrowed: list[str] = []
    metrics: Metrics = msgspec.field(default_factory=Metrics)

    def workspace_in(self, root: pathlib.Path) -> Workspace:
        """The workspace, for an agent whose folder is `root`."""
        origin = pathlib.Path(self.origin) if self.origin is not None else None
        own = self.workspace in ("clone", "empty") or origin is None
        path = root / "ws" if own or origin is None else origin
        return Workspace(self.workspace, path, origin, self.base, tuple(map(pathlib.Path, self.borrowed)))

    def keep_workspace(self, made: Workspace) -> None:
        """Take over what was made."""
        self.workspace, self.base = made.kind, made.base
        self.origin = str(made.origin) if made.origin is not None else None
        self.borrowed = list(map(str, made.borrowed))


class Running(msgspec.Struct, kw_only=True, frozen=True):
    """Who serves an agent, and in which box: written by the holder of its lock."""

    pid: int
    since: float
    shared: bool = False
    """Whether that process serves other agents, too."""
    isolation: str = ""
    isolates: list[str] = []
    nested_sandbox: bool = False
    enforced_by: str = ""


def data_directory() -> pathlib.Path:
    """CODEX_MCP_DATA, else what the platform has for data of applications."""
    named = os.environ.get("CODEX_MCP_DATA")
    return pathlib.Path(named).absolute() if named else platformdirs.user_data_path("codex-mcp-server")


class Registry:
    """The agents of a data directory."""

    def __init__(self, data: pathlib.Path | None = None) -> None:
        self.data = data if data is not None else data_directory()
        self._agents = self.data / "agents"

    def root(self, name: str) -> pathlib.Path:
        """The folder of an agent, whether or not it exists. Raises CallerError for what cannot be a name."""
        if not _NAME.fullmatch(name):
            raise CallerError(f"{name!r} is no name of an agent: lower-case letters, digits, - and _, at most 40")
        return self._agents / name

    def names(self) -> list[str]:
        """Of all agents, in order."""
        try:
            return sorted(entry for entry in os.listdir(self._agents) if _NAME.fullmatch(entry))
        except FileNotFoundError:
            return []

    def exists(self, name: str) -> bool:
        return (self.root(name) / "agent.json").exists()

    def load(self, name: str) -> AgentRecord:
        """Raises NoSuchAgent, or CallerError (code `agent_unreadable`) for a file that is none of ours."""
        path = self.root(name) / "agent.json"
        try:
            return msgspec.json.decode(path.read_bytes(), type=AgentRecord)
        except FileNotFoundError:
            known = ", ".join(self.names()) or "none yet"
            raise NoSuchAgent(f"there is no agent {name!r}; there are: {known}") from None
        except (OSError, msgspec.DecodeError) as error:
            raise CallerError(f"{path} cannot be read: {error}", code="agent_unreadable") from None

    def save(self, record: AgentRecord) -> None:
        """Replace the file in one step."""
        _write(self.root(record.name) / "agent.json", msgspec.json.encode(record))

    async def create(
        self, name: str, settings: Settings, furnish: Callable[[pathlib.Path, AgentRecord], Awaitable[None]]
    ) -> AgentRecord:
        """Make an agent: `furnish` fills its folder and the record; then the folder gets its name, and the agent is.

        Raises AgentBusy if there is one of that name; what `furnish` raises leaves nothing behind.
        """
        root = self.root(name)
        if root.exists():
            raise AgentBusy(f"there is an agent {name!r} already", code="exists")
        self._agents.mkdir(parents=True, exist_ok=True, mode=0o700)
        now = time.time()
        record = AgentRecord(
            id=f"{name}-{secrets.token_hex(4)}",
            name=name,
            created=now,
            last_active=now,
            settings=settings,
            workspace=settings.workspace or "empty",
        )
        fresh = self._agents / f".new-{record.id}"
        fresh.mkdir(mode=0o700)
        with _held(fresh):
            try:
                for folder in ("codex", "home"):
                    (fresh / folder).mkdir(mode=0o700)
                _write(fresh / "agent.json", msgspec.json.encode(record))
                await furnish(fresh, record)
                _write(fresh / "agent.json", msgspec.json.encode(record))
                fresh.rename(root)
            except BaseException as error:
                await self._discard(fresh, record)
                if isinstance(error, OSError) and root.exists():
                    raise AgentBusy(f"there is an agent {name!r} already", code="exists") from None
                raise
        return record

    async def remove(self, name: str) -> None:
        """Take an agent away; the caller holds its lock. What it did is lost."""
        record, root = self.load(name), self.root(name)
        gone = self._agents / f".gone-{record.id}"
        root.rename(gone)
        await self._discard(gone, record)

    def keep_patch(self, record: AgentRecord, patch: bytes) -> pathlib.Path:
        """Put the work of an agent where it outlives it."""
        folder = self.data / "patches"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / f"{record.id}.patch"
        _write(path, patch)
        return path

    async def sweep(self) -> None:
        """Remove what a process that was killed left half made or half removed."""
        for folder in [*self._agents.glob(".new-*"), *self._agents.glob(".gone-*")]:
            with contextlib.suppress(AgentBusy), _held(folder):
                try:
                    record = msgspec.json.decode((folder / "agent.json").read_bytes(), type=AgentRecord)
                except (OSError, msgspec.DecodeError):
                    record = None
                await self._discard(folder, record)

    @contextlib.contextmanager
    def hold(self, name: str) -> Iterator[None]:
        """Serve an agent, or change its folder: nobody else can meanwhile. Raises AgentBusy, or NoSuchAgent."""
        root = self.root(name)
        if not root.is_dir():
            self.load(name)  # says what there is
        with _held(root, name, wait=_LOOKED_AT):
            self.note(name, Running(pid=os.getpid(), since=time.time()))
            try:
                yield
            finally:
                (root / "running.json").unlink(missing_ok=True)

    def note(self, name: str, running: Running) -> None:
        """Say more of who serves it; for the holder of the lock."""
        _write(self.root(name) / "running.json", msgspec.json.encode(running), durable=False)

    def running(self, name: str) -> Running | None:
        """Who serves an agent now; `None` if nobody does."""
        found = _running(root := self.root(name))
        if found is None or not _lives(found.pid):  # looking at the lock would be in the way of others who want it
            return None
        try:
            with _held(root):
                return None
        except AgentBusy:
            return found

    async def _discard(self, folder: pathlib.Path, record: AgentRecord | None) -> None:
        if record is not None and (origin := record.origin or record.settings.directory):
            with contextlib.suppress(WorkspaceError):  # there may be no such repository, or no longer
                await forget(pathlib.Path(origin), record.id)
        shutil.rmtree(folder, onerror=_make_writable_and_retry)


def check_room(registry: Registry, name: str, most: int) -> None:
    """Raises AgentBusy (code `limit_reached`) if so many agents are served that this one would be too many."""
    served = [other for other in registry.names() if other != name and registry.running(other) is not None]
    if len(served) >= most:
        raise AgentBusy(
            f"{len(served)} agents are served, and MAX_CONCURRENT_SESSIONS allows {most}: "
            f"stop one of {', '.join(served)}",
            code="limit_reached",
        )


@contextlib.contextmanager
def _held(folder: pathlib.Path, name: str = "", *, wait: float = 0) -> Iterator[None]:
    lock = filelock.FileLock(folder / "lock", timeout=wait, mode=0o600)
    try:
        lock.acquire(poll_interval=0.01)
    except filelock.Timeout:
        owner = _running(folder)
        by = f"process {owner.pid}" if owner is not None else "another process"
        raise AgentBusy(
            f"the agent {name!r} is served by {by}; `codex-mcp-server agents stop {name}` ends it"
        ) from None
    try:
        yield
    finally:
        lock.release()


def _lives(pid: int) -> bool:
    if sys.platform == "win32":  # untested: only the lock tells
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        pass
    return True


def _running(root: pathlib.Path) -> Running | None:
    try:
        return msgspec.json.decode((root / "running.json").read_bytes(), type=Running)
    except (OSError, msgspec.DecodeError):
        return None


def _write(path: pathlib.Path, content: bytes, *, durable: bool = True) -> None:
    """Replace a file in one step, readable by nobody else. `durable`: on the disk before it counts."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        if durable:
            os.fsync(file.fileno())
    fresh.replace(path)


def _make_writable_and_retry(function: Callable[[str], object], path: str, _error: object) -> None:
    """Read-only directories, as build tools and overlays make them."""
    parent = os.path.dirname(path)
    for place in (parent, path):
        with contextlib.suppress(OSError):
            os.chmod(place, 0o700, follow_symlinks=os.chmod not in os.supports_follow_symlinks)
    with contextlib.suppress(FileNotFoundError):
        function(path)
