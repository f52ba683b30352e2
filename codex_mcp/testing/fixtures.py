"""Fixtures for pytest: `pytest_plugins = ["codex_mcp.testing.fixtures"]` in conftest.py."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from codex_mcp.testing.codex import OfflineCodex


@pytest.fixture
def offline_codex(monkeypatch: pytest.MonkeyPatch) -> Iterator[OfflineCodex]:
    """A Codex of the test's own. What the test starts finds it: CODEX_HOME, HOME and PATH are set, and the working
    directory is its `workspace`."""
    with OfflineCodex() as codex:
        for name, value in codex.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(codex.workspace)
        yield codex
