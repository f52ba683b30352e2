"""Boxes in containers, by the command line of docker or podman.

A container lives as long as the exec-server in it, which ends with its input. What ignores that is found by its label.
The engine's files are mounted, so that any image with bash, git and coreutils does.
"""

from __future__ import annotations

import functools
import json
import os
import pathlib
import shutil
from collections.abc import Sequence
from typing import Any

import anyio

from codex_mcp.agents.boxes.model import BoxRef, BoxSpec, Endpoint, Limits, Probe, Program, Usage
from codex_mcp.agents.boxes.probing import probe_box
from codex_mcp.agents.errors import BoxError
from codex_mcp.agents.limits.cgroups import read_process

_LABEL = "codex-mcp.agent"
_DEFAULT_IMAGE = "codex-agent"
_CLI_LIMIT = 60.0  # seconds
_RUNTIMES = ("docker", "podman")
_UID = 1000
_SECCOMP = pathlib.Path(__file__).with_name("seccomp.json")


class Container:
    """See the module. Options: `runtime` (docker, podman, or a path), `image`, `apparmor` (a profile)."""

    name = "container"

    async def probe(self, spec: BoxSpec) -> Probe:
        runtime = _runtime(spec)
        if runtime is None:
            return Probe(False, f"there is no container runtime on PATH ({' or '.join(_RUNTIMES)})")
        try:
            await _cli(runtime, "version")
            await _cli(runtime, "image", "inspect", "--format", "{{.Id}}", _image(spec))
        except BoxError as error:
            advice = "" if "image" not in error.message.lower() else "; docs/agents.md says how to build one"
            return Probe(False, error.message + advice)
        return await probe_box(
            self, spec, networks=frozenset({"none", "outbound", "host"}), limits=frozenset({"cpus", "memory", "pids"})
        )

    async def prepare(self, spec: BoxSpec) -> None:
        (spec.home / ".codex").mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.getuid() == 0:
            own = [spec.home] + ([spec.workspace] if spec.workspace.is_relative_to(spec.root) else [])
            await anyio.run_process(["chown", "-R", "-h", f"{_UID}:{_UID}", *map(str, own)])

    def inside(self, spec: BoxSpec, argv: Sequence[str]) -> list[str]:
        runtime = _runtime(spec)
        if runtime is None or spec.overlay is not None:
            raise BoxError("no container runtime is on PATH" if runtime is None else "containers have no overlay")
        box = [runtime, "run", "--rm", "-i", "--label", f"{_LABEL}={spec.agent}", "--pull", "never"]
        box += ["--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
        if _is_podman(runtime):  # its own profile lets the engine's sandbox work
            box += ["--userns", "keep-id"] if os.getuid() else []
        else:
            box += ["--security-opt", f"seccomp={_SECCOMP}"]
        if "apparmor" in spec.options:
            box += ["--security-opt", f"apparmor={spec.options['apparmor']}"]
        # the engine's sandbox does not work for a root without capabilities
        user = f"{os.getuid()}:{os.getgid()}" if os.getuid() else f"{_UID}:{_UID}"
        box += ["--user", user]
        network = {"none": "none", "host": "host", "outbound": "bridge"}[spec.network]
        box += ["--network", network]
        if spec.network != "host":
            box += ["--hostname", "localhost"]  # resolving any other name takes seconds without a network
        if spec.limits.memory is not None:
            box += ["--memory", str(spec.limits.memory), "--memory-swap", str(spec.limits.memory)]
        if spec.limits.cpus is not None:
            box += ["--cpus", str(spec.limits.cpus)]
        if spec.limits.pids is not None:
            box += ["--pids-limit", str(spec.limits.pids)]
        for path in (spec.engine, *spec.reads):
            box += ["-v", f"{path}:{path}:ro"]
        box += ["-v", f"{spec.home}:{spec.home}"]
        box += ["-v", f"{spec.workspace}:{spec.workspace}{':ro' if spec.read_only else ''}"]
        for name, value in spec.environment.items():
            if name != "PATH":  # the image knows where its programs are
                box += ["-e", f"{name}={value}"]
        return [*box, "-w", str(spec.workspace), "--entrypoint", argv[0], _image(spec), *argv[1:]]

    def endpoint(self, spec: BoxSpec) -> Endpoint:
        return Program(self.inside(spec, spec.exec_server))

    async def find(self) -> list[BoxRef]:
        found = []
        for runtime in filter(None, map(shutil.which, _RUNTIMES)):
            try:
                ids = await _cli(runtime, "ps", "-q", "--no-trunc", "--filter", f"label={_LABEL}")
            except BoxError:  # installed, and its daemon does not run: then none of its containers does
                continue
            for container in ids.split():
                state = await _inspect(runtime, container)
                if state is not None and state["State"]["Pid"]:  # one that is ending has none
                    found.append(_ref(runtime, container, state))
        return found

    async def usage(self, spec: BoxSpec) -> Usage | None:
        for ref in await self.find():
            if ref.agent == spec.agent:
                return await self.measure(ref)
        return Usage(None, None, Limits(), self.name)

    async def measure(self, ref: BoxRef) -> Usage:
        """Of a container, from its control group: the runtime's own command takes seconds."""
        pid = ref.details.get("pid")
        cpu, memory, limits = await read_process(pid) if isinstance(pid, int) else (None, None, Limits())
        return Usage(cpu, memory, limits, self.name)

    async def stop(self, ref: BoxRef, grace: float) -> None:
        runtime = str(ref.details["runtime"])
        for boxed in await self.find():
            if boxed.agent == ref.agent and boxed.details["runtime"] == runtime:
                await _cli(runtime, "stop", "-t", str(round(grace)), boxed.id, check=False)
                await _cli(runtime, "kill", boxed.id, check=False)

    async def remove(self, spec: BoxSpec) -> None:
        """Containers are gone when they have ended."""


def _ref(runtime: str, container: str, state: dict[str, Any]) -> BoxRef:
    import datetime

    created = datetime.datetime.fromisoformat(state["Created"][:19] + "+00:00").timestamp()
    agent = state["Config"]["Labels"][_LABEL]
    return BoxRef("container", agent, container, created, {"runtime": runtime, "pid": state["State"]["Pid"]})


async def _inspect(runtime: str, container: str) -> dict[str, Any] | None:
    try:
        return dict(json.loads(await _cli(runtime, "inspect", container))[0])
    except (BoxError, ValueError, IndexError):  # gone meanwhile
        return None


async def _cli(runtime: str, *arguments: str, check: bool = True) -> str:
    """What the command says. Raises BoxError with its complaint."""
    try:
        with anyio.fail_after(_CLI_LIMIT):
            done = await anyio.run_process([runtime, *arguments], check=False)
    except (OSError, TimeoutError) as error:
        raise BoxError(f"{runtime} {arguments[0]}: {error or 'no answer'}") from None
    if check and done.returncode:
        complaint = done.stderr.decode(errors="replace").strip().replace("\n", " | ")
        raise BoxError(f"{os.path.basename(runtime)} {arguments[0]}: {complaint[-300:]}")
    return done.stdout.decode(errors="replace")


def _runtime(spec: BoxSpec) -> str | None:
    if named := spec.options.get("runtime"):
        return shutil.which(named)
    return next(filter(None, map(shutil.which, _RUNTIMES)), None)


@functools.cache
def _is_podman(runtime: str) -> bool:
    return "podman" in os.path.basename(os.path.realpath(runtime))


def _image(spec: BoxSpec) -> str:
    return spec.options.get("image", _DEFAULT_IMAGE)
