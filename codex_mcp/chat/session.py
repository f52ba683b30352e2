"""One chat: its conversation, the settings that were chosen, and its turns."""

from __future__ import annotations

import asyncio
import os
import sys

import anyio
from prompt_toolkit import PromptSession

from codex_mcp.chat.keyboard import Keyboard
from codex_mcp.chat.screen import Screen
from codex_mcp.chat.transcript import Transcript
from codex_mcp.client import ClientConversation, CodexClient
from codex_mcp.client.settings import ConversationSettings
from codex_mcp.protocol.input_items import InputItem, local_image, text


class Chat:
    """One chat, over as many conversations as its user wants."""

    def __init__(
        self, client: CodexClient, screen: Screen, keyboard: Keyboard, *, lines: PromptSession[str] | None
    ) -> None:
        """`lines` reads what is typed; None: lines of stdin."""
        self.client = client
        self.screen = screen
        self.transcript = Transcript(screen, reasoning=False)
        self.images: list[str] = []
        """Go with the next message."""
        self.over = False
        self._keyboard = keyboard
        self._lines = lines
        self._settings: ConversationSettings = {}
        self._changed = False
        self._conversation: ClientConversation | None = None

    @property
    def model(self) -> str:
        """The one that answers."""
        if self._conversation is None:
            return self._settings.get("model") or ""
        return self._conversation.info.model

    def status(self) -> dict[str, str]:
        """What there is to know, by name."""
        conversation = self._conversation
        return {
            "conversation": conversation.id if conversation is not None else "none yet",
            "model": self.model or "as configured",
            "sandbox": self._settings.get("sandbox") or "as configured",
            "approvals": self._settings.get("approval_policy") or "as configured",
            "directory": os.getcwd(),
            "tokens": str(self.transcript.tokens),
        }

    async def begin(self) -> None:
        """A new conversation, with the settings that were chosen."""
        self._conversation = await self.client.new_conversation(**self._settings)
        self._changed = False

    async def resume(self, id: str) -> None:
        """Go on with a conversation, showing what was said in it."""
        self._conversation = await self.client.resume_conversation(id, **self._settings)
        self._changed = False
        self.transcript.replay(self._conversation.history)

    def change(self, **settings: str) -> None:
        """Choose settings; they count from the next message on."""
        self._settings = ConversationSettings(**{**self._settings, **settings})  # type: ignore[typeddict-item]
        self._changed = True
        self.screen.note("from the next message on")

    async def turn(self, message: str) -> None:
        """Say something, and show what comes of it."""
        if self._conversation is None:
            await self.begin()
        elif self._changed:  # the same conversation, with other settings
            self._conversation = await self.client.resume_conversation(self._conversation.id, **self._settings)
            self._changed = False
        conversation = self._conversation
        assert conversation is not None
        items: list[InputItem] = [text(message), *map(local_image, self.images)]
        self.images.clear()
        async with anyio.create_task_group() as tasks:

            def stop() -> None:
                tasks.start_soon(conversation.interrupt)

            with self._keyboard.watch(stop):
                async for event in conversation.turn(items):
                    self.transcript.show(event)

    async def read_line(self, prompt: str) -> str:
        """A line from the user. Raises EOFError at the end of the input, KeyboardInterrupt for Ctrl-C."""
        if self._lines is not None:
            typed: str = await self._lines.prompt_async(prompt)
            return typed
        line: str = await asyncio.to_thread(sys.stdin.readline)
        if not line:
            raise EOFError
        return line.rstrip("\n")
