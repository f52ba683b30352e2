"""Records streams and writes their events. See the package."""

from __future__ import annotations

import argparse
import os
import pathlib
import shutil
import sys
import tempfile

import anyio

from tests.recordings import EVENTS, STREAMS, load_stream, names, save
from tests.recordings.recorder import record
from tests.recordings.replay import events_of
from tests.recordings.scenarios import SCENARIOS


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.recordings", description="Record streams of the engine.")
    parser.add_argument("names", nargs="*", help="scenarios; all of them if none is named")
    parser.add_argument("--events", action="store_true", help="write the events of the streams that are there")
    options = parser.parse_args()
    if not options.events:
        _record(options.names or list(SCENARIOS))
    for name in options.names or names():
        save(EVENTS / f"{name}.jsonl", anyio.run(events_of, load_stream(name)))


def _record(wanted: list[str]) -> None:
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "codex-mcp-server"
    cache.mkdir(parents=True, exist_ok=True)
    root = pathlib.Path(tempfile.mkdtemp(prefix="recordings-", dir=cache))
    try:
        for name in wanted:
            stream = anyio.run(record, SCENARIOS[name], root)
            save(STREAMS / f"{name}.jsonl", stream)
            sys.stderr.write(f"{name}: {len(stream) - 1} messages\n")
    finally:
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    main()
