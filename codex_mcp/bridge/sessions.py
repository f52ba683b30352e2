"""Sessions of an agent: who is connected, since when, how often it asked, and how that went."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass
class Request:
    """A call that is being served."""

    failed: bool = False


@dataclass(frozen=True)
class AgentLabel:
    """Which agent it is, for people and records."""

    name: str = "default"
    isolation: str = "none"
    """What keeps its commands from the rest of the machine, beside the engine's own sandbox."""
    box: str | None = None
    """The id of its box, if it has one."""


@dataclass
class SessionRecord:
    """One connection. Times are seconds since the epoch."""

    id: str
    client: str
    agent: AgentLabel
    created: float = field(default_factory=time.time)
    last_activity: float = field(default_factory=time.time)
    requests: int = 0
    failed: int = 0
    running: int = 0
    seconds: float = 0.0
    """Time that the calls took together."""

    @property
    def successful(self) -> int:
        return self.requests - self.failed

    @property
    def age(self) -> float:
        return max(0.0, time.time() - self.created)

    @property
    def idle(self) -> float:
        return 0.0 if self.running else max(0.0, time.time() - self.last_activity)

    @contextmanager
    def request(self) -> Iterator[Request]:
        """Count a call, when it is over; `failed` is set by whoever serves it, or by an exception."""
        request = Request()
        began = time.monotonic()
        self.running += 1
        self.last_activity = time.time()
        try:
            yield request
        except BaseException:
            request.failed = True
            raise
        finally:
            self.running -= 1
            self.requests += 1
            self.failed += request.failed
            self.seconds += time.monotonic() - began
            self.last_activity = time.time()


def iso(seconds: float) -> str:
    """A time as ISO 8601 UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
