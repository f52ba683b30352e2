"""What really changed on the disk while Codex worked, whatever it says of it."""

from __future__ import annotations

import difflib
import os
import pathlib
from collections.abc import Iterator
from dataclasses import dataclass

_SKIPPED = {".git", "node_modules", "__pycache__", ".venv", ".mypy_cache", ".ruff_cache", ".pytest_cache"}
_MOST_FILES = 50_000
_MOST_KEPT = 32 * 1024 * 1024
_LARGEST = 1024 * 1024


@dataclass(frozen=True)
class Change:
    """A file that differs. `diff` is empty if the file is no text, or was too large to be kept."""

    path: str
    action: str
    diff: str


class Snapshot:
    """A directory tree as it was. Of small text files the content is kept, as far as a limit goes."""

    def __init__(self, root: str) -> None:
        self._root = pathlib.Path(root)
        self._stats: dict[str, tuple[int, int]] = {}
        self._texts: dict[str, str] = {}
        kept = 0
        for path, stat in self._files():
            self._stats[path] = (stat.st_mtime_ns, stat.st_size)
            if stat.st_size <= _LARGEST and kept + stat.st_size <= _MOST_KEPT:
                text = self._read(path)
                if text is not None:
                    self._texts[path] = text
                    kept += stat.st_size

    def changes(self) -> list[Change]:
        """What differs now, by path."""
        now = {path: (stat.st_mtime_ns, stat.st_size) for path, stat in self._files()}
        found = [self._change(path, "delete") for path in self._stats if path not in now]
        for path, stat in now.items():
            if path not in self._stats:
                found.append(self._change(path, "create"))
            elif stat != self._stats[path] and (path not in self._texts or self._read(path) != self._texts[path]):
                found.append(self._change(path, "modify"))
        return sorted(found, key=lambda change: change.path)

    def _change(self, path: str, action: str) -> Change:
        before = self._texts.get(path) if action != "create" else ""
        after = self._read(path) if action != "delete" else ""
        if before is None or after is None:
            return Change(path, action, "")
        lines = difflib.unified_diff(
            before.splitlines(keepends=True),
            after.splitlines(keepends=True),
            "/dev/null" if action == "create" else f"a/{path}",
            "/dev/null" if action == "delete" else f"b/{path}",
        )
        return Change(path, action, "".join(line if line.endswith("\n") else f"{line}\n" for line in lines))

    def _files(self) -> Iterator[tuple[str, os.stat_result]]:
        seen = 0
        for directory, folders, names in os.walk(self._root):
            folders[:] = [folder for folder in folders if folder not in _SKIPPED]
            for name in names:
                place = os.path.join(directory, name)
                try:
                    stat = os.lstat(place)
                except OSError:
                    continue
                if os.path.islink(place) or not os.path.isfile(place):
                    continue
                seen += 1
                if seen > _MOST_FILES:
                    return
                yield os.path.relpath(place, self._root), stat

    def _read(self, path: str) -> str | None:
        place = self._root / path
        try:
            if place.stat().st_size > _LARGEST:
                return None
            return place.read_bytes().decode()
        except (OSError, UnicodeDecodeError):
            return None
