"""The engine in use says nothing that this server has no word for."""

from __future__ import annotations

import pytest

from codex_mcp.bridge.events import (
    DROPPED_ITEMS,
    DROPPED_NOTIFICATIONS,
    ITEMS_COMPLETED,
    ITEMS_STARTED,
    NOTIFICATIONS,
)
from codex_mcp.bridge.questions import REFUSED_REQUESTS, REQUESTS
from codex_mcp.engine.locate import find_engines
from tests import drift


@pytest.mark.requirement("events:drift")
def test_everything_that_the_engine_can_send_is_translated_or_dropped_on_purpose() -> None:
    assert not drift.unknown_to_us(find_engines(None)[0].path)


@pytest.mark.requirement("events:drift")
def test_a_kind_that_is_in_no_table_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(NOTIFICATIONS, "turn/started")
    monkeypatch.delitem(ITEMS_STARTED, "reasoning")
    monkeypatch.delitem(ITEMS_COMPLETED, "reasoning")
    monkeypatch.delitem(REQUESTS, "item/fileChange/requestApproval")
    unknown = ["notification turn/started", "item reasoning", "request item/fileChange/requestApproval"]
    assert drift.unknown_to_us(find_engines(None)[0].path) == unknown


def test_nothing_is_both_translated_and_dropped() -> None:
    dropped = frozenset().union(*DROPPED_NOTIFICATIONS.values())
    assert sum(map(len, DROPPED_NOTIFICATIONS.values())) == len(dropped)
    assert not dropped & set(NOTIFICATIONS)
    assert set(ITEMS_STARTED) == set(ITEMS_COMPLETED)
    assert not DROPPED_ITEMS & set(ITEMS_STARTED)
    assert not set(REFUSED_REQUESTS) & set(REQUESTS)
