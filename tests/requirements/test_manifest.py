"""The manifest and the tests agree, and the page made of it is up to date."""

from __future__ import annotations

import ast
import pathlib
import re

from tests.requirements import HERE, SOURCES, load
from tests.requirements.__main__ import TARGET, render

TESTS = HERE.parent


def ids_in_tests() -> dict[str, str]:
    """Requirement ids that tests carry, and where."""
    found = {}
    for path in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "requirement":
                for argument in node.args:
                    assert isinstance(argument, ast.Constant), f"{path}: requirement ids are literals"
                    found[str(argument.value)] = str(pathlib.Path(path).relative_to(TESTS))
    return found


def test_every_requirement_has_a_test_and_every_marked_test_a_requirement() -> None:
    known = {requirement.id for requirements in load().values() for requirement in requirements}
    tested = ids_in_tests()
    assert not known - set(tested), "requirements without a test"
    assert not {id: where for id, where in tested.items() if id not in known}, "unknown requirements"


def test_ids_begin_with_their_area_and_sources_are_known() -> None:
    for area, requirements in load().items():
        for requirement in requirements:
            assert requirement.id.split(":")[0] == area
            assert requirement.source in SOURCES


def test_the_compatibility_page_is_up_to_date() -> None:
    assert TARGET.read_text() == render(), "run `python -m tests.requirements`"


def test_every_test_that_the_page_on_reliability_names_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (TARGET.parent / "reliability.md").read_text())
    assert named
    for path, name in named:
        assert re.search(rf"def {name}\(", (TESTS.parent / path).read_text()), f"{path}::{name}"
