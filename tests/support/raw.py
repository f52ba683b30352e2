"""A server process without a client: bytes in, lines out, signals."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import IO, Any

from tests.support.home import Home
from tests.support.processes import processes_of

INITIALIZE = {"id": 1, "method": "initialize", "params": {"clientInfo": {"name": "raw", "version": "1"}}}
MCP_INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}},
}


def lines(*messages: Any) -> bytes:
    return b"".join(json.dumps(message).encode() + b"\n" for message in messages)


class RawServer:
    """Use as a context manager; at the end whatever is left is killed."""

    def __init__(self, home: Home, *arguments: str, stdin: IO[bytes] | int = subprocess.PIPE) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "codex_mcp", *arguments],
            stdin=stdin,
            stdout=subprocess.PIPE,
            cwd=home.workspace,
            env=home.environment(),
            bufsize=0,
        )
        assert self.process.stdout is not None
        self._out = os.fdopen(os.dup(self.process.stdout.fileno()), "rb")
        self._home = home

    def __enter__(self) -> RawServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self._out):
            if stream is not None:
                stream.close()

    def stop_reading(self) -> None:
        """Close our end of its output."""
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._out.close()

    def write(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)

    def send(self, *messages: Any) -> None:
        self.write(lines(*messages))

    def read(self) -> Any:
        return json.loads(self._out.readline())

    def answer(self, id: int | str) -> Any:
        """Read up to the answer of that request."""
        while True:
            message = self.read()
            if message.get("id") == id and "method" not in message:
                return message

    def event(self, kind: str) -> Any:
        """Read up to an event of that type; its `msg`."""
        while True:
            message = self.read()
            if (message.get("params") or {}).get("msg", {}).get("type") == kind:
                return message["params"]["msg"]

    def rest(self) -> list[Any]:
        """Everything up to the end of its output."""
        return [json.loads(line) for line in self._out]

    def end(self) -> int:
        """Close its input and wait; the exit status."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(timeout=10)

    def begin_conversation(self, **params: Any) -> str:
        """Handshake, conversation, listener."""
        self.send(INITIALIZE, {"id": 2, "method": "newConversation", "params": params})
        conversation = self.answer(2)["result"]["conversationId"]
        self.send({"id": 3, "method": "addConversationListener", "params": {"conversationId": conversation}})
        self.answer(3)
        return str(conversation)

    def say(self, conversation: str, text: str = "go") -> None:
        items = [{"type": "text", "text": text}]
        self.send(
            {"id": "say", "method": "sendUserMessage", "params": {"conversationId": conversation, "items": items}}
        )

    def leftovers(self) -> list[str]:
        """Command lines of processes of this home that still run, the server aside."""
        return processes_of(self._home.path)
