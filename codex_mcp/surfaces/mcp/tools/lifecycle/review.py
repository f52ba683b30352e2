"""`review`: what is wrong with diffs or files; of a repository's own changes, by the engine's review."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta

from codex_mcp.errors import CallerError
from codex_mcp.surfaces.mcp.context import CallContext
from codex_mcp.surfaces.mcp.tools.declare import Tool
from codex_mcp.surfaces.mcp.tools.lifecycle.briefs import listed
from codex_mcp.surfaces.mcp.tools.lifecycle.files import read_files
from codex_mcp.surfaces.mcp.tools.lifecycle.forms import Answer, Part, Score10, WorkArguments
from codex_mcp.surfaces.mcp.tools.lifecycle.work import engine_review, fail, handler, prompt, work, workspace
from codex_mcp.wire.messages import JsonObject

_RUBRIC = ("security", "performance", "maintainability", "readability", "testing")
_TARGETS = "`diffs`, `files`, `uncommitted`, `base_branch` or `commit`"


class ReviewArguments(WorkArguments, kw_only=True):
    """Arguments of `review`."""

    content: Annotated[
        dict[str, Any],
        Meta(
            description='What to review: {"diffs": [text]}, {"files": [path or {name, content}]}, or of the repository '
            '{"uncommitted": true}, {"base_branch": name}, {"commit": sha}.'
        ),
    ]
    rubric: Annotated[list[str] | None, Meta(description=f"By what; {', '.join(_RUBRIC)} if not given.")] = None
    focus_areas: Annotated[list[str] | None, Meta(description="What to look at most.")] = None


class ReviewComment(Part):
    """A finding, with its evidence."""

    file: str
    line_range: str
    severity: Literal["info", "warning", "error", "critical"]
    category: str
    message: str
    suggestion: str | None


class Review(Part):
    """What the model answers."""

    overall_rating: Literal["excellent", "good", "needs_work", "critical_issues"]
    comments: list[ReviewComment]
    security_score: Score10
    performance_score: Score10
    maintainability_score: Score10
    summary: str
    recommendations: list[str]


class ReviewResponse(Answer):
    """A review."""

    overall_rating: Literal["excellent", "good", "needs_work", "critical_issues"]
    comments: list[ReviewComment]
    security_score: Score10
    performance_score: Score10
    maintainability_score: Score10
    summary: str
    recommendations: list[str]


async def review(call: CallContext, arguments: ReviewArguments) -> ReviewResponse:
    target = _engine_target(arguments.content)
    by = [*listed("by what to judge", arguments.rubric or _RUBRIC), *listed("focus", arguments.focus_areas)]
    if target is not None:
        thread_id = await engine_review(call, arguments, target)
        answer, _ = await work(call, arguments, prompt(call, "review_findings", *by), Review, thread_id=thread_id)
    else:
        material = _material(arguments.content, workspace(call, arguments))
        answer, _ = await work(call, arguments, prompt(call, "review", *material, *by), Review)
    return ReviewResponse(**{name: getattr(answer, name) for name in answer.__struct_fields__})


def _engine_target(content: JsonObject) -> JsonObject | None:
    """What the engine's own review is to look at; None if the caller brings the material."""
    match content:
        case {"uncommitted": True}:
            return {"type": "uncommittedChanges"}
        case {"base_branch": str(branch)} if branch:
            return {"type": "baseBranch", "branch": branch}
        case {"commit": str(sha)} if sha:
            return {"type": "commit", "sha": sha}
    return None


def _material(content: JsonObject, root: str) -> list[tuple[str, str]]:
    """Diffs and files, each under its name. Raises CallerError if there are none, or they are something else."""
    diffs, files = content.get("diffs") or [], content.get("files") or []
    if not isinstance(diffs, list) or not isinstance(files, list) or not (diffs or files):
        raise CallerError(f"`content` has {_TARGETS}", code="invalid_arguments")
    material = []
    for number, diff in enumerate(diffs, 1):
        if not isinstance(diff, str) or not diff.strip():
            raise CallerError(f"diff {number} of `content` is no text", code="invalid_arguments")
        material.append((f"diff {number}", diff))
    for file in files:
        match file:
            case str(path):
                [read] = read_files([path], root)
                material.append((f"file {read.path}", read.text))
            case {"name": str(name), "content": str(text)}:
                material.append((f"file {name}", text))
            case _:
                raise CallerError("a file of `content` is a path, or {name, content}", code="invalid_arguments")
    return material


TOOL = Tool(
    "review",
    "Review code",
    "Have Codex review diffs, files, or what a repository has uncommitted, since a branch or in a commit. "
    "Changes nothing.",
    ReviewArguments,
    ReviewResponse,
    handler(review),
    fail=fail,
    read_only=True,
    open_world=True,
)
