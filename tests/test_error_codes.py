"""The catalogue of error codes, and the code that uses them."""

from __future__ import annotations

import ast
import pathlib

import pytest

from codex_mcp import error_codes, errors
from tests.requirements.__main__ import ERRORS

PACKAGE = pathlib.Path(error_codes.__file__).parent

pytestmark = pytest.mark.requirement("errors:codes")


def used_codes() -> set[str]:
    """Codes of exception classes, of exceptions that are raised, of error data, and of failed tool calls."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                values = [keyword.value for keyword in node.keywords if keyword.arg == "code"]
                if isinstance(node.func, ast.Name) and node.func.id == "failure":
                    values += node.args[:1]
            elif isinstance(node, ast.Dict):
                values = [
                    value
                    for key, value in zip(node.keys, node.values, strict=True)
                    if isinstance(key, ast.Constant) and key.value == "code"
                ]
            elif isinstance(node, ast.ClassDef):
                values = [
                    part.value
                    for part in node.body
                    if isinstance(part, ast.Assign) and getattr(part.targets[0], "id", "") == "code"
                ]
            else:
                continue
            found |= {value.value for value in values if isinstance(value, ast.Constant) and type(value.value) is str}
    return found


def test_every_code_that_is_used_is_in_the_catalogue() -> None:
    assert used_codes() <= set(error_codes.CODES)


def test_the_page_is_what_the_catalogue_says() -> None:
    assert ERRORS.read_text() == error_codes.render(), "run `python -m tests.requirements`"


@pytest.mark.parametrize(
    ("info", "code"),
    [
        ("unauthorized", "auth_required"),
        ({"httpConnectionFailed": {"httpStatusCode": 401}}, "auth_required"),
        ({"responseStreamDisconnected": {"httpStatusCode": None}}, "provider_error"),
        ("usageLimitExceeded", "limit_reached"),
        ("contextWindowExceeded", "context_window"),
        ("somethingNew", "provider_error"),
        ({"somethingNew": {}}, "provider_error"),
        ({}, "provider_error"),
        (None, "provider_error"),
    ],
)
def test_what_the_engine_says_of_a_failed_turn_has_a_code(info: object, code: str) -> None:
    assert error_codes.of_engine_info(info) == code


def test_the_advice_names_a_command_that_this_user_has() -> None:
    advice = error_codes.advice("auth_required")
    assert advice is not None
    assert "{" not in advice
    assert error_codes.advice("no_such_code") is None
    assert errors.CodexMcpError("x").code in error_codes.CODES
