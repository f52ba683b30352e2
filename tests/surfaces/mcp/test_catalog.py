"""The published form of the tools."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
from typing import Any

import jsonschema
import pytest

from codex_mcp.surfaces.mcp import catalog
from codex_mcp.surfaces.mcp.tools import load
from codex_mcp.surfaces.mcp.tools.schema import render

RELEASED = pathlib.Path(__file__).parents[2] / "data" / "released_tools.json"


@pytest.mark.requirement("mcp:tools:list")
def test_the_catalog_is_what_the_models_say() -> None:
    published = pathlib.Path(catalog.__file__).with_name("published")
    assert {path.name for path in published.iterdir()} == {f"{name}.json" for name in catalog.SETS}
    for name in catalog.SETS:
        assert (published / f"{name}.json").read_text() == render(name), (
            "run `python -m codex_mcp.surfaces.mcp.tools.schema`"
        )


@pytest.mark.requirement("mcp:tools:list")
def test_every_set_can_be_chosen() -> None:
    assert {tool["name"] for tool in catalog.list_tools(catalog.EXTRA_SETS)} == set(load(catalog.EXTRA_SETS))


@pytest.mark.requirement("mcp:tools:list")
def test_schemas_are_valid_and_every_argument_says_what_it_is_for() -> None:
    for tool in catalog.list_tools(catalog.EXTRA_SETS):
        for schema in (tool["inputSchema"], tool["outputSchema"]):
            jsonschema.Draft202012Validator.check_schema(schema)
            assert schema["type"] == "object"
        assert set(tool["annotations"]) >= {"readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"}


@pytest.mark.requirement("mcp:tools:drop-in")
@pytest.mark.parametrize("release", ["0.53", "0.99", "0.144", "0.153.4"])
def test_the_tools_take_and_give_what_those_of_every_release_did(release: str) -> None:
    ours = {tool["name"]: tool for tool in catalog.list_tools(())}
    assert list(ours) == ["codex", "codex-reply"]
    for name, released in json.loads(RELEASED.read_text())[release].items():
        assert ours[name]["title"] == released["title"]
        taken, given = ours[name]["inputSchema"], ours[name]["outputSchema"]
        for argument, values in released["arguments"].items():
            known = taken["properties"][argument]
            if isinstance(values, list):
                assert set(values) <= set(known["enum"])
            else:
                assert known["type"] == values
        assert set(taken["required"]) <= set(released["required"])
        assert set(released["result"]) <= set(given["properties"])
        assert given["required"] == ["threadId", "content"]


@pytest.mark.requirement("mcp:tools:light")
def test_listing_the_tools_loads_no_model() -> None:
    code = (
        "import sys; from codex_mcp.surfaces.mcp.catalog import list_tools; list_tools(('threads',));"
        "print([name for name in ('pydantic', 'anyio', 'mcp', 'jsonschema') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.requirement("mcp:tools:list")
def test_the_page_on_the_tools_names_every_tool_argument_and_field() -> None:
    docs = pathlib.Path(__file__).parents[3] / "docs"
    page = (docs / "tools.md").read_text() + (docs / "lifecycle.md").read_text()
    for tool in catalog.list_tools(catalog.EXTRA_SETS):
        assert f"`{tool['name']}`" in page
        for argument in tool["inputSchema"]["properties"]:
            assert f"`{argument}`" in page, f"{argument} of {tool['name']}"
    for field in catalog.list_tools(())[0]["outputSchema"]["properties"]:
        assert f"`{field}`" in page
    assert "(errors.md)" in page


@pytest.mark.requirement("confinement:failures:conform")
@pytest.mark.parametrize("tool", catalog.list_tools(catalog.EXTRA_SETS), ids=lambda tool: tool["name"])
def test_a_failure_conforms_to_the_output_schema_of_every_tool(tool: dict[str, Any]) -> None:
    validator = jsonschema.Draft202012Validator(tool["outputSchema"])
    validator.validate(load(catalog.EXTRA_SETS)[tool["name"]].fail("not_found", "there is none")["structuredContent"])
    assert not validator.is_valid({"unrelated": True}), "a result without anything that it should have"
