"""Prints what holds and what does not; ends with 1 if that is not what the documentation says."""

from __future__ import annotations

import pathlib
import sys
import tempfile

import anyio

from tests.attacks.policy import attack, engine_version


def main() -> int:
    cache = pathlib.Path.home() / ".cache"  # not below the temporary directory: engines refuse to work there
    cache.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as root:
        outcomes = anyio.run(attack, pathlib.Path(root))
    sys.stdout.write(f"{engine_version()}\n")
    sys.stdout.writelines(f"{outcome}\n" for outcome in outcomes)
    return int(any(outcome.held != outcome.expected for outcome in outcomes))


sys.exit(main())
