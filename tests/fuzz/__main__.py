"""python -m tests.fuzz [--batches N]

Sends batches of hostile calls and lines to servers of both dialects, on the real engine, until a promise is broken or
the number is reached. What broke it is shown, made as small as can be.
"""

from __future__ import annotations

import argparse
import pathlib
import tempfile
import time

from codex_mcp.offline import OfflineModel
from tests.fuzz.probe import Probe
from tests.support.home import Home
from tests.support.raw import INITIALIZE, MCP_INITIALIZE


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, default=5000)
    options = parser.parse_args()
    cache = pathlib.Path.home() / ".cache" / "codex-mcp-server"
    cache.mkdir(parents=True, exist_ok=True)
    for name, hello in (("app-server", INITIALIZE), ("mcp", MCP_INITIALIZE)):
        started = time.monotonic()
        folder = tempfile.TemporaryDirectory(dir=cache, ignore_cleanup_errors=True)
        with folder as root, OfflineModel() as model, Probe(Home(pathlib.Path(root), model), hello) as probe:
            probe.fuzz(options.batches // 2, repeatable=False)
        print(f"{name}: {probe.checked} calls and lines, {time.monotonic() - started:.0f} s, {dict(probe.outcomes)}")


if __name__ == "__main__":
    main()
