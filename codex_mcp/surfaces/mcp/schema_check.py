"""Holds an answer against a schema, as a process of its own: `[schema, answer]` on stdin, what is wrong on stdout.

`{}` if it conforms, `{"problem": …}` if not, `{"bad_schema": …}` if nothing can be held against the schema.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import jsonschema
import referencing
import referencing.exceptions


def check(schema: dict[str, Any], answer: Any) -> dict[str, str]:
    """What is wrong with the answer, or with the schema."""
    validator = jsonschema.validators.validator_for(schema, jsonschema.Draft202012Validator)
    try:
        problem = jsonschema.exceptions.best_match(
            validator(schema, registry=referencing.Registry()).iter_errors(answer)
        )
    except referencing.exceptions.Unresolvable as error:
        return {"bad_schema": f"it refers to what is not in it: {error}"}
    except RecursionError:
        return {"bad_schema": "it refers to itself without an end"}
    if problem is None:
        return {}
    return {"problem": f"{problem.message} (at {problem.json_path})"}


if __name__ == "__main__":
    json.dump(check(*json.load(sys.stdin)), sys.stdout)
