"""The user's own config.toml, read only: what the engine itself would refuse or cannot tell.

The engine is the authority on its configuration. This module exists for the settings that old releases had and
the engine no longer takes (profiles, `approval_policy = "untrusted"`), which have to be known before it is asked.
"""

from __future__ import annotations

import os
import pathlib
import re
from typing import Any

from codex_mcp.errors import CallerError


def codex_home() -> pathlib.Path:
    """Where Codex keeps its files: CODEX_HOME, or ~/.codex."""
    return pathlib.Path(os.environ.get("CODEX_HOME") or pathlib.Path.home() / ".codex")


def config_path() -> pathlib.Path:
    """The user's config.toml, whether or not it exists."""
    return codex_home() / "config.toml"


def read_user_config() -> dict[str, Any]:
    """The parsed config.toml, `{}` if there is none.

    Raises CallerError (code `config_error`) with file, line and column if it is not TOML or not readable.
    """
    import tomllib  # only users with legacy settings, and the configuration methods, get here

    path = config_path()
    try:
        return tomllib.loads(path.read_bytes().decode())
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise CallerError(f"cannot read {path}: {error.strerror}", code="config_error") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CallerError(f"failed to load config.toml: {path}: {error}", code="config_error") from error


def mentions(*words: bytes) -> bool:
    """Whether config.toml holds one of the words at all: a cheap test before parsing it."""
    try:
        text = config_path().read_bytes()
    except OSError:
        return False
    return any(word in text for word in words)


def setting_location(key: str) -> str:
    """`FILE:LINE` of a top-level setting; `FILE` if there is none."""
    path = config_path()
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.lstrip().startswith("["):
            break
        if re.match(rf"\s*{re.escape(key)}\s*=", line):
            return f"{path}:{number}"
    return str(path)


def refused_policy() -> str | None:
    """`untrusted` if config.toml makes it the default policy: engines from 0.154 on exit at start over it."""
    if not mentions(b"untrusted"):
        return None
    try:
        config = read_user_config()
    except CallerError:  # the engine says so itself, and in more detail
        return None
    return "untrusted" if config.get("approval_policy") == "untrusted" else None
