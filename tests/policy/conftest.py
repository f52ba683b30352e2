"""Servers under a policy."""

from __future__ import annotations

from tests.support.governed import governed

__all__ = ["governed"]
