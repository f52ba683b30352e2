"""`debug`: what an error comes from, and what to try."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from codex_mcp.surfaces.mcp.context import CallContext
from codex_mcp.surfaces.mcp.tools.declare import Tool
from codex_mcp.surfaces.mcp.tools.lifecycle.briefs import listed
from codex_mcp.surfaces.mcp.tools.lifecycle.forms import Answer, CodeChange, Confidence, Part, WorkArguments
from codex_mcp.surfaces.mcp.tools.lifecycle.work import fail, handler, prompt, work


class DebugArguments(WorkArguments, kw_only=True):
    """Arguments of `debug`."""

    error_message: Annotated[str, Meta(min_length=1, description="The error, as it was shown.")]
    code_context: Annotated[str | None, Meta(description="The code around it.")] = None
    stack_trace: Annotated[str | None, Meta(description="The trace.")] = None
    environment_info: Annotated[str | None, Meta(description="Versions, platform, configuration.")] = None
    reproduction_steps: Annotated[list[str] | None, Meta(description="How it is made to happen.")] = None
    debug_level: Annotated[Literal["basic", "detailed", "comprehensive"], Meta(description="How much is wanted.")] = (
        "detailed"
    )


class DebugSolution(Part):
    """Something to try."""

    approach: str
    description: str
    code_changes: list[CodeChange]
    confidence: Confidence
    estimated_time: str
    trade_offs: list[str]


class Diagnosis(Part):
    """What the model answers."""

    root_cause: str
    solutions: list[DebugSolution]
    debugging_steps: list[str]
    prevention_strategies: list[str]
    related_issues: list[str]
    confidence_score: Confidence
    estimated_fix_time: str


class DebugResponse(Answer):
    """A diagnosis."""

    root_cause: str
    solutions: list[DebugSolution]
    debugging_steps: list[str]
    prevention_strategies: list[str]
    related_issues: list[str]
    confidence_score: Confidence
    estimated_fix_time: str


async def debug(call: CallContext, arguments: DebugArguments) -> DebugResponse:
    message = prompt(
        call,
        "debug",
        ("the error", arguments.error_message),
        ("the trace", arguments.stack_trace or ""),
        ("the code around it", arguments.code_context or ""),
        ("the environment", arguments.environment_info or ""),
        *listed("how it is made to happen", arguments.reproduction_steps),
        ("the level", arguments.debug_level),
    )
    answer, _ = await work(call, arguments, message, Diagnosis)
    return DebugResponse(**{name: getattr(answer, name) for name in answer.__struct_fields__})


TOOL = Tool(
    "debug",
    "Debug an error",
    "Have Codex explain an error and what to try. Changes nothing.",
    DebugArguments,
    DebugResponse,
    handler(debug),
    fail=fail,
    read_only=True,
    open_world=True,
)
