"""Paths as policies speak of them: directories with all below, and globs. `resolve` alone looks at the disk."""

from __future__ import annotations

import functools
import os
import re
import sys
from collections.abc import Iterable

# Where the file system takes `.ENV` for `.env`: untested.
_FLAGS = re.IGNORECASE if sys.platform in ("darwin", "win32") else 0


def resolve(path: str, cwd: str | None = None) -> str:
    """The absolute path with links, `..` and `~` resolved, as far as it exists (I/O). `cwd`: for a relative one."""
    expanded = os.path.expanduser(path)
    return os.path.realpath(os.path.join(cwd or os.getcwd(), expanded))


def is_below(path: str, directory: str) -> bool:
    """Whether `path` is the directory or lies in it. Both are absolute and resolved."""
    path, directory = os.path.normcase(path), os.path.normcase(directory)
    return path == directory or path.startswith(directory.rstrip(os.sep) + os.sep)


def matches(path: str, globs: Iterable[str]) -> str | None:
    """The first of the globs that `path`, or a directory that holds it, matches."""
    return next((glob for glob in globs if _pattern(glob).fullmatch(path)), None)


@functools.lru_cache(maxsize=1024)
def _pattern(glob: str) -> re.Pattern[str]:
    """`**` is any number of directories, `*` and `?` stay within one; a pattern of no root matches at any depth."""
    glob = os.path.expanduser(glob)
    body = glob.rstrip("/")
    out = "" if body.startswith("/") or os.path.isabs(body) else "(?:.*/)?"
    i = 0
    while i < len(body):
        if body.startswith("**/", i):
            out, i = out + "(?:.*/)?", i + 3
        elif body.startswith("**", i):
            out, i = out + ".*", i + 2
        elif body[i] == "*":
            out, i = out + "[^/]*", i + 1
        elif body[i] == "?":
            out, i = out + "[^/]", i + 1
        else:
            out, i = out + re.escape(body[i]), i + 1
    return re.compile(f"{out}(?:/.*)?", _FLAGS | re.DOTALL)
