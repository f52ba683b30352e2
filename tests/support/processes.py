"""Which processes belong to a home."""

from __future__ import annotations

import pathlib


def processes_of(codex_home: pathlib.Path) -> list[str]:
    """Command lines of processes with that CODEX_HOME which have not ended."""
    mark, found = f"CODEX_HOME={codex_home}".encode(), []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if mark not in (process / "environ").read_bytes().split(b"\0"):
                continue
            if (process / "stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                continue
            found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found
