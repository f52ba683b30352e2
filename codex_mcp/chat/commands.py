"""What the chat does when a line begins with a slash: the table at the end."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import get_args

from codex_mcp.chat.session import Chat
from codex_mcp.protocol.choices import ApprovalPolicy, SandboxMode

_PAGE = 10


@dataclass(frozen=True)
class Command:
    """A command, what may follow it, and what it is for."""

    run: Callable[[Chat, str], Awaitable[None]]
    arguments: str
    purpose: str


async def run(chat: Chat, line: str) -> None:
    """Run `/NAME ARGUMENTS`; says so if there is none of that name."""
    name, _, argument = line[1:].partition(" ")
    command = COMMANDS.get(name)
    if command is None:
        chat.screen.note(f"there is no /{name}; /help shows what there is", style="red")
        return
    await command.run(chat, argument.strip())


async def _help(chat: Chat, _argument: str) -> None:
    width = max(len(f"/{name} {command.arguments}") for name, command in COMMANDS.items())
    for name, command in COMMANDS.items():
        chat.screen.note(f"{f'/{name} {command.arguments}':{width}}  {command.purpose}")
    chat.screen.note("Esc stops what runs. Alt-Enter begins a new line.")


async def _new(chat: Chat, _argument: str) -> None:
    await chat.begin()
    chat.screen.note("a new conversation")


async def _resume(chat: Chat, argument: str) -> None:
    if argument:
        await chat.resume(argument)
        return
    page = await chat.client.list_conversations(page_size=_PAGE, model_providers=[])
    if not page.items:
        chat.screen.note("there are no conversations yet")
        return
    for number, item in enumerate(page.items, 1):
        preview = " ".join(item.preview.split())[:60]
        chat.screen.note(f"{number:2}  {item.timestamp or ''}  {preview}")
    answer = await chat.read_line("which one? ")
    if answer.isdigit() and 1 <= int(answer) <= len(page.items):
        await chat.resume(str(page.items[int(answer) - 1].conversation_id))


async def _model(chat: Chat, argument: str) -> None:
    models = await chat.client.models()
    if argument not in {model.model for model in models}:
        if argument:
            chat.screen.note(f"there is no model {argument!r}", style="red")
        for model in models:
            mark = "*" if model.model == chat.model else " "
            chat.screen.note(f"{mark} {model.model}  {model.description}")
        return
    chat.change(model=argument)


async def _sandbox(chat: Chat, argument: str) -> None:
    modes = get_args(SandboxMode)
    if argument not in modes:
        chat.screen.note(f"it is one of {', '.join(modes)}")
        return
    chat.change(sandbox=argument)


async def _approvals(chat: Chat, argument: str) -> None:
    policies = [policy for policy in get_args(ApprovalPolicy) if policy != "on-failure"]
    if argument not in policies:
        chat.screen.note(f"it is one of {', '.join(policies)}")
        return
    chat.change(approval_policy=argument)


async def _image(chat: Chat, argument: str) -> None:
    path = os.path.abspath(os.path.expanduser(argument))
    if not argument or not os.path.isfile(path):
        chat.screen.note(f"there is no file {path}", style="red")
        return
    chat.images.append(path)
    chat.screen.note(f"{path} goes with the next message")


async def _reasoning(chat: Chat, _argument: str) -> None:
    chat.transcript.reasoning = not chat.transcript.reasoning
    chat.screen.note("reasoning is shown whole" if chat.transcript.reasoning else "reasoning is shown by its headings")


async def _status(chat: Chat, _argument: str) -> None:
    for name, value in chat.status().items():
        chat.screen.note(f"{name}: {value}")


async def _quit(chat: Chat, _argument: str) -> None:
    chat.over = True


COMMANDS = {
    "help": Command(_help, "", "this list"),
    "new": Command(_new, "", "begin a new conversation"),
    "resume": Command(_resume, "[ID]", "go on with an earlier one"),
    "model": Command(_model, "[NAME]", "the models, or use one"),
    "sandbox": Command(_sandbox, "MODE", "what commands may touch"),
    "approvals": Command(_approvals, "POLICY", "when you are asked"),
    "image": Command(_image, "PATH", "send an image with the next message"),
    "reasoning": Command(_reasoning, "", "show reasoning whole, or by its headings"),
    "status": Command(_status, "", "conversation, model, settings, tokens"),
    "quit": Command(_quit, "", "leave (or Ctrl-D)"),
}
