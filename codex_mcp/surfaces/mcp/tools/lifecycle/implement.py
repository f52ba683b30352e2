"""`implement`: the changes for a task, as diffs; with `apply` they are made, and what is on the disk is told."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from codex_mcp.protocol.tools import DeniedApproval
from codex_mcp.surfaces.mcp.context import CallContext
from codex_mcp.surfaces.mcp.tools.declare import Tool
from codex_mcp.surfaces.mcp.tools.lifecycle.briefs import listed
from codex_mcp.surfaces.mcp.tools.lifecycle.files import read_files
from codex_mcp.surfaces.mcp.tools.lifecycle.forms import Answer, CodeChange, Part, Paths, WorkArguments
from codex_mcp.surfaces.mcp.tools.lifecycle.work import fail, handler, look_at, prompt, work, workspace


class ImplementArguments(WorkArguments, kw_only=True):
    """Arguments of `implement`."""

    task: Annotated[str, Meta(min_length=1, description="What is to be done; name files that are to be created here.")]
    target_files: Annotated[Paths, Meta(description="Files to change, in the workspace.")]
    context_files: Annotated[Paths | None, Meta(description="Files to look at.")] = None
    requirements: Annotated[list[str] | None, Meta(description="What the change has to fulfil.")] = None
    apply: Annotated[bool, Meta(description="Make the changes, under approval; otherwise they are only proposed.")] = (
        False
    )


class Implementation(Part):
    """What the model answers."""

    changes: list[CodeChange]
    dependencies_added: list[str]
    tests_needed: list[str]
    integration_notes: str
    next_steps: list[str]
    warnings: list[str]


class ImplementResponse(Answer):
    """Changes: proposed, or (`applied`) as they are on the disk."""

    changes: list[CodeChange]
    dependencies_added: list[str]
    tests_needed: list[str]
    integration_notes: str
    next_steps: list[str]
    warnings: list[str]
    applied: bool
    denied_approvals: list[DeniedApproval]


async def implement(call: CallContext, arguments: ImplementArguments) -> ImplementResponse:
    root = workspace(call, arguments)
    targets = read_files(arguments.target_files, root)
    context = read_files(arguments.context_files, root)
    message = prompt(
        call,
        "implement_apply" if arguments.apply else "implement",
        ("the task", arguments.task),
        *listed("requirements", arguments.requirements),
        *((f"target file {file.path}", file.text) for file in targets),
        *((f"file to look at, {file.path}", file.text) for file in context),
    )
    before = await look_at(root) if arguments.apply else None
    answer, done = await work(call, arguments, message, Implementation, apply=arguments.apply)
    return ImplementResponse(
        changes=answer.changes if before is None else await before.changes(answer.changes),
        dependencies_added=answer.dependencies_added,
        tests_needed=answer.tests_needed,
        integration_notes=answer.integration_notes,
        next_steps=answer.next_steps,
        warnings=answer.warnings,
        applied=arguments.apply,
        denied_approvals=done.denied,
    )


TOOL = Tool(
    "implement",
    "Implement a change",
    "Have Codex work a change out as diffs, or with `apply` make it in the workspace, under approval. "
    "Without `apply` nothing is changed.",
    ImplementArguments,
    ImplementResponse,
    handler(implement),
    fail=fail,
    destructive=True,
    open_world=True,
)
