"""Boxes of every kind that this machine has."""

from __future__ import annotations

import contextlib
import pathlib
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from codex_mcp.agents.boxes.box import Box
from codex_mcp.agents.boxes.engine_files import engine_files
from codex_mcp.agents.boxes.found import provisioner
from codex_mcp.agents.boxes.model import BoxSpec
from tests.support import container_image
from tests.support.containers import runtime

slow = pytest.mark.slow
WALLS = [
    "bwrap",
    pytest.param("command", marks=slow),
    pytest.param("docker", marks=slow),
    pytest.param("podman", marks=slow),
]
"""Backends that keep an agent in."""
MakeBox = Callable[..., AbstractAsyncContextManager[Box]]


@pytest.fixture(scope="session")
def docker() -> Iterator[str | None]:
    with runtime("docker") as problem:
        yield problem


@pytest.fixture(scope="session")
def podman() -> Iterator[str | None]:
    with runtime("podman") as problem:
        yield problem


@pytest.fixture(params=WALLS)
def backend(request: pytest.FixtureRequest) -> str:
    """Skips the test where the machine does not have it."""
    name = str(request.param)
    if name in ("docker", "podman") and (problem := request.getfixturevalue(name)):
        pytest.skip(problem)
    return name


def options_of(backend: str) -> dict[str, str]:
    if backend in ("docker", "podman"):
        return {"runtime": backend, "image": container_image.NAME}
    return {"command": "env {argv}", "within": "bwrap"} if backend == "command" else {}


def new_spec(under: pathlib.Path, name: str = "tested", **changes: Any) -> BoxSpec:
    """Of a new agent, whose folder is made `under` there."""
    folder = pathlib.Path(tempfile.mkdtemp(dir=under))
    for part in ("home", "codex", "ws"):
        (folder / part).mkdir()
    files = engine_files(None)
    spec = {"agent": f"{name}-{folder.name}", "root": folder, "workspace": folder / "ws"}
    return BoxSpec(**{**spec, "engine": files.folder, "codex": files.codex, **changes})


@contextlib.asynccontextmanager
async def opened(backend: str, spec: BoxSpec) -> AsyncIterator[Box]:
    """A box of that backend; skips the test if it does not work here."""
    found = provisioner("container" if backend in ("docker", "podman") else backend)
    probe = await found.probe(spec)
    if not probe.usable:
        pytest.skip(probe.reason)
    box = Box(found, spec, probe)
    await box.open()
    try:
        yield box
    finally:
        await box.end()


@pytest.fixture
def make_box(playground: pathlib.Path, backend: str) -> MakeBox:
    """`async with make_box(network="host", …) as box`."""

    def make(**changes: Any) -> AbstractAsyncContextManager[Box]:
        changes["options"] = options_of(backend) | changes.get("options", {})
        return opened(backend, new_spec(playground, **changes))

    return make
