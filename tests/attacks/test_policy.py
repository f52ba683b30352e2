"""What is said to hold holds, and what is said not to does not: nothing is claimed that was not tried."""

from __future__ import annotations

import pathlib
import tempfile

import pytest

from tests.attacks.policy import attack

pytestmark = pytest.mark.anyio


@pytest.mark.slow
@pytest.mark.timeout(170)
@pytest.mark.requirement("policy:attacks")
async def test_attacks_end_as_documented(playground: pathlib.Path) -> None:
    outcomes = await attack(pathlib.Path(tempfile.mkdtemp(dir=playground)))
    assert [str(outcome) for outcome in outcomes if outcome.held != outcome.expected] == []
    assert len(outcomes) > 40
