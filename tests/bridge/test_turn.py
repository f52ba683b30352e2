"""The life of a turn, by its table."""

from __future__ import annotations

import itertools

import hypothesis.strategies as st
import pytest
from hypothesis import given

from codex_mcp.bridge.turn import TRANSITIONS, IllegalTurnEvent, TurnEvent, TurnLife, TurnState

pytestmark = pytest.mark.requirement("conversations:turn")


@pytest.mark.parametrize(("state", "event"), [*itertools.product(TurnState, TurnEvent)])
def test_what_the_table_does_not_have_is_an_error_and_changes_nothing(state: TurnState, event: TurnEvent) -> None:
    life = TurnLife()
    life.state = state
    if (state, event) in TRANSITIONS:
        life.feed(event)
        assert life.state is TRANSITIONS[state, event]
    else:
        with pytest.raises(IllegalTurnEvent):
            life.feed(event)
        assert life.state is state


@given(st.lists(st.sampled_from(TurnEvent)))
async def test_each_turn_has_an_end_of_its_own(events: list[TurnEvent]) -> None:
    life = TurnLife()
    ends = [life.ended]
    for event in events:
        try:
            life.feed(event)
        except IllegalTurnEvent:
            continue
        if not life.busy:
            ends.append(life.ended)
    assert all(end.is_set() for end in ends[:-1])
    assert not ends[-1].is_set()
    assert len({id(end) for end in ends}) == len(ends)
