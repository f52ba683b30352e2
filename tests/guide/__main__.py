"""`python -m tests.guide` writes the generated parts of docs/interface.md."""

from tests.guide import generate

generate()
