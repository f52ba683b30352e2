"""A conversation without any library: the interface as it is, in sixty lines.

python examples/plain.py "What does this repository do?"
python examples/plain.py "Hello" --offline examples/hello.json      (options of the server behind the message)
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any


class Codex:
    """A server: one JSON object per line in, one per line out."""

    def __init__(self, *options: str) -> None:
        command = ["codex-mcp-server", *options]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")
        self.requests = 0

    def send(self, **message: Any) -> None:
        """Write one message."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()

    def read(self) -> dict[str, Any]:
        """The next message. Raises EOFError when the server is gone."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise EOFError(f"the server ended with status {self.process.wait()}")
        message: dict[str, Any] = json.loads(line)
        return message

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method and wait for its result; before the first turn nothing else comes in between."""
        self.requests += 1
        self.send(id=self.requests, method=method, params=params)
        while (answer := self.read()).get("id") != self.requests or "method" in answer:
            pass
        if "error" in answer:
            raise RuntimeError(answer["error"]["message"])
        result: dict[str, Any] = answer["result"]
        return result


def main(text: str, *options: str) -> None:
    """Send one message, and print what comes of it."""
    codex = Codex(*options)
    codex.call("initialize", clientInfo={"name": "plain-example", "version": "1.0.0"})
    conversation = codex.call("newConversation", sandbox="read-only", approvalPolicy="on-request")["conversationId"]
    codex.call("addConversationListener", conversationId=conversation)
    codex.call("sendUserMessage", conversationId=conversation, items=[{"type": "text", "data": {"text": text}}])
    while True:
        message = codex.read()
        if "id" in message:  # it asks: this example leaves everything as it is
            codex.send(id=message["id"], result={"decision": "denied"})
            continue
        event = message["params"].get("msg", {})
        match event.get("type"):
            case "agent_message_delta":
                print(event["delta"], end="", flush=True)
            case "agent_message":
                print()
            case "exec_command_begin":
                print("$", *event["command"])
            case "error":
                print("error:", event["message"])
            case "task_complete" | "turn_aborted":
                break
    codex.process.communicate()  # ends its input: it finishes and exits


if __name__ == "__main__":
    main(*sys.argv[1:])
