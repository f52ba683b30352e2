"""Stored sign-ins of MCP servers. Only the engine's command line removes them."""

from __future__ import annotations

import json
import subprocess

import anyio
import anyio.to_thread

from codex_mcp.engine.home import CodexHome
from codex_mcp.engine.locate import EngineBinary
from codex_mcp.errors import EngineError
from codex_mcp.redaction import redact

_LIMIT = 30.0  # seconds
_FILE_STORE = ("-c", 'mcp_oauth_credentials_store="file"')


async def forget(binary: EngineBinary, home: CodexHome, name: str) -> bool:
    """Remove the stored sign-in of a configured server; False if there was none. The server is not told.

    The engine's default is the keyring, else a file; without a keyring its removal fails and leaves the file, so the
    file is asked for, too. Raises EngineError if a sign-in is left.
    """
    before = stored(home, name)
    status, said = await _logout(binary, home, name)
    if stored(home, name) or status != 0:
        status, said = await _logout(binary, home, name, *_FILE_STORE)
    if status != 0 or stored(home, name):
        raise EngineError(f"the sign-in of {name} was not removed: {said}", code="logout_failed")
    return before or "No OAuth credentials" not in said


def stored(home: CodexHome, name: str) -> bool:
    """Whether the file of sign-ins has one of that server."""
    try:
        entries = json.loads((home.path / ".credentials.json").read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(entries, dict) and any(
        isinstance(entry, dict) and entry.get("server_name") == name for entry in entries.values()
    )


async def _logout(binary: EngineBinary, home: CodexHome, name: str, *settings: str) -> tuple[int, str]:
    environment = {k: v for k, v in home.environment.items() if k != "RUST_BACKTRACE"}

    def run() -> tuple[int, str]:
        ended = subprocess.run(
            [binary.path, *settings, "mcp", "logout", "--", name],
            env=environment,
            cwd=home.cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_LIMIT,
            check=False,
        )
        return ended.returncode, redact((ended.stderr or ended.stdout).strip()[-500:])

    try:
        return await anyio.to_thread.run_sync(run)
    except subprocess.TimeoutExpired:
        raise EngineError(f"the engine did not remove the sign-in of {name} in {_LIMIT:.0f} s") from None
