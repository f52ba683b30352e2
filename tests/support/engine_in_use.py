"""Which engine the tests run on: a few things differ between the releases that are supported."""

from __future__ import annotations

import functools
import re
import subprocess

from codex_mcp.engine.locate import find_engines


@functools.cache
def version() -> tuple[int, ...]:
    """The version of the engine under test."""
    told = subprocess.run([find_engines(None)[0].path, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", told)
    assert found is not None, told
    return tuple(map(int, found.groups()))
