"""An agent that is open: its folder held, its box ready, what its engine has to be started with."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import time
from collections.abc import AsyncIterator

import msgspec

from codex_mcp.agents.boxes.box import Box
from codex_mcp.agents.boxes.engine_files import EngineFiles, engine_files
from codex_mcp.agents.boxes.model import LABEL, BoxSpec
from codex_mcp.agents.configuration import seed_configuration
from codex_mcp.agents.errors import UnsavedWork
from codex_mcp.agents.probes import choose
from codex_mcp.agents.registry import AgentRecord, Registry, Running, Settings
from codex_mcp.agents.workspaces import result
from codex_mcp.agents.workspaces.make import Workspace, default_kind, make_workspace
from codex_mcp.engine.home import CodexHome

# What the engine is told on top: credentials are handed to it and never written down.
OVERRIDES = ('cli_auth_credentials_store="ephemeral"',)
_SECRETS = ("OPENAI_API_KEY", "CODEX_API_KEY", "CODEX_ACCESS_TOKEN", "CHATGPT_OAUTH_TOKEN")


@dataclasses.dataclass
class OpenAgent:
    """Valid while `open_agent` is."""

    registry: Registry
    record: AgentRecord
    root: pathlib.Path
    workspace: Workspace
    engine: EngineFiles
    box: Box

    def home(self) -> CodexHome:
        """For the engine, which stays outside of the box."""
        environment = {name: value for name, value in os.environ.items() if name not in _SECRETS}
        return CodexHome(
            environment | {"CODEX_HOME": str(self.root / "codex"), LABEL: self.record.id}, str(self.workspace.path)
        )

    async def diff(self, *, stat: bool = False) -> bytes:
        """The agent's work since it began."""
        return await result.diff(self.box, self.workspace, stat=stat)


async def create_agent(registry: Registry, name: str, settings: Settings, user: CodexHome) -> AgentRecord:
    """Make an agent of the user's home and directory. Raises AgentBusy (code `exists`), WorkspaceError, NoIsolation."""
    directory = pathlib.Path(settings.directory or user.cwd).resolve()

    async def furnish(root: pathlib.Path, record: AgentRecord) -> None:
        kind = settings.workspace or await default_kind(directory)
        record.keep_workspace(await make_workspace(kind, root, directory, record.id))
        seed_configuration(user, root / "codex")
        await _box(record, root, engine_files(None), registry.data)  # what does not work here is said now

    await registry.sweep()
    return await registry.create(name, msgspec.structs.replace(settings, directory=str(directory)), furnish)


@contextlib.asynccontextmanager
async def open_agent(registry: Registry, name: str, *, codex: str | None = None) -> AsyncIterator[OpenAgent]:
    """Hold an agent and make its box ready; what is left of an earlier server is ended first.

    `codex`: as for `find_engines`. Raises NoSuchAgent, AgentBusy, NoIsolation, NoLimits, BoxError.
    """
    registry.load(name)
    with registry.hold(name):
        agent = await _furnished(registry, name, codex)
        box = agent.box
        await box.end()
        await box.open(require_limits=agent.record.settings.require_limits)
        try:
            if agent.workspace.kind == "overlay" and agent.workspace.base is None:
                agent.record.base = await result.snapshot(box)
                registry.save(agent.record)
                agent.workspace = agent.record.workspace_in(agent.root)
            box.tell_engine()
            registry.note(name, _running(box))
            yield agent
        finally:
            await box.end()


@contextlib.asynccontextmanager
async def reach_agent(registry: Registry, name: str) -> AsyncIterator[OpenAgent]:
    """An agent whose workspace is to be looked at, also while another process serves it. Raises as `open_agent`."""
    if registry.running(name) is None:
        async with open_agent(registry, name) as agent:
            yield agent
        return
    agent = await _furnished(registry, name, None)
    agent.box.visit()
    yield agent


async def _furnished(registry: Registry, name: str, codex: str | None) -> OpenAgent:
    """With a box that is not open."""
    record, root, files = registry.load(name), registry.root(name), engine_files(codex)
    box = await _box(record, root, files, registry.data)
    return OpenAgent(registry, record, root, record.workspace_in(root), files, box)


async def _box(record: AgentRecord, root: pathlib.Path, files: EngineFiles, data: pathlib.Path) -> Box:
    settings, workspace = record.settings, record.workspace_in(root)
    spec = BoxSpec(
        agent=record.id,
        root=root,
        workspace=workspace.path,
        engine=files.folder,
        codex=files.codex,
        limits=settings.limits,
        network=settings.network,
        read_only=settings.read_only,
        reads=workspace.borrowed,
        overlay=workspace.overlay(root),
        options=settings.options,
    )
    provisioner, probe = await choose(settings.isolation, spec, data)
    return Box(provisioner, spec, probe)


def _running(box: Box) -> Running:
    return Running(
        pid=os.getpid(),
        since=time.time(),
        isolation=box.provisioner.name,
        isolates=sorted(box.probe.isolates),
        nested_sandbox=box.probe.nested_sandbox,
        enforced_by=box.enforced_by,
    )


async def remove_agent(registry: Registry, name: str, *, force: bool = False) -> pathlib.Path | None:
    """Take an agent away. With `force`, work that was not taken over is kept as a patch; its place.

    Raises UnsavedWork without `force`.
    """
    kept = None
    async with open_agent(registry, name) as agent:
        if agent.workspace.base is not None and (patch := await agent.diff()):
            if not force:
                summary = (await agent.diff(stat=True)).decode(errors="replace").strip().rsplit("\n", 1)[-1].strip()
                raise UnsavedWork(
                    f"the agent {name!r} has work that would be lost ({summary}): take it over with "
                    f"`codex-mcp-server agents apply {name}`, or remove it with --force, which keeps a patch"
                )
            kept = registry.keep_patch(agent.record, patch)
        await agent.box.provisioner.remove(agent.box.spec)
        await agent.box.end()
        await registry.remove(name)
    return kept
