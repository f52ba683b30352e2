"""Many turns in one server. `python -m tests.benchmarks.load` does the same with 200 open conversations."""

from __future__ import annotations

import pytest

from codex_mcp.offline import OfflineModel
from tests.benchmarks.load import run_load
from tests.support.home import Home


@pytest.mark.requirement("reliability:load:many")
async def test_20_turns_of_40_conversations_run_at_once(home: Home, model: OfflineModel) -> None:
    await run_load(home, model, conversations=40, at_once=20)
