"""Scripts: what is wrong with one is named."""

from __future__ import annotations

from typing import Any

import pytest

from codex_mcp.errors import CallerError
from codex_mcp.offline import parse_script


@pytest.mark.requirement("process:offline")
@pytest.mark.parametrize(
    ("replies", "said"),
    [
        ([[], {"say": "x"}], r'reply 2: this is a step, .* as in \[\[{"say": "x"}\]\]'),
        ([[{"sey": "x"}]], "reply 1: unknown step {'sey': 'x'}"),
        (["x"], "reply 1: 'x' is no list of steps"),
        ([[{"say": "a"}, {"say": 5}]], r"reply 1: steps\.1\.say: Input should be a valid string"),
        ([{"steps": [], "wen": "x"}], "reply 1: wen: "),
    ],
)
def test_what_is_wrong_with_a_script_is_named(replies: list[Any], said: str) -> None:
    with pytest.raises(CallerError, match=said) as refused:
        parse_script(replies)
    assert refused.value.code == "invalid_script"
