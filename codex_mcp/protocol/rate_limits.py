"""The limits of an account, in events and in answers."""

from __future__ import annotations

from codex_mcp.protocol.base import SnakeModel


class RateLimitWindow(SnakeModel):
    """How much of a limit is used. `window_minutes` is its length, `resets_at` a Unix time in seconds."""

    used_percent: float
    window_minutes: int | None
    resets_at: int | None


class RateLimits(SnakeModel):
    """The account's limits, as far as the provider tells."""

    primary: RateLimitWindow | None
    secondary: RateLimitWindow | None
