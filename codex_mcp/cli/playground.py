"""A folder for things that are tried out: outside of all that a sandbox lets commands write to, and gone afterwards."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping

from codex_mcp.errors import CallerError


@contextlib.contextmanager
def playground(purpose: str) -> Iterator[pathlib.Path]:
    """A new folder that only this user can read, outside of the temporary directory: commands in a workspace may write
    there, and engines set up no sandbox for a home there. Raises CallerError if there is no such place."""
    for place in _places(os.environ):
        if _is_temporary(place):
            continue
        made = _make(place)
        if made is None:
            continue
        try:
            root = pathlib.Path(tempfile.mkdtemp(prefix=f"{purpose}-", dir=place))
        except OSError:
            _unmake(made)
            continue
        try:
            yield root
        finally:
            shutil.rmtree(root, ignore_errors=True)
            _unmake(made)
        return
    raise CallerError(
        "there is no place outside of the temporary directory to try this in: "
        "set XDG_CACHE_HOME to a folder that is elsewhere and can be written to",
        code="no_playground",
    )


def _places(environment: Mapping[str, str]) -> Iterator[pathlib.Path]:
    cache = environment.get("XDG_CACHE_HOME")
    if cache:
        yield pathlib.Path(cache) / "codex-mcp-server"
    with contextlib.suppress(RuntimeError):  # a user without a home
        yield pathlib.Path.home() / ".cache" / "codex-mcp-server"
    if runtime := environment.get("XDG_RUNTIME_DIR"):
        yield pathlib.Path(runtime)
    yield pathlib.Path("/var/tmp")
    yield pathlib.Path("/dev/shm")


def _is_temporary(place: pathlib.Path) -> bool:
    temporary = {tempfile.gettempdir(), "/tmp", os.environ.get("TMPDIR") or "/tmp"}
    return any(place.resolve().is_relative_to(pathlib.Path(folder).resolve()) for folder in temporary)


def _make(place: pathlib.Path) -> list[pathlib.Path] | None:
    """The folders that had to be made, outermost first; None if it cannot be."""
    missing = [folder for folder in (place, *place.parents) if not folder.exists()]
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return missing


def _unmake(folders: list[pathlib.Path]) -> None:
    for folder in folders:
        with contextlib.suppress(OSError):  # somebody else uses it by now
            folder.rmdir()
