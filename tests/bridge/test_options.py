"""How the settings of a conversation are merged before the engine gets them."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest

from codex_mcp.bridge.options import ServerDefaults, ThreadOptions, thread_request
from codex_mcp.engine.home import CodexHome


@pytest.mark.requirement("conversations:new:tables")
@pytest.mark.parametrize(
    ("config", "by_key"),
    [
        ({"features": {"a": True, "b": {"c": 1}}}, {"features.a": True, "features.b.c": 1, "features.of_flag": True}),
        ({"features": {"of_flag": False}}, {"features.of_flag": False}),
        ({"set": {"A.B": "1", "C": "2"}}, {"set": {"A.B": "1", "C": "2"}, "features.of_flag": True}),
        ({"empty": {}, "list": [{"a": 1}]}, {"empty": {}, "list": [{"a": 1}], "features.of_flag": True}),
    ],
    ids=["tables", "stronger than a flag", "keys with dots", "no tables"],
)
def test_tables_are_given_by_key(
    config: dict[str, Any], by_key: dict[str, Any], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODEX_HOME", str(tmp_path))
    defaults = ServerDefaults(config={"features": {"of_flag": True}})
    assert (
        thread_request(ThreadOptions(config=config), defaults, CodexHome.of_process(), raw_items=False).params["config"]
        == by_key
    )
