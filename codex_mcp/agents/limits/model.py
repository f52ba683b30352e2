"""What a means of limiting does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from codex_mcp.agents.boxes.model import Limits


class Means(Protocol):
    """One way to hold the processes of an agent to limits. `make` before the first start, `remove` after the last."""

    name: str
    whole: bool
    """Whether the limits hold for all processes together, not for each by itself."""

    def make(self, agent: str, limits: Limits) -> Limits:
        """Set the limits, and read back what the kernel now has. Raises OSError if that does not work here."""

    def launch(self, agent: str, limits: Limits, argv: Sequence[str]) -> list[str]:
        """The argv that runs `argv` under the limits."""

    def used(self, agent: str) -> tuple[float, int] | None:
        """Processor time in seconds since `make`, and memory in bytes; `None` if this means does not count."""

    def limits(self, agent: str) -> Limits:
        """The limits as the kernel has them now."""

    def remove(self, agent: str) -> None:
        """Take away what `make` made; may be repeated."""
