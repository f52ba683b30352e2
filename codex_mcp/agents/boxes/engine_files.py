"""The engine's files as a box sees them: one folder, with the helpers that ship beside the binary."""

from __future__ import annotations

import dataclasses
import os
import pathlib

from codex_mcp.agents.errors import BoxError
from codex_mcp.engine.locate import EngineBinary, find_engines, install_advice


@dataclasses.dataclass(frozen=True)
class EngineFiles:
    """`folder` holds all that the engine needs; `codex` is the binary in it."""

    binary: EngineBinary
    folder: pathlib.Path
    codex: pathlib.Path


def engine_files(named: str | None) -> EngineFiles:
    """Of the best engine that can run in a box: inside and outside it has to be the same.

    `named`: as for `find_engines`. Raises BoxError if there is none.
    """
    for binary in find_engines(named):
        codex = pathlib.Path(os.path.realpath(binary.path))
        if _is_native(codex):
            packaged = codex.parent.name == "bin" and (codex.parent.parent / "codex-package.json").exists()
            return EngineFiles(binary, codex.parent.parent if packaged else codex.parent, codex)
    raise BoxError(f"no engine was found that can run in a box (a script that starts one cannot). {install_advice()}")


def _is_native(path: pathlib.Path) -> bool:
    """Whether it is a program of this machine, not a script: in the box there is nothing to run that with."""
    try:
        with path.open("rb") as file:
            return file.read(2) != b"#!"
    except OSError:
        return False
