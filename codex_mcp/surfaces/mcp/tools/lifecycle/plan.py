"""`plan`: how a change is to be made, for somebody else to make it."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from msgspec import Meta

from codex_mcp.surfaces.mcp.context import CallContext
from codex_mcp.surfaces.mcp.tools.declare import Tool
from codex_mcp.surfaces.mcp.tools.lifecycle.briefs import listed
from codex_mcp.surfaces.mcp.tools.lifecycle.forms import Answer, Part, WorkArguments
from codex_mcp.surfaces.mcp.tools.lifecycle.work import fail, handler, prompt, work


class PlanArguments(WorkArguments, kw_only=True):
    """Arguments of `plan`."""

    task: Annotated[str, Meta(min_length=1, description="What is to be done.")]
    repo_context: Annotated[
        dict[str, Any] | None, Meta(description="What is known of the repository, in any form.")
    ] = None
    constraints: Annotated[list[str] | None, Meta(description="What the plan has to respect.")] = None


class Plan(Part):
    """What the model answers."""

    task_breakdown: list[str]
    affected_files: list[str]
    implementation_approach: str
    architectural_decisions: list[str]
    dependencies: list[str]
    estimated_complexity: Literal["low", "medium", "high"]
    gotchas: list[str]
    integration_points: list[str]


class PlanResponse(Answer):
    """A plan."""

    task_breakdown: list[str]
    affected_files: list[str]
    implementation_approach: str
    architectural_decisions: list[str]
    dependencies: list[str]
    estimated_complexity: Literal["low", "medium", "high"]
    gotchas: list[str]
    integration_points: list[str]


async def plan(call: CallContext, arguments: PlanArguments) -> PlanResponse:
    context = json.dumps(arguments.repo_context, ensure_ascii=False, indent=1) if arguments.repo_context else ""
    message = prompt(
        call,
        "plan",
        ("the task", arguments.task),
        ("what is known of the repository", context),
        *listed("constraints", arguments.constraints),
    )
    answer, _ = await work(call, arguments, message, Plan)
    return PlanResponse(**{name: getattr(answer, name) for name in answer.__struct_fields__})


TOOL = Tool(
    "plan",
    "Plan a change",
    "Have Codex read the repository and plan a change: steps, files, decisions, what will bite. Changes nothing.",
    PlanArguments,
    PlanResponse,
    handler(plan),
    fail=fail,
    read_only=True,
    open_world=True,
)
