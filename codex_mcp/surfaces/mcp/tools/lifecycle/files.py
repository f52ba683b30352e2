"""Files that a caller names: read from the workspace, within it, and not without bound."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterable
from dataclasses import dataclass

from codex_mcp.errors import CallerError

LARGEST_FILE = 256 * 1024
LARGEST_TOTAL = 1024 * 1024


@dataclass(frozen=True)
class NamedFile:
    """A file that was read. `path` is as it was named."""

    path: str
    text: str


def read_files(paths: Iterable[str] | None, workspace: str) -> list[NamedFile]:
    """The files, in order, each once. Links are followed before it is decided whether they lie in the workspace.

    Raises CallerError (`invalid_arguments`) for a file that is missing, outside, no text, or too large.
    """
    root = pathlib.Path(workspace).resolve()
    found: list[NamedFile] = []
    total = 0
    for path in dict.fromkeys(paths or ()):
        place = _inside(root, path)
        try:
            data = place.read_bytes() if place.stat().st_size <= LARGEST_FILE else None
        except OSError as error:
            raise _refused(path, error.strerror or str(error)) from None
        if data is None:
            raise _refused(path, f"it is larger than {LARGEST_FILE // 1024} KiB; give the part that matters")
        total += len(data)
        if total > LARGEST_TOTAL:
            raise _refused(path, f"the files named are larger than {LARGEST_TOTAL // 1024} KiB together")
        try:
            found.append(NamedFile(path, data.decode()))
        except UnicodeDecodeError:
            raise _refused(path, "it is no UTF-8 text") from None
    return found


def _inside(root: pathlib.Path, path: str) -> pathlib.Path:
    try:
        place = (root / path).resolve(strict=True)
    except (OSError, ValueError, RuntimeError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
        raise _refused(path, reason) from None
    if not place.is_relative_to(root):
        raise _refused(path, f"it is outside of the workspace {root}")
    if not place.is_file():
        raise _refused(path, "it is no regular file")
    return place


def _refused(path: str, reason: str) -> CallerError:
    return CallerError(f"the file {path!r} cannot be used: {reason}", code="invalid_arguments")
