"""Where an engine lives: its environment, its working directory, and the files of its CODEX_HOME, read only.

The engine is the authority on its configuration. What is read of config.toml here are the settings that old releases
had and the engine no longer takes (profiles, `approval_policy = "untrusted"`), which have to be known before it is
asked. Light: the server loads this before the engine is started.
"""

from __future__ import annotations

import errno
import os
import pathlib
import re
import stat

from codex_mcp.errors import CallerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


class CodexHome:
    """Environment and working directory of an engine. Relative paths of its clients start at `cwd`."""

    __slots__ = ("cwd", "environment", "path")

    def __init__(self, environment: Mapping[str, str], cwd: str) -> None:
        """`environment`: of the engine's process; its CODEX_HOME decides where Codex keeps its files, else ~/.codex.
        `cwd` is absolute."""
        self.environment = environment
        self.cwd = cwd
        configured = environment.get("CODEX_HOME")
        self.path = pathlib.Path(cwd, configured) if configured else pathlib.Path.home() / ".codex"

    @classmethod
    def of_process(cls) -> CodexHome:
        """The user's own: what this process has."""
        try:
            cwd = os.getcwd()
        except OSError:  # a worktree that was removed: the engine cannot start in it either
            cwd = os.path.expanduser("~")
        return cls(dict(os.environ), cwd)

    def absolute(self, path: str) -> str:
        """`path` as seen from the working directory, without `.` and `..`."""
        return os.path.normpath(os.path.join(self.cwd, path))

    def existing_cwd(self) -> str:
        """The working directory, or of one that was removed (a worktree) what is left above it."""
        directory = self.cwd
        while not os.path.isdir(directory) and directory != os.path.dirname(directory):
            directory = os.path.dirname(directory)
        return directory

    @property
    def config_path(self) -> pathlib.Path:
        """config.toml, whether or not it exists."""
        return self.path / "config.toml"

    @property
    def auth_path(self) -> pathlib.Path:
        """auth.json, whether or not it exists."""
        return self.path / "auth.json"

    def read_config(self) -> dict[str, Any]:
        """The parsed config.toml, `{}` if there is none.

        Raises CallerError (code `config_error`) with file, line and column if it is not TOML or not readable.
        """
        return _read_toml(self.config_path) or {}

    def read_profile_file(self, name: str) -> dict[str, Any] | None:
        """The settings of the profile file NAME.config.toml beside config.toml, None if there is none. Raises
        CallerError as `read_config` does."""
        if not re.fullmatch(r"[\w-]+", name):  # no path leads out of the home
            return None
        return _read_toml(self.path / f"{name}.config.toml")

    def mentions(self, *words: bytes) -> bool:
        """Whether config.toml holds one of the words at all: a cheap test before parsing it."""
        try:
            text = _read(self.config_path)
        except OSError:
            return False
        return any(word in text for word in words)

    def setting_location(self, key: str) -> str:
        """`FILE:LINE` of a top-level setting; `FILE` if there is none."""
        path = self.config_path
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if line.lstrip().startswith("["):
                break
            if re.match(rf"\s*{re.escape(key)}\s*=", line):
                return f"{path}:{number}"
        return str(path)

    def refused_policy(self) -> str | None:
        """`untrusted` if config.toml makes it the default policy: engines from 0.154 on exit at start over it."""
        if not self.mentions(b"untrusted"):
            return None
        try:
            config = self.read_config()
        except CallerError:  # the engine says so itself, and in more detail
            return None
        return "untrusted" if config.get("approval_policy") == "untrusted" else None


def _read_toml(path: pathlib.Path) -> dict[str, Any] | None:
    import tomllib  # only users with legacy settings, and the configuration methods, get here

    try:
        return tomllib.loads(_read(path).decode())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CallerError(f"cannot read {path}: {error.strerror}", code="config_error") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CallerError(f"failed to load {path.name}: {path}: {error}", code="config_error") from error


def _read(path: pathlib.Path) -> bytes:
    """Raises OSError for what is no regular file, too: a pipe would never end."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError(errno.EINVAL, "not a regular file")
    return path.read_bytes()
