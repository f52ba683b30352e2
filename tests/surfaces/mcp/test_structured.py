"""Answers that are held against a schema, and schemas that are made to hurt."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from codex_mcp.errors import CallerError
from codex_mcp.offline import OfflineModel
from codex_mcp.surfaces.mcp import structured
from tests.support.home import Home
from tests.support.mcp_client import mcp_serving

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("confinement:schema")]

NOTHING: dict[str, Any] = {}


def nested(levels: int, key: str) -> Any:
    value: Any = {}
    for _ in range(levels):
        value = {key: value}
    return value


@pytest.mark.parametrize(
    ("schema", "text", "why"),
    [
        ({"type": "string"}, "5", "does not match"),
        ({"pattern": "^a+$"}, '"b"', "does not match"),
        (NOTHING, "NaN", "not JSON"),
        (NOTHING, "[Infinity]", "not JSON"),
        (NOTHING, "[" * 20_000 + "]" * 20_000, "levels deep"),
        (NOTHING, "[" * 300 + "]" * 300, "levels deep"),
        (NOTHING, "9" * 5000, "not JSON"),
    ],
    ids=["type", "pattern", "NaN", "Infinity", "20,000 deep", "300 deep", "5,000 digits"],
)
async def test_an_answer_that_is_none_is_told_so(schema: dict[str, Any], text: str, why: str) -> None:
    with pytest.raises(structured.InvalidAnswer, match=why):
        await structured.parse_answer(text, schema)


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"},
        {"$ref": "#/$defs/none"},
        {"$ref": "https://example.invalid/schema.json"},
    ],
    ids=["itself", "circle", "nothing", "another document"],
)
async def test_a_schema_that_nothing_can_be_held_against_is_the_callers_fault(schema: dict[str, Any]) -> None:
    structured.check_schema(schema)
    with pytest.raises(CallerError, match="output-schema") as refused:
        await structured.parse_answer('"text"', schema)
    assert refused.value.code == "invalid_arguments"


@pytest.mark.parametrize(
    "schema",
    [
        {"type": 5},
        {"pattern": "("},
        {"patternProperties": {"(": {}}},
        {"$schema": 5},
        {"$schema": ["x"]},
        nested(300, "items"),
        nested(20_000, "properties"),
    ],
    ids=["type", "pattern", "properties", "number", "list", "300 deep", "20,000 deep"],
)
def test_a_schema_that_is_none_is_refused_before_anything_runs(schema: dict[str, Any]) -> None:
    with pytest.raises(CallerError, match="output-schema"):
        structured.check_schema(schema)


async def test_a_schema_with_an_unknown_name_is_taken_as_the_newest() -> None:
    schema = {"$schema": "https://example.invalid/of-later", "type": "object"}
    structured.check_schema(schema)
    assert await structured.parse_answer('{"a": [1, null, "ä"]}', schema) == {"a": [1, None, "ä"]}


async def test_a_check_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(structured, "CHECK_LIMIT", 2.0)
    with pytest.raises(structured.InvalidAnswer, match="takes too long"):
        await structured.parse_answer(f'"{"a" * 40}!"', {"pattern": "^(a+)+$"})


@pytest.mark.slow
async def test_a_pattern_that_goes_on_for_ever_does_not_hold_up_the_server(home: Home, model: OfflineModel) -> None:
    model.add([{"say": f'"{"a" * 40}!"'}])
    results: list[Any] = []
    async with mcp_serving(home) as client, anyio.create_task_group() as tasks:
        call = client.begin("codex", prompt="go", output_schema={"type": "string", "pattern": "^(a+)+$"})

        async def wait() -> None:
            results.append(await client.result("tools/call", call))

        tasks.start_soon(wait)
        while not results:
            with anyio.fail_after(5):
                await client.request("ping")
    error = results[0]["structuredContent"]["error"]
    assert error["code"] == "invalid_answer"
    assert "takes too long" in error["message"]
