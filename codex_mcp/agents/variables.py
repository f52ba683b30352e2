"""The environment variables that agents obey, with the names that other servers of this kind gave them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from codex_mcp.errors import CallerError

_UNITS = {"": 1, "b": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)([bkmgt]?)b?", re.IGNORECASE)
_APPROVALS = {"suggest": "on-request", "auto": "never", "manual": "untrusted"}

NOT_HONOURED = {
    "OAUTH_CLIENT_ID": "the engine signs in with its own client",
    "OAUTH_CALLBACK_PORT": "the engine's sign-in listens on port 1455, or the next two",
    "OAUTH_CALLBACK_TIMEOUT": "the engine decides how long its sign-in waits",
    "OAUTH_AUTO_OPEN_BROWSER": "whoever is given the address opens it",
    "OAUTH_TOKEN_STORAGE_PATH": "name the directory with CODEX_AUTH_DIR",
}
"""Variables of that family that the engine leaves no way to obey, and why."""


class AgentVariables:
    """Read once. Each property raises CallerError (code `invalid_variable`) for a value that it cannot be."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._environment = environment

    @property
    def cpus(self) -> float:
        """CONTAINER_CPU_LIMIT."""
        return self._number("CONTAINER_CPU_LIMIT", 4.0)

    @property
    def memory(self) -> int:
        """CONTAINER_MEMORY_LIMIT, in bytes."""
        text = self._environment.get("CONTAINER_MEMORY_LIMIT", "2048m")
        try:
            return size(text)
        except ValueError as error:
            raise CallerError(f"CONTAINER_MEMORY_LIMIT: {error}", code="invalid_variable") from None

    @property
    def processes(self) -> int:
        """There is no variable for them."""
        return 512

    @property
    def most_agents(self) -> int:
        """MAX_CONCURRENT_SESSIONS: agents that are served at once."""
        return int(self._number("MAX_CONCURRENT_SESSIONS", 20))

    @property
    def idle_limit(self) -> float:
        """SESSION_TIMEOUT: seconds without a turn after which engine and box are stopped."""
        return self._number("SESSION_TIMEOUT", 3600.0)

    @property
    def persistent(self) -> bool:
        """PERSISTENT_MODE: whether an agent outlives its server."""
        return self._environment.get("PERSISTENT_MODE", "true").lower() not in ("false", "0", "no", "off")

    def overrides(self) -> list[str]:
        """Settings for the engine: CODEX_MODEL, CODEX_PROVIDER, CODEX_APPROVAL_MODE."""
        found = []
        for name, key in (("CODEX_MODEL", "model"), ("CODEX_PROVIDER", "model_provider")):
            if value := self._environment.get(name):
                found.append(f'{key}="{value}"')
        if mode := self._environment.get("CODEX_APPROVAL_MODE"):
            if mode not in _APPROVALS:
                raise CallerError(
                    f"CODEX_APPROVAL_MODE can be {', '.join(_APPROVALS)}, not {mode!r}", code="invalid_variable"
                )
            found.append(f'approval_policy="{_APPROVALS[mode]}"')
        return found

    def not_honoured(self) -> dict[str, str]:
        """Those that are set and cannot be obeyed, with the reason."""
        return {name: why for name, why in NOT_HONOURED.items() if name in self._environment}

    def _number(self, name: str, default: float) -> float:
        text = self._environment.get(name)
        if text is None:
            return default
        try:
            value = float(text)
        except ValueError:
            value = -1.0
        if not 0 < value < float("inf"):
            raise CallerError(f"{name} has to be a number above 0, not {text!r}", code="invalid_variable")
        return value


def size(text: str) -> int:
    """Bytes of `512m`, `2g` and the like. Raises ValueError."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no size; write 512m or 2g")
    return int(float(found[1]) * _UNITS[found[2].lower()])
