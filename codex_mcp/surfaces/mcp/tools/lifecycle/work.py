"""Having Codex do a job and answer in a form: one turn, its structured answer checked, every failure with a code."""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

import anyio
import msgspec

from codex_mcp import error_codes
from codex_mcp.errors import CallerError, CodexMcpError
from codex_mcp.protocol.tools import CodexArguments, DeniedApproval
from codex_mcp.surfaces.mcp.context import CallContext
from codex_mcp.surfaces.mcp.results import as_data, failed_turn, texts
from codex_mcp.surfaces.mcp.structured import InvalidAnswer
from codex_mcp.surfaces.mcp.tools.inline import inline
from codex_mcp.surfaces.mcp.tools.lifecycle import briefs
from codex_mcp.surfaces.mcp.tools.lifecycle.disk import Change, Snapshot
from codex_mcp.surfaces.mcp.tools.lifecycle.forms import Answer, CodeChange, Part, WorkArguments
from codex_mcp.surfaces.mcp.turns import ToolTurn
from codex_mcp.wire.messages import JsonObject

_DEFAULT_LIMIT = 600.0
_RETRYABLE = {
    "conflict",
    "engine_error",
    "engine_lost",
    "engine_unavailable",
    "invalid_answer",
    "limit_reached",
    "provider_error",
    "timeout",
}

P = TypeVar("P", bound=Part)
A = TypeVar("A", bound=WorkArguments)


class JobFailed(CodexMcpError):
    """The turn did not come to an answer. `thread_id` names it, if there is one."""

    def __init__(self, code: str, message: str, thread_id: str, *, side_effects: bool) -> None:
        super().__init__(message, code=code)
        self.thread_id = thread_id
        self.side_effects = side_effects


@dataclass(frozen=True)
class Done:
    """A job that was done: the thread it was done in, and what was not allowed in it."""

    thread_id: str
    denied: list[DeniedApproval]


def time_limit(arguments: WorkArguments, *, variable: str = "TOOL_DEFAULT_TIMEOUT") -> float:
    """Seconds: of the call, else of the environment variable, else 600. Raises CallerError for a bad variable."""
    if arguments.timeout_seconds is not None:
        return arguments.timeout_seconds
    text = os.environ.get(variable)
    if text is None:
        return _DEFAULT_LIMIT
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise CallerError(f"{variable} has to be a number of seconds above 0, not {text!r}", code="invalid_variable")
    return seconds


def workspace(call: CallContext, arguments: WorkArguments) -> str:
    """The directory that the job is about."""
    return call.connection.agent.home.absolute(arguments.cwd or call.conversations.defaults.cwd or ".")


async def work(
    call: CallContext,
    arguments: WorkArguments,
    message: str,
    form: type[P],
    *,
    apply: bool = False,
    thread_id: str = "",
    limit: float | None = None,
) -> tuple[P, Done]:
    """Have Codex do what `message` says and answer as a `form`. Read-only, and nobody is asked anything, unless it is
    to `apply` what it does: then it works in the workspace under the approvals of the `codex` tool.

    Raises JobFailed, InvalidAnswer, and what the bridge does.
    """
    seconds = time_limit(arguments) if limit is None else limit
    turn_arguments = CodexArguments(
        prompt=message,
        cwd=workspace(call, arguments),
        model=arguments.model,
        sandbox="workspace-write" if apply else "read-only",
        approval_policy="on-request" if apply else "never",
        output_schema=schema_of(form),
    )
    with call.signs_of_life() as progress:
        turn = ToolTurn(call.mcp.turns, progress, call.id, thread_id)
        if call.on_turn is not None:
            call.on_turn(turn)
        await _finish(turn, turn.run(turn_arguments), seconds, apply=apply)
    try:
        answer = decode(turn.report.message, form)
    except InvalidAnswer as error:
        raise JobFailed(error.code, error.message, turn.thread_id, side_effects=apply) from None
    return answer, Done(turn.thread_id, turn.denied)


async def engine_review(call: CallContext, arguments: WorkArguments, target: JsonObject) -> str:
    """Have the engine make its own review of `target`; the thread it was made in. Raises JobFailed."""
    seconds = time_limit(arguments)
    turn_arguments = CodexArguments(
        prompt="",
        cwd=workspace(call, arguments),
        model=arguments.model,
        sandbox="read-only",
        approval_policy="never",
    )
    with call.signs_of_life() as progress:
        turn = ToolTurn(call.mcp.turns, progress, call.id)
        await _finish(turn, turn.run(turn_arguments, target), seconds, apply=False)
    return turn.thread_id


async def _finish(turn: ToolTurn, running: Awaitable[None], seconds: float, *, apply: bool) -> None:
    """Wait for the end of a turn, no longer than `seconds`. Raises JobFailed if it is not a good one."""
    try:
        with anyio.move_on_after(seconds) as scope:
            await running
    except CodexMcpError as error:
        raise JobFailed(error.code, error.message, turn.thread_id, side_effects=apply and turn.accepted) from None
    if scope.cancelled_caught:
        reason = f"The time limit of {seconds:g} seconds is over: the turn was stopped."
        raise JobFailed("timeout", reason, turn.thread_id, side_effects=apply)
    if turn.status != "completed":
        code, reason = failed_turn(turn)
        raise JobFailed(code, reason, turn.thread_id, side_effects=apply)


def decode(text: str, form: type[P]) -> P:
    """The model's answer as what was asked for. Raises InvalidAnswer: nothing is patched up."""
    if not text.strip():
        raise InvalidAnswer("the model gave no answer")
    try:
        return msgspec.json.decode(text, type=form)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise InvalidAnswer(f"the model's answer is not in the form that was asked for: {error}") from None


@cache
def schema_of(form: type[Part]) -> JsonObject:
    """The JSON Schema that the engine gives the model: closed, and every field required."""
    return inline(form, keep_null=True)


# -- changes on the disk


class Workspace:
    """The workspace of a job that applies what it does; it is looked at before and after."""

    def __init__(self, root: str) -> None:
        self._snapshot = Snapshot(root)
        self._root = root

    async def changes(self, told: list[CodeChange]) -> list[CodeChange]:
        """What is on the disk now, with what the model said of it."""
        found: list[Change] = await anyio.to_thread.run_sync(self._snapshot.changes)
        said = {os.path.normpath(os.path.join(self._root, change.file)): change for change in told}
        changes = []
        for change in found:
            entry = said.get(os.path.normpath(os.path.join(self._root, change.path)))
            changes.append(
                CodeChange(
                    file=change.path,
                    action=change.action,  # type: ignore[arg-type]
                    diff=change.diff,
                    explanation=entry.explanation if entry is not None else "",
                    line_numbers=entry.line_numbers if entry is not None else None,
                )
            )
        return changes


async def look_at(root: str) -> Workspace:
    """Remember how the workspace looks now."""
    return await anyio.to_thread.run_sync(Workspace, root)


# -- results


def fail(code: str, message: str) -> JsonObject:
    """A call that was refused before anything ran."""
    return _failure(code, message, "", side_effects=False)


def _failure(code: str, message: str, thread_id: str, *, side_effects: bool) -> JsonObject:
    advice = error_codes.advice(code)
    error = {
        "code": code,
        "message": message,
        **({"advice": advice} if advice else {}),
        "retryable": code in _RETRYABLE,
        "mayHaveSideEffects": side_effects,
        **({"threadId": thread_id} if thread_id else {}),
    }
    data = {"error": error}
    return {"content": texts(json.dumps(data, ensure_ascii=False)), "structuredContent": data, "isError": True}


def handler(
    run: Callable[[CallContext, Any], Awaitable[Answer]],
) -> Callable[[CallContext, Any], Awaitable[JsonObject]]:
    """A tool's handler: its answer as data, its failures with a code, whether to try again, what may have happened."""

    async def handle(call: CallContext, arguments: Any) -> JsonObject:
        with call.mcp.record.request() as request:
            try:
                return as_data(await run(call, arguments))
            except JobFailed as error:
                request.failed = True
                return _failure(error.code, error.message, error.thread_id, side_effects=error.side_effects)
            except CodexMcpError as error:
                request.failed = True
                return _failure(error.code, error.message, "", side_effects=False)

    return handle


def prompt(call: CallContext, name: str, *inputs: tuple[str, str]) -> str:
    """The message for a job: its brief, from the user's directory if there is one, and the inputs."""
    return briefs.prompt(name, call.mcp.options.prompts, inputs)
