"""Editing files in place."""

from __future__ import annotations

import copy
import json
from typing import Any

import json5
import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from codex_mcp.cli.install.documents import JsonDocument, TomlDocument, open_document
from codex_mcp.errors import CallerError

pytestmark = pytest.mark.requirement("install:keeps-the-rest")

KEYS = st.sampled_from(["a", "b", "c,d", "e//f", "ü", "g{"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 99)
    | st.sampled_from(["", "x", ", }", "/* no */", "// no", 'q"q', "ü"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=4)


@st.composite
def commented(draw: st.DrawFn) -> tuple[dict[str, Any], str, list[str]]:
    """An object, a text for it with comments, odd layout and commas at the end, and the comments."""
    data = draw(OBJECTS)
    comments: list[str] = []
    newline = draw(st.sampled_from(["\n", "\r\n"]))

    def gap() -> str:
        kind = draw(st.integers(0, 5))
        if kind == 0:
            comments.append(f"// {len(comments)}, }} {{")
            return f" {comments[-1]}{newline}"
        if kind == 1:
            comments.append(f"/* {len(comments)},{newline} }} */")
            return comments[-1]
        return ["", " ", newline, newline + "  "][kind - 2]

    def text(value: Any) -> str:
        if isinstance(value, dict) and value:
            members = [f"{gap()}{json.dumps(k)}{gap()}:{gap()}{text(v)}{gap()}" for k, v in value.items()]
        elif isinstance(value, list) and value:
            members = [f"{gap()}{text(item)}{gap()}" for item in value]
        else:
            return json.dumps(value)
        comma = "," + gap() if draw(st.booleans()) else ""
        first, last = "{}" if isinstance(value, dict) else "[]"
        return first + ",".join(members) + comma + last

    return data, gap() + text(data) + gap(), comments


@given(commented(), st.lists(KEYS, min_size=1, max_size=3), VALUES)
def test_a_value_is_put_in_and_nothing_else_is_touched(
    given: tuple[dict[str, Any], str, list[str]], path: list[str], value: Any
) -> None:
    data, text, comments = given
    document = JsonDocument(text)
    wanted = copy.deepcopy(data)
    table: Any = wanted
    replaced: Any = None
    for key in path[:-1]:
        table = table.setdefault(key, {})
        if not isinstance(table, dict):
            with pytest.raises(CallerError, match="not a table"):
                document.set(tuple(path), value)
            return
    replaced = table.get(path[-1])
    table[path[-1]] = value
    document.set(tuple(path), value)
    assert json5.loads(document.text) == wanted
    if not isinstance(replaced, dict | list):  # what was in it is gone with it
        for comment in comments:
            assert comment in document.text


@given(commented(), st.data())
def test_a_value_is_taken_out_and_nothing_else_is_touched(
    given: tuple[dict[str, Any], str, list[str]], choice: st.DataObject
) -> None:
    data, text, _ = given
    if not data:
        return
    document = JsonDocument(text)
    key = choice.draw(st.sampled_from(sorted(data)))
    document.remove((key,))
    assert json5.loads(document.text) == {name: value for name, value in data.items() if name != key}


ZED = """\
// Zed settings
{
  "theme": "One Dark", // dark, of course
  /* servers,
     each with a reason */
  "context_servers": {
    // the reviewer
    "codex": { "command": "codex", "args": ["mcp-server"] }, // old
    "other": { "command": "other" },
  },
  "vim_mode": true,
}
"""


def test_the_layout_of_the_neighbours_is_taken_over() -> None:
    document = JsonDocument(ZED)
    document.set(("context_servers", "new"), {"command": "c", "args": ["-s", "read-only"]})
    document.set(("context_servers", "codex", "args"), [])
    assert document.text == ZED.replace('["mcp-server"]', "[]").replace(
        '    "other": { "command": "other" },\n',
        '    "other": { "command": "other" },\n'
        '    "new": {\n      "command": "c",\n      "args": [\n        "-s",\n        "read-only"\n      ]\n    },\n',
    )
    document.remove(("context_servers", "new"))
    document.set(("context_servers", "codex", "args"), ["mcp-server"])
    assert document.text == ZED


def test_a_file_of_one_line_stays_one() -> None:
    document = JsonDocument('{"a": {"b": 1}} // x')
    document.set(("a", "c"), ["d"])
    assert document.text == '{"a": {"b": 1, "c": ["d"]}} // x'


@pytest.mark.parametrize("text", ["", "\n", "\ufeff"])
def test_an_empty_file_is_begun(text: str) -> None:
    document = JsonDocument(text)
    document.set(("mcpServers", "codex"), {"command": "c"})
    assert json.loads(document.text) == {"mcpServers": {"codex": {"command": "c"}}}


@pytest.mark.parametrize("indent", [2, 4, "\t"])
def test_what_a_program_wrote_is_written_as_it_would_write_it(indent: int | str) -> None:
    data = {"history": [{"display": "ü", "n": [1, 2.5, None]}] * 3, "mcpServers": {}}
    document = JsonDocument(json.dumps(data, indent=indent, ensure_ascii=False))
    document.set(("mcpServers", "codex"), {"command": "c"})
    wanted = {**data, "mcpServers": {"codex": {"command": "c"}}}
    assert document.text == json.dumps(wanted, indent=indent, ensure_ascii=False)
    document.remove(("mcpServers", "codex"))
    assert document.text == json.dumps(data, indent=indent, ensure_ascii=False)


TOML = """\
# my Codex
model = "gpt-5.5"   # the good one

[mcp_servers.codex] # old
command = "codex"
args = ["mcp-server"]
startup_timeout_sec = 20

[mcp_servers.codex.env]
KEY = "value"

[profiles.fast]
model = "small"
"""


def test_toml_keeps_its_comments_and_order() -> None:
    document = TomlDocument(TOML)
    document.set(("mcp_servers", "codex", "command"), "codex-mcp-server")
    document.set(("mcp_servers", "codex", "args"), [])
    assert document.text == TOML.replace('"codex"\n', '"codex-mcp-server"\n').replace('["mcp-server"]', "[]")


def test_a_toml_table_is_put_in_and_taken_out() -> None:
    document = TomlDocument("# top\na = 1\n")
    document.set(("mcp_servers", "codex"), {"command": "c", "args": []})
    assert document.text.startswith("# top\na = 1\n")
    assert tomlkit.parse(document.text).unwrap()["mcp_servers"] == {"codex": {"command": "c", "args": []}}
    assert "[mcp_servers.codex]" in document.text
    document.remove(("mcp_servers", "codex"))
    assert "codex" not in document.text


@pytest.mark.requirement("install:refuses")
@pytest.mark.parametrize(
    ("text", "format"),
    [('{"a": }', "json"), ("[1]", "json"), ("a = ", "toml"), ("{'a': 1", "json"), ('{"a": 1} x', "json")],
)
def test_what_is_not_understood_is_refused(text: str, format: Any) -> None:
    with pytest.raises(CallerError, match="/some/file"):
        open_document(text, format, "/some/file")
