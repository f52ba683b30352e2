"""Configuration files of other programs: read as they are, replaced in one step, the old one kept beside the new."""

from __future__ import annotations

import os
import pathlib
import shutil
import tempfile

from codex_mcp.errors import CallerError

_KEPT = ".before-codex-mcp-server"


def read_text(file: pathlib.Path) -> str | None:
    """The text with its own line ends; None if there is no such file. Raises CallerError if it cannot be read."""
    try:
        return file.read_bytes().decode()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise CallerError(f"cannot read {file}: {reason}", code="unreadable_file") from None


def replace_text(file: pathlib.Path, before: str | None, after: str) -> pathlib.Path | None:
    """Put `after` in the place of `before`, in one step; where the old file is kept, if there was one.

    A link stays a link. Raises CallerError if the file is not `before` any more, or cannot be written.
    """
    target = pathlib.Path(os.path.realpath(file))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        kept = None if before is None else _keep(target)
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(descriptor, "wb") as new:
                new.write(after.encode())
                new.flush()
                os.fsync(new.fileno())
            if before is not None:
                shutil.copymode(target, name)
            if read_text(target) != before:
                raise CallerError(f"{file} was changed by somebody else just now: run this again")
            os.replace(name, target)
        except BaseException:
            pathlib.Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise CallerError(f"cannot write {file}: {error.strerror}") from None
    return kept


def _keep(file: pathlib.Path) -> pathlib.Path:
    """A copy beside the file, under a name that is free."""
    number = 1
    while True:
        kept = file.with_name(file.name + _KEPT + (f"-{number}" if number > 1 else ""))
        if not kept.exists():
            shutil.copy2(file, kept)
            return kept
        number += 1
