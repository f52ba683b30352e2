"""A few MCP prompts that show how to delegate to Codex well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from codex_mcp.wire.errors import INVALID_PARAMS, RpcError
from codex_mcp.wire.messages import JsonObject


@dataclass(frozen=True)
class _Prompt:
    name: str
    title: str
    description: str
    arguments: tuple[tuple[str, str, bool], ...]
    """Name, description, required."""
    text: str
    """With `{name}` for each argument; a line with an argument that was not given is left out."""


_PROMPTS = {
    prompt.name: prompt
    for prompt in (
        _Prompt(
            "delegate",
            "Delegate a task to Codex",
            "Have Codex do a task by itself, and check what it did.",
            (
                ("task", "What is to be done.", True),
                ("cwd", "The directory to work in.", False),
                ("checks", "How to tell that it is done: a command, a test.", False),
            ),
            "Delegate this task to Codex with the `codex` tool: {task}\n"
            "Work in the directory {cwd} (argument `cwd`).\n"
            "It is done when this holds: {checks}\n"
            "Codex sees nothing of this conversation. Put into the prompt the goal, the files and facts that matter, "
            "what must not change, and how to check the result. Use `sandbox: workspace-write` if files have to "
            "change, else `read-only`.\n"
            "Read `filesChanged` and `deniedApprovals` of the result, look at the changes yourself, and go on in the "
            "same thread with `codex-reply` and its `threadId` if something is missing. Then sum up what was done.",
        ),
        _Prompt(
            "review",
            "Have Codex review changes",
            "A review by Codex that changes nothing.",
            (
                ("changes", "What to review, for example `git diff main`.", True),
                ("cwd", "The directory of the repository.", False),
                ("focus", "What to look at most.", False),
            ),
            "Have Codex review {changes} with the `codex` tool, `sandbox: read-only` and `approval-policy: never`.\n"
            "The repository is in {cwd} (argument `cwd`).\n"
            "Have it look most at: {focus}\n"
            "Ask it for findings in order of weight, each with file and line, the failure it leads to, and a "
            "suggestion; and to say so if there are none. Check every finding against the code before you report it.",
        ),
        _Prompt(
            "second-opinion",
            "Ask Codex for a second opinion",
            "Codex thinks about a question on its own before it hears your answer.",
            (("question", "The question, with what one has to know to answer it.", True),),
            "Ask Codex this with the `codex` tool, `sandbox: read-only`, and without your own answer: {question}\n"
            "Compare its answer with yours. Where they differ, give Codex your reasons with `codex-reply` in the same "
            "thread and let it object once. Then say what you agree on, what stays open, and what you recommend.",
        ),
    )
}


def list_prompts() -> list[JsonObject]:
    """All prompts, as prompts/list has them."""
    return [
        {
            "name": prompt.name,
            "title": prompt.title,
            "description": prompt.description,
            "arguments": [
                {"name": name, "description": description, "required": required}
                for name, description, required in prompt.arguments
            ],
        }
        for prompt in _PROMPTS.values()
    ]


def get_prompt(name: str, arguments: Any) -> JsonObject:
    """The prompt, filled in. Raises RpcError for an unknown name or wrong arguments."""
    prompt = _PROMPTS.get(name)
    if prompt is None:
        raise RpcError(INVALID_PARAMS, f"unknown prompt {name!r}; there are {', '.join(_PROMPTS)}")
    given = {} if arguments is None else arguments
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise RpcError(INVALID_PARAMS, "`arguments` is an object of strings")
    missing = [name for name, _, required in prompt.arguments if required and not given.get(name)]
    if missing:
        raise RpcError(INVALID_PARAMS, f"the prompt {name!r} needs the argument {', '.join(missing)}")
    text = "\n".join(
        _fill(line, prompt, given)
        for line in prompt.text.split("\n")
        if all(given.get(name) for name, _, _ in prompt.arguments if f"{{{name}}}" in line)
    )
    return {
        "description": prompt.description,
        "messages": [{"role": "user", "content": {"type": "text", "text": text}}],
    }


def _fill(line: str, prompt: _Prompt, given: dict[str, str]) -> str:
    for name, _, _ in prompt.arguments:
        if f"{{{name}}}" in line:
            return line.replace(f"{{{name}}}", given[name])
    return line
