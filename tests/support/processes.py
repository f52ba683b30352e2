"""Processes of a home, as the process table shows them."""

from __future__ import annotations

import pathlib
import time

from tests.support.home import Home

GONE_WITHIN = 2.0  # seconds that a promise of the documentation names, not a benchmark


def processes(home: Home) -> dict[int, list[str]]:
    """Of a home: see `processes_of`."""
    return processes_of(home.path)


def processes_of(codex_home: pathlib.Path) -> dict[int, list[str]]:
    """Command lines of what runs with that CODEX_HOME, by process id; what has ended is not among them."""
    mark, found = f"CODEX_HOME={codex_home}".encode(), {}
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if mark not in (process / "environ").read_bytes().split(b"\0"):
                continue
            if (process / "stat").read_text().rsplit(")", 1)[1].split()[0] in "ZX":
                continue
            found[int(process.name)] = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
    return found


def engines(home: Home) -> list[int]:
    """Process ids of its engines."""
    return [pid for pid, command in processes(home).items() if "app-server" in command]


def server(home: Home) -> int:
    """Process id of its server."""
    [found] = [pid for pid, command in processes(home).items() if "codex_mcp" in command]
    return found


def commands(home: Home, word: str) -> list[int]:
    """Process ids of what has that word in its command line, servers and engines aside."""
    return [
        pid
        for pid, command in processes(home).items()
        if word in " ".join(command) and "app-server" not in command and "codex_mcp" not in command
    ]


def with_word(word: str) -> dict[int, str]:
    """State of every process that has that word in its command line, whatever its environment."""
    found = {}
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if word.encode() in (process / "cmdline").read_bytes():
                found[int(process.name)] = (process / "stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            continue
    return found


def children(pid: int) -> list[int]:
    """Process ids of its children, zombies included."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if int((process / "stat").read_text().rsplit(")", 1)[1].split()[1]) == pid:
                found.append(int(process.name))
        except OSError:
            continue
    return found


def until_no_process_has(word: str) -> None:
    """Wait until nothing with that word runs any more; fail after GONE_WITHIN."""
    end = time.monotonic() + GONE_WITHIN
    while left := with_word(word):
        assert time.monotonic() < end, left
        time.sleep(0.01)


def until_gone(home: Home, word: str | None = None) -> None:
    """Wait until nothing of that home runs any more (with `word`: no command with it); fail after GONE_WITHIN."""
    end = time.monotonic() + GONE_WITHIN
    while left := processes(home) if word is None else commands(home, word):
        assert time.monotonic() < end, left
        time.sleep(0.01)
