"""Where policy files are. Light: every server looks whether there is one."""

from __future__ import annotations

import os
import sys


def system_file() -> str:
    """The system-wide policy: it counts for every server on the machine, whatever its flags."""
    if sys.platform == "win32":  # untested
        return os.path.join(os.environ.get("PROGRAMDATA", r"C:\ProgramData"), "codex-mcp-server", "policy.toml")
    return "/etc/codex-mcp-server/policy.toml"


def policy_files(named: str | None) -> list[str]:
    """The files that count: the named one, whether or not it exists, and the system-wide one if it does."""
    system = system_file()
    return [*([named] if named is not None else []), *([system] if os.path.lexists(system) else [])]
