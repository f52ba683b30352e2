"""The script of the offline model: replies, each a list of steps; one reply answers one request of the engine.

A step is an object with one key that names what the model does:

    {"say": "Hello", "pieces": 3, "delay": 0.1}         answer, streamed in pieces; `unfinished`: it breaks off
    {"think": ["**Plan** first…"], "raw": "…"}          reasoning summary, by section; raw reasoning
    {"run": "ls -l", "id": "call_1", "ask": "why"}      run a command; `ask`: outside the sandbox, for that reason
    {"patch": "*** Begin Patch…", "id": "call_2"}       apply a patch
    {"plan": [{"step": "…", "status": "pending"}]}      update the plan
    {"view_image": "shot.png"}  {"search": "…"}
    {"call_tool": {"server": "…", "tool": "…", "arguments": {}}}
    {"search_tools": "what for"}                        look for tools that the engine offers only to who searches
    {"function": "name", "arguments": {}}               any function call, as it is; `namespace`: of the function
    {"wait": 1.5}                                       say nothing for that many seconds
    {"fail": 500, "message": "…"}                       answer with that HTTP status; must come first
    {"error": "code", "message": "…"}                   fail in mid-stream
    {"cut": true}                                       break the connection
    {"stop": "max_output_tokens"}                       end incompletely
    {"usage": {"input_tokens": 100, "output_tokens": 20}}
    {"limits": {"primary": {"used_percent": 12.5, "window_minutes": 300}}}
"""

from __future__ import annotations

import json
import os
import pathlib
import stat
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from codex_mcp.errors import CallerError


class _Step(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Say(_Step):
    """A message of the agent, streamed in `pieces` with `delay` seconds between them; `unfinished`: never completed."""

    say: str
    pieces: int = Field(default=1, ge=1)
    delay: float = 0.0
    unfinished: bool = False


class Think(_Step):
    """Reasoning: a summary by section and, optionally, the raw text."""

    think: list[str]
    raw: str | None = None
    pieces: int = Field(default=1, ge=1)
    delay: float = 0.0

    @field_validator("think", mode="before")
    @classmethod
    def _one_section(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value


class Run(_Step):
    """A command: a line for the shell, or an argv. `yield_ms`: how long the model waits for it."""

    run: str | list[str]
    id: str | None = None
    cwd: str | None = None
    ask: str | None = None
    yield_ms: int | None = None


class Patch(_Step):
    """A patch in the engine's patch format."""

    patch: str
    id: str | None = None


class Plan(_Step):
    """The plan, with an explanation."""

    plan: list[dict[str, str]]
    explanation: str | None = None
    id: str | None = None


class ViewImage(_Step):
    """Look at an image file."""

    view_image: str
    id: str | None = None


class Search(_Step):
    """A web search that the provider makes by itself."""

    search: str


class ToolCall(BaseModel):
    """A tool of an MCP server."""

    server: str
    tool: str
    arguments: dict[str, Any] = Field(default_factory=dict)


class CallTool(_Step):
    """Call a tool of an MCP server that the engine has configured."""

    call_tool: ToolCall
    id: str | None = None


class SearchTools(_Step):
    """Look for tools: engines offer those of MCP servers to some models only when they are searched for."""

    search_tools: str
    limit: int | None = None
    id: str | None = None


class Function(_Step):
    """A function call as it is: `arguments` may be a string that is not JSON."""

    function: str
    namespace: str | None = None
    arguments: dict[str, Any] | str = Field(default_factory=dict)
    id: str | None = None


class Wait(_Step):
    """Silence."""

    wait: float


class Fail(_Step):
    """An HTTP error instead of an answer."""

    fail: int
    message: str = "scripted failure"
    type: str = "server_error"


class StreamError(_Step):
    """The answer fails in mid-stream."""

    error: str
    message: str = "scripted failure"


class Cut(_Step):
    """The connection breaks."""

    cut: Literal[True]


class Stop(_Step):
    """The answer ends incompletely, for that reason."""

    stop: str


class Usage(_Step):
    """Tokens that the answer reports."""

    usage: dict[str, int]


class Window(BaseModel):
    """A rate limit."""

    used_percent: float
    window_minutes: int | None = None
    resets_at: int | None = None


class Limits(_Step):
    """Rate limits that the answer reports; must come first."""

    limits: dict[Literal["primary", "secondary"], Window]


Step = (
    Say
    | Think
    | Run
    | Patch
    | Plan
    | ViewImage
    | Search
    | CallTool
    | SearchTools
    | Function
    | Wait
    | Fail
    | StreamError
    | Cut
    | Stop
    | Usage
    | Limits
)


class Reply(BaseModel):
    """Answers one request of the engine: the next one, or the next whose newest input contains `when`."""

    model_config = ConfigDict(extra="forbid")

    steps: list[Annotated[Step, Field(union_mode="left_to_right")]]
    when: str | None = None

    @classmethod
    def failing(cls, message: str) -> Reply:
        """An answer that is an error, and not to be tried again."""
        return cls(steps=[StreamError(error="invalid_prompt", message=message)])


_REPLY = TypeAdapter(Reply)


def parse_script(replies: list[Any]) -> list[Reply]:
    """A list of replies: each a list of steps, or `{"when": "…", "steps": […]}`.

    Raises CallerError (code `invalid_script`) naming the reply that is wrong.
    """
    parsed = []
    for number, reply in enumerate(replies, start=1):
        try:
            parsed.append(_REPLY.validate_python({"steps": reply} if isinstance(reply, list) else reply))
        except RecursionError:
            raise CallerError(f"offline script: reply {number}: nested too deeply", code="invalid_script") from None
        except ValidationError as error:
            known = {key for step in Step.__args__ for key in step.model_fields}
            steps = reply if isinstance(reply, list) else reply.get("steps", []) if isinstance(reply, dict) else []
            odd = [step for step in steps if not isinstance(step, dict) or not known.issuperset(step)]
            what = f"unknown step {odd[0]!r}" if odd else _problem(reply, error)
            raise CallerError(f"offline script: reply {number}: {what}", code="invalid_script") from None
    return parsed


def _problem(reply: Any, error: ValidationError) -> str:
    """What is wrong with a reply whose steps are known."""
    if isinstance(reply, dict) and "steps" not in reply:
        like = json.dumps([reply], ensure_ascii=False)
        return f"this is a step, or no reply at all: a reply is a list of steps, as in [{like}]"
    if not isinstance(reply, (dict, list)):
        return f"{reply!r} is no list of steps"
    first = error.errors(include_url=False)[0]
    where = [part for part in first["loc"] if isinstance(part, int) or str(part).islower()]
    return f"{'.'.join(map(str, where))}: {first['msg']}"


def load_script(path: str) -> list[Reply]:
    """Read a script file. Raises CallerError if it cannot be read, is not JSON or not a script."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise CallerError(f"offline script: {path} is not a regular file", code="invalid_script")
        replies = json.loads(pathlib.Path(path).read_text(encoding="utf-8"), parse_constant=_refuse_constant)
    except OSError as error:
        raise CallerError(f"offline script: cannot read {path}: {error.strerror}", code="invalid_script") from None
    except RecursionError:
        raise CallerError(f"offline script: {path} is nested too deeply", code="invalid_script") from None
    except ValueError as error:
        raise CallerError(f"offline script: {path} is not JSON: {error}", code="invalid_script") from None
    if not isinstance(replies, list):
        raise CallerError(f"offline script: {path} holds no list of replies", code="invalid_script")
    return parse_script(replies)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")
