"""What all lifecycle tools have in common: how their arguments and answers look, and what a change of a file is.

Names are those of the published description, in snake_case; every field of an answer is always there. What the model
is asked for are the structs that forbid unknown fields: the engine gets their schema, and an answer that does not fit
is an error.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from msgspec import Meta, Struct, to_builtins

from codex_mcp.protocol.tools import ToolArguments, ToolResult

Score10: TypeAlias = Annotated[int, Meta(ge=1, le=10)]
Score100: TypeAlias = Annotated[int, Meta(ge=1, le=100)]
Confidence: TypeAlias = Annotated[float, Meta(ge=0, le=1)]
Paths: TypeAlias = list[str]


class Arguments(ToolArguments, rename={}):
    """Arguments of a lifecycle tool."""


class WorkArguments(Arguments):
    """Arguments of a tool that has Codex work; the first three are ours."""

    cwd: Annotated[str | None, Meta(description="Workspace; files are named relative to it.")] = None
    model: Annotated[str | None, Meta(description="Model name; the configured one if not given.")] = None
    timeout_seconds: Annotated[Annotated[float, Meta(gt=0)] | None, Meta(description="Time limit of the call.")] = None


class Answer(ToolResult, rename={}, omit_defaults=False):
    """The answer of a lifecycle tool."""

    def to_wire(self) -> dict[str, Any]:
        data: dict[str, Any] = to_builtins(self)
        return data


class Part(Struct, forbid_unknown_fields=True):
    """Part of what the model answers, or all of it."""


class CodeChange(Part):
    """A change of one file. `diff` is a unified diff."""

    file: str
    action: Literal["create", "modify", "delete"]
    diff: str
    explanation: str
    line_numbers: str | None
