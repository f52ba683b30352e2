"""What is wrong with params, in words."""

from __future__ import annotations

from pydantic import ValidationError


def problems(error: ValidationError) -> str:
    """What is wrong, without the values: there may be a secret among them."""
    found = []
    for problem in error.errors(include_url=False, include_input=False, include_context=False)[:3]:
        where = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "missing":
            found.append(f"missing field `{where}`")
        else:
            found.append(f"`{where}`: {problem['msg']}" if where else problem["msg"])
    return "; ".join(found)
