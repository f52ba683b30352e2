"""Fixtures of all tests. The engine is the real one; only the model is scripted."""

from __future__ import annotations

import os
import pathlib
import shutil
import signal
import tempfile
from collections.abc import Iterator

import hypothesis
import pytest

from codex_mcp.offline import OfflineModel
from tests.support.home import Home

if hasattr(signal, "SIGHUP"):  # what starts the tests may ignore it, as nohup does; servers would inherit that
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# machines are noisy: what a property test may take says nothing about the code
hypothesis.settings.register_profile("tests", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("tests")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def playground() -> Iterator[pathlib.Path]:
    """A directory that is not below the temporary directory: engines refuse to set up their sandbox there."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "codex-mcp-server"
    cache.mkdir(parents=True, exist_ok=True)
    root = pathlib.Path(tempfile.mkdtemp(prefix="tests-", dir=cache))
    yield root
    shutil.rmtree(root, ignore_errors=True)


@pytest.fixture
def model() -> Iterator[OfflineModel]:
    """The offline model, with an empty script."""
    with OfflineModel() as model:
        yield model


@pytest.fixture
def home(playground: pathlib.Path, model: OfflineModel) -> Home:
    """A CODEX_HOME whose config.toml names the offline model, and a workspace beside it."""
    return Home(pathlib.Path(tempfile.mkdtemp(dir=playground)), model)
