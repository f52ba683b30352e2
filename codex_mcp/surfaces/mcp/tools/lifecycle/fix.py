"""`fix`: why something fails and how to mend it; with `apply` it is mended, and what is on the disk is told."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, structs

from codex_mcp.errors import CallerError
from codex_mcp.protocol.tools import DeniedApproval
from codex_mcp.surfaces.mcp.context import CallContext
from codex_mcp.surfaces.mcp.tools.declare import Tool
from codex_mcp.surfaces.mcp.tools.lifecycle.files import read_files
from codex_mcp.surfaces.mcp.tools.lifecycle.forms import Answer, CodeChange, Part, Paths, WorkArguments
from codex_mcp.surfaces.mcp.tools.lifecycle.work import fail, handler, look_at, prompt, work, workspace


class FixArguments(WorkArguments, kw_only=True):
    """Arguments of `fix`; at least one of the first four."""

    failing_tests: Annotated[str | None, Meta(description="Which tests fail, with their output.")] = None
    error_output: Annotated[str | None, Meta(description="What was printed when it failed.")] = None
    context_files: Annotated[Paths | None, Meta(description="Files to look at.")] = None
    symptoms: Annotated[str | None, Meta(description="What is seen to be wrong.")] = None
    apply: Annotated[
        bool, Meta(description="Mend it in the workspace, under approval; otherwise it is only proposed.")
    ] = False


class Fix(Part):
    """One cause, and how it is removed."""

    problem: str
    solution: str
    files_to_change: list[CodeChange]
    root_cause: str
    prevention: str


class Fixes(Part):
    """What the model answers."""

    fixes: list[Fix]
    diagnostic_steps: list[str]
    quick_fix_available: bool
    estimated_fix_time: str
    related_issues: list[str]


class FixResponse(Answer):
    """Fixes: proposed, or (`applied`) made; `changes` are then all that differ on the disk."""

    fixes: list[Fix]
    diagnostic_steps: list[str]
    quick_fix_available: bool
    estimated_fix_time: str
    related_issues: list[str]
    applied: bool
    changes: list[CodeChange]
    denied_approvals: list[DeniedApproval]


async def fix(call: CallContext, arguments: FixArguments) -> FixResponse:
    if not any((arguments.failing_tests, arguments.error_output, arguments.context_files, arguments.symptoms)):
        raise CallerError(
            "give at least one of `failing_tests`, `error_output`, `context_files` and `symptoms`",
            code="invalid_arguments",
        )
    root = workspace(call, arguments)
    message = prompt(
        call,
        "fix_apply" if arguments.apply else "fix",
        ("failing tests", arguments.failing_tests or ""),
        ("error output", arguments.error_output or ""),
        ("symptoms", arguments.symptoms or ""),
        *((f"file to look at, {file.path}", file.text) for file in read_files(arguments.context_files, root)),
    )
    before = await look_at(root) if arguments.apply else None
    answer, done = await work(call, arguments, message, Fixes, apply=arguments.apply)
    fixes, changes = answer.fixes, list[CodeChange]()
    if before is not None:
        changes = await before.changes([change for each in fixes for change in each.files_to_change])
        made = {change.file: change for change in changes}
        fixes = [
            structs.replace(each, files_to_change=[made[c.file] for c in each.files_to_change if c.file in made])
            for each in fixes
        ]
    return FixResponse(
        fixes=fixes,
        diagnostic_steps=answer.diagnostic_steps,
        quick_fix_available=answer.quick_fix_available,
        estimated_fix_time=answer.estimated_fix_time,
        related_issues=answer.related_issues,
        applied=arguments.apply,
        changes=changes,
        denied_approvals=done.denied,
    )


TOOL = Tool(
    "fix",
    "Fix a failure",
    "Have Codex find out why something fails and propose the fix, or with `apply` make it in the workspace, under "
    "approval. Without `apply` nothing is changed.",
    FixArguments,
    FixResponse,
    handler(fix),
    fail=fail,
    destructive=True,
    open_world=True,
)
