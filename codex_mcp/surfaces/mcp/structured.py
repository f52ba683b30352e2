"""Answers in a form that the caller prescribes (`output-schema`): checked here, whatever the model was told.

A pattern of the caller's and a text of the model's can keep a matcher busy for ever, with the interpreter held all the
while. So the check is made by a process of its own, which is ended when it takes too long.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import anyio

from codex_mcp.errors import CallerError, EngineError
from codex_mcp.protocol.tools import JsonSchema

CHECK_LIMIT = 10.0
"""Seconds that a check may take; it takes 0.3, nearly all of them to start."""
_MAX_DEPTH = 100  # levels of a schema, or of an answer; the engine takes no more of a schema than 120


class InvalidAnswer(EngineError):
    """The final answer is not what the schema wants."""

    code = "invalid_answer"


def check_schema(schema: JsonSchema) -> None:
    """Raises CallerError if it is no JSON Schema."""
    if _is_deeper(schema, _MAX_DEPTH):
        raise _bad_schema(f"it is nested more than {_MAX_DEPTH} levels deep")
    if not isinstance(schema.get("$schema", ""), str):
        raise _bad_schema("$schema is no text")
    import jsonschema  # most servers never need it

    try:
        jsonschema.validators.validator_for(schema, jsonschema.Draft202012Validator).check_schema(schema)
    except jsonschema.SchemaError as error:
        raise _bad_schema(f"{error.message} (at {error.json_path})") from None


async def parse_answer(text: str, schema: JsonSchema) -> Any:
    """The answer as data. Raises InvalidAnswer, and CallerError for a schema that nothing can be held against.
    References to other documents are not followed."""
    try:
        answer = json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        raise InvalidAnswer(f"the answer is not JSON as `output-schema` wants it: {error}") from None
    if _is_deeper(answer, _MAX_DEPTH):
        raise _too_deep()
    module = [sys.executable, "-m", "codex_mcp.surfaces.mcp.schema_check"]
    try:
        with anyio.fail_after(CHECK_LIMIT):
            checked = await anyio.run_process(module, input=json.dumps([schema, answer]).encode(), check=False)
    except TimeoutError:
        raise InvalidAnswer(
            f"the answer could not be checked within {CHECK_LIMIT:g} seconds: a pattern of `output-schema` takes too "
            "long on it"
        ) from None
    except OSError as error:
        raise EngineError(f"the answer could not be checked: {error.strerror}", code="internal_error") from None
    if checked.returncode != 0:
        raise EngineError(f"the answer could not be checked: status {checked.returncode}", code="internal_error")
    found = json.loads(checked.stdout)
    if found.get("bad_schema") is not None:
        raise _bad_schema(found["bad_schema"])
    if found.get("problem") is not None:
        raise InvalidAnswer(f"the answer does not match `output-schema`: {found['problem']}")
    return answer


def _bad_schema(problem: str) -> CallerError:
    return CallerError(f"`output-schema` is no JSON Schema that can be used: {problem}", code="invalid_arguments")


def _too_deep() -> InvalidAnswer:
    return InvalidAnswer(f"the answer is nested more than {_MAX_DEPTH} levels deep")


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


def _is_deeper(value: Any, levels: int) -> bool:
    level = [value]
    for _ in range(levels):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return True
