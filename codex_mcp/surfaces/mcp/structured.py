"""Answers in a form that the caller prescribes (`output-schema`): checked here, whatever the model was told."""

from __future__ import annotations

import json
from typing import Any

from codex_mcp.errors import CallerError, EngineError
from codex_mcp.protocol.tools import JsonSchema


class InvalidAnswer(EngineError):
    """The final answer is not what the schema wants."""

    code = "invalid_answer"


def check_schema(schema: JsonSchema) -> None:
    """Raises CallerError if it is no JSON Schema."""
    import jsonschema  # most servers never need it

    try:
        jsonschema.validators.validator_for(schema).check_schema(schema)
    except jsonschema.SchemaError as error:
        raise CallerError(
            f"`output-schema` is no JSON Schema: {error.message} (at {error.json_path})", code="invalid_arguments"
        ) from None


def parse_answer(text: str, schema: JsonSchema) -> Any:
    """The answer as data. Raises InvalidAnswer. References to other documents are not followed."""
    import jsonschema
    import referencing
    import referencing.exceptions

    try:
        answer = json.loads(text)
    except ValueError as error:
        raise InvalidAnswer(f"the answer is not JSON as `output-schema` wants it: {error}") from None
    validator = jsonschema.validators.validator_for(schema)(schema, registry=referencing.Registry())
    try:
        problem = jsonschema.exceptions.best_match(validator.iter_errors(answer))
    except referencing.exceptions.Unresolvable as error:
        raise CallerError(f"`output-schema` refers to what is not in it: {error}", code="invalid_arguments") from None
    if problem is not None:
        raise InvalidAnswer(f"the answer does not match `output-schema`: {problem.message} (at {problem.json_path})")
    return answer
