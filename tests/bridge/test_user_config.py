"""Editing a table of config.toml line by line."""

from __future__ import annotations

import pathlib
import stat
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_mcp.bridge.user_config import edit_table, write_atomically

TABLE = ("profiles", "test")
CONFIG = """# top comment
model = "o3" # not this one
profile = "test"

[profiles.test] # the test profile
model = "gpt-4o"   # trailing
approval_policy = "never"

[profiles.bare]
"""


def edit(text: str, **values: str | None) -> str:
    return edit_table(text, TABLE, values)


def test_a_value_is_replaced_in_its_table_and_its_comment_kept() -> None:
    edited = edit(CONFIG, model="new")
    assert edited == CONFIG.replace('model = "gpt-4o"   # trailing', 'model = "new"   # trailing')


def test_a_missing_value_is_added_and_a_removed_one_leaves_the_rest_alone() -> None:
    edited = edit(CONFIG, model_reasoning_effort="high", model=None)
    assert tomllib.loads(edited)["profiles"]["test"] == {"model_reasoning_effort": "high", "approval_policy": "never"}
    assert "# the test profile" in edited
    assert 'model = "o3" # not this one' in edited


def test_a_missing_table_is_added() -> None:
    edited = edit('model = "o3"', model="new")
    assert tomllib.loads(edited) == {"model": "o3", "profiles": {"test": {"model": "new"}}}
    dotted = edit_table("", ("profiles", "a b.c"), {"model": "x"})
    assert tomllib.loads(dotted) == {"profiles": {"a b.c": {"model": "x"}}}


def test_quoted_headers_and_hashes_in_strings_are_understood() -> None:
    text = '[profiles."test"]\nmodel = "a # b" # real\n'
    assert edit(text, model="c") == '[profiles."test"]\nmodel = "c" # real\n'


NAMES = st.text("abcdefghij_", min_size=1, max_size=6)
VALUES = st.one_of(st.text(max_size=8), st.booleans(), st.integers(0, 99))


@given(
    top=st.dictionaries(NAMES, VALUES, max_size=3),
    table=st.dictionaries(NAMES, VALUES, max_size=3),
    values=st.dictionaries(
        st.sampled_from(["model", "model_reasoning_effort"]), st.one_of(st.none(), st.text(max_size=6)), max_size=2
    ),
)
def test_whatever_the_file_holds_only_the_wanted_keys_change(top: Any, table: Any, values: Any) -> None:
    import tomli_w

    top.pop("profiles", None)
    text = tomli_w.dumps({**top, "profiles": {"test": table, "other": {"model": "x"}}})
    wanted = {**table, **{k: v for k, v in values.items() if v is not None}}
    wanted = {k: v for k, v in wanted.items() if k not in values or values[k] is not None}
    expected = {**top, "profiles": {"test": wanted, "other": {"model": "x"}}}
    assert tomllib.loads(edit_table(text, TABLE, values)) == expected


@pytest.mark.requirement("settings:files")
def test_files_are_replaced_in_one_step_with_the_mode_they_had(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "config.toml"
    write_atomically(path, "new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o640)
    link = tmp_path / "link.toml"
    link.symlink_to(path)
    write_atomically(link, "newer")
    assert link.is_symlink()
    assert path.read_text() == "newer"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert sorted(p.name for p in tmp_path.iterdir()) == ["config.toml", "link.toml"]
