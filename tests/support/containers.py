"""Docker and podman for tests: a daemon of their own where none runs, and an image made of this machine's programs."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator

from tests.support import container_image

_UP_WITHIN = 20.0  # seconds


@contextlib.contextmanager
def runtime(name: str) -> Iterator[str | None]:
    """Make docker or podman usable for this process and what it starts; why that cannot be, if it cannot."""
    with tempfile.TemporaryDirectory(dir=_scratch()) as folder, pytest_environment() as environment:
        if name == "podman":
            environment["CONTAINERS_CONF"] = str(container_image.podman_configuration(pathlib.Path(folder)))
            yield container_image.load(name, dict(os.environ))
            return
        with _daemon(pathlib.Path(folder)) as problem:
            yield problem or container_image.load(name, dict(os.environ))


@contextlib.contextmanager
def pytest_environment() -> Iterator[os._Environ[str]]:
    """The environment, put back at the end."""
    before = dict(os.environ)
    try:
        yield os.environ
    finally:
        os.environ.clear()
        os.environ.update(before)


def _scratch() -> pathlib.Path:
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "codex-mcp-server"
    cache.mkdir(parents=True, exist_ok=True)
    return cache


@contextlib.contextmanager
def _daemon(folder: pathlib.Path) -> Iterator[str | None]:
    """A docker daemon, unless one runs already."""
    if shutil.which("docker") is None:
        yield "there is no docker on this machine"
        return
    if _answers():
        yield None
        return
    if os.getuid() or shutil.which("dockerd") is None:
        yield "no docker daemon runs, and none can be started"
        return
    os.environ["DOCKER_HOST"] = f"unix://{folder}/docker.sock"
    with (folder / "log").open("wb") as log:
        daemon = subprocess.Popen(
            [
                *("dockerd", "-H", os.environ["DOCKER_HOST"], "--data-root", f"{folder}/data"),
                *("--exec-root", f"{folder}/run", "--pidfile", f"{folder}/pid", "--iptables=false", "--bridge=none"),
            ],
            stdout=log,
            stderr=log,
        )
        try:
            end = time.monotonic() + _UP_WITHIN
            while not (up := _answers()) and daemon.poll() is None and time.monotonic() < end:
                time.sleep(0.1)
            yield None if up else f"dockerd does not start: {(folder / 'log').read_text()[-300:]}"
        finally:
            daemon.terminate()
            daemon.wait()
            subprocess.run(["umount", f"{folder}/run/netns/default"], capture_output=True, check=False)


def _answers() -> bool:
    return subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0
