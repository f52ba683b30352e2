"""Where other people's clients are installed: Node and npm packages, virtual environments; each once."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
from collections.abc import Sequence

CACHE = pathlib.Path.home() / ".cache" / "codex-mcp-server" / "interop"
NODE = "node@22"


def npm_packages(name: str, *specs: str) -> pathlib.Path:
    """A folder in the cache whose `node_modules` holds these packages."""
    folder = CACHE / name
    npm = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), *specs]
    return _once(folder, specs, [npm])


def python_packages(name: str, *specs: str) -> pathlib.Path:
    """The interpreter of a virtual environment in the cache that has these packages."""
    folder = CACHE / name
    python = folder / "bin" / "python"
    make = [sys.executable, "-m", "venv", str(folder)]
    _once(folder, specs, [make, [str(python), "-m", "pip", "install", "--quiet", *specs]])
    return python


def node_environment() -> dict[str, str]:
    """The environment in which `node` is the Node of NODE: the Inspector needs 22.19, and systems have older ones."""
    node = npm_packages("node", NODE) / "node_modules" / "node" / "bin"
    return {**os.environ, "PATH": f"{node}{os.pathsep}{os.environ['PATH']}"}


def _once(folder: pathlib.Path, specs: Sequence[str], commands: list[list[str]]) -> pathlib.Path:
    """Run the commands, unless they have been run to the end for the same specs."""
    done = folder / "installed"
    wanted = "\n".join(specs)
    if not done.exists() or done.read_text() != wanted:
        print(f"installing {' '.join(specs)}", file=sys.stderr)
        folder.mkdir(parents=True, exist_ok=True)
        for command in commands:
            subprocess.run(command, check=True, stdout=sys.stderr)
        done.write_text(wanted)
    return folder
