"""The chat as a program: reads what is typed until it is over."""

from __future__ import annotations

import pathlib
import sys
from collections.abc import Sequence

import platformdirs
from prompt_toolkit import PromptSession
from prompt_toolkit.completion import WordCompleter
from prompt_toolkit.history import FileHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

from codex_mcp.chat import commands
from codex_mcp.chat.approval import Approver
from codex_mcp.chat.keyboard import Keyboard
from codex_mcp.chat.screen import open_screen
from codex_mcp.chat.session import Chat
from codex_mcp.client import ApprovalRequest, ServerEnded, TurnFailed, start_client
from codex_mcp.protocol.approvals import Decision
from codex_mcp.wire.errors import RpcError

_PROMPT = "› "


async def chat(server: Sequence[str], *, plain: bool, resume: str | None, first: Sequence[str]) -> int:
    """Talk with Codex; `server` are options of the server that is started. Returns the exit status."""
    with open_screen(plain=plain) as screen:
        keyboard = Keyboard()
        approver = Approver(screen, keyboard)

        async def approve(request: ApprovalRequest) -> Decision:
            return await approver.ask(request)

        try:
            async with start_client(server, approve=approve, name="codex-mcp-chat") as client:
                session = Chat(client, screen, keyboard, lines=None if plain or not sys.stdin.isatty() else _editor())
                screen.note("Codex. /help shows the commands; Esc stops what runs, Ctrl-D leaves.")
                if resume is not None:
                    await session.resume(resume)
                await _talk(session, first)
        except ServerEnded as error:
            screen.note(str(error), style="red")
            return 1
        except RpcError as error:
            screen.note(error.message, style="red")
            return 1
    return 0


async def _talk(chat: Chat, first: Sequence[str]) -> None:
    """Read and answer until it is over. `first` are lines as if they had been typed."""
    waiting = list(first)
    while not chat.over:
        try:
            line = waiting.pop(0) if waiting else await chat.read_line(_PROMPT)
        except EOFError:
            return
        except KeyboardInterrupt:
            continue
        if not line.strip():
            continue
        try:
            if line.startswith("/"):
                await commands.run(chat, line)
            else:
                await chat.turn(line)
        except RpcError as error:
            chat.screen.note(error.message, style="red")
        except TurnFailed as error:
            chat.screen.note(str(error), style="red")


def _editor() -> PromptSession[str]:
    """Where lines are typed, with the history of earlier chats."""
    place = pathlib.Path(platformdirs.user_state_dir("codex-mcp-server"), "chat-history")
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    place.touch(mode=0o600)
    keys = KeyBindings()

    @keys.add("escape", "enter")
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    words = WordCompleter([f"/{name}" for name in commands.COMMANDS], sentence=True)
    return PromptSession(
        history=FileHistory(str(place)), key_bindings=keys, completer=words, complete_while_typing=False
    )
