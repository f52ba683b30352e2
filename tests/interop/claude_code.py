"""Claude Code against this server: its `claude mcp` commands, and runs of it whose model is a script, too.

    python -m tests.interop.claude_code

No account is needed: Claude Code asks a server on loopback, which answers every conversation with one call of `codex`.
"""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.interop.kit import npm_packages, python_packages
from tests.interop.stage import Report, Stage, stage

CLAUDE_CODE = "@anthropic-ai/claude-code@2.1.329"
TERMINAL = ("pexpect==4.9.0", "pyte==0.8.2")
DRIVER = pathlib.Path(__file__).with_name("clients") / "claude_terminal.py"


class ScriptedModel(ThreadingHTTPServer):
    """Calls `codex` with `arguments`, then says "It is done."; `seen` are the results that it got."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.arguments: dict[str, Any] = {}
        self.seen: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    server: ScriptedModel
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        blocks = [block for message in body["messages"] for block in message["content"] if isinstance(block, dict)]
        results = [str(block["content"]) for block in blocks if block.get("type") == "tool_result"]
        self.server.seen += results
        if results or not body.get("tools"):
            start: Any = {"type": "text", "text": ""}
            delta = {"type": "text_delta", "text": "It is done."}
        else:
            start = {"type": "tool_use", "id": "call", "name": "mcp__codex__codex", "input": {}}
            delta = {"type": "input_json_delta", "partial_json": json.dumps(self.server.arguments)}
        self._stream(body["model"], start, delta)

    def _stream(self, model: str, start: dict[str, Any], delta: dict[str, Any]) -> None:
        usage = {"input_tokens": 1, "output_tokens": 1}
        message = {"id": "m", "type": "message", "role": "assistant", "model": model, "content": [], "usage": usage}
        stop = {"stop_reason": "tool_use" if start["type"] == "tool_use" else "end_turn", "stop_sequence": None}
        events: list[dict[str, Any]] = [
            {"type": "message_start", "message": {**message, "stop_reason": None, "stop_sequence": None}},
            {"type": "content_block_start", "index": 0, "content_block": start},
            {"type": "content_block_delta", "index": 0, "delta": delta},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": stop, "usage": usage},
            {"type": "message_stop"},
        ]
        data = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def scripted_model() -> Iterator[ScriptedModel]:
    """A model that serves until the block ends."""
    with ScriptedModel() as model:
        thread = threading.Thread(target=model.serve_forever)
        thread.start()
        try:
            yield model
        finally:
            model.shutdown()
            thread.join()


class ClaudeCode:
    """Runs Claude Code on a stage, with a home of its own."""

    def __init__(self, on: Stage, model: ScriptedModel) -> None:
        folder = npm_packages("claude-code", CLAUDE_CODE) / "node_modules" / ".bin"
        self._program = str(folder / "claude")
        self._directory = on.workspace
        self._settings = on.root / ".claude.json"
        self._environment = {
            **on.environment,
            "PATH": os.pathsep.join([str(pathlib.Path(on.command[0]).parent), on.environment["PATH"]]),
            "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{model.server_address[1]}",
            "ANTHROPIC_API_KEY": "none",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "ENABLE_TOOL_SEARCH": "false",
        }

    def run(self, *arguments: str) -> str:
        """One run; what it prints."""
        done = subprocess.run(
            [self._program, *arguments],
            cwd=self._directory,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )
        return done.stdout.strip()

    def answer(self, answer: str) -> tuple[int, str]:
        """A session on a terminal, in which the approval is answered so: exit status, checks that were made."""
        settings = json.loads(self._settings.read_text())
        # what a user has said long ago
        settings |= {"hasCompletedOnboarding": True, "customApiKeyResponses": {"approved": ["none"], "rejected": []}}
        for project in settings["projects"].values():
            project["hasTrustDialogAccepted"] = True
        self._settings.write_text(json.dumps(settings))
        plan = {
            "command": [self._program, "--allowedTools", "mcp__codex__codex"],
            "environment": self._environment,
            "workspace": str(self._directory),
            "answer": answer,
        }
        command = [str(python_packages("terminal", *TERMINAL)), str(DRIVER), json.dumps(plan)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=180)
        return done.returncode, done.stdout


def check(claude: ClaudeCode, model: ScriptedModel, on: Stage, report: Report) -> None:
    """Set it up, see it connected, have it call `codex`."""
    report.heading(CLAUDE_CODE)
    home = f"CODEX_HOME={on.home}"
    claude.run("mcp", "add", "codex", "-e", home, "--", "codex-mcp-server", *on.command[1:])
    listed = claude.run("mcp", "list").splitlines()[-1]
    report.check("claude mcp list", "Connected" in listed, listed.rpartition(" - ")[2])
    told = claude.run("mcp", "get", "codex")
    report.check("claude mcp get", "Connected" in told)

    def ask(**arguments: str) -> dict[str, Any]:
        model.arguments = arguments
        said = claude.run("-p", "Have Codex do it.", "--allowedTools", "mcp__codex__codex")
        report.check(f"claude -p, {arguments['prompt']}", said == "It is done.", said)
        return dict(json.loads(model.seen[-1]))

    result = ask(prompt="interop greet")
    seen = result["content"] == "Hello from the script." and bool(result["threadId"])
    report.check("its model sees the answer and the thread", seen, json.dumps(result))
    asking = {"sandbox": "read-only", "approval-policy": "on-request"}
    result = ask(prompt="interop decline", **asking)
    denied = result["deniedApprovals"][0]["because"]
    report.check("without a terminal it dismisses approvals", not (on.workspace / "declined.txt").exists(), denied)
    for answer, word in (("Accept", "approve"), ("Decline", "decline")):
        model.arguments = {"prompt": f"interop {word}", **asking}
        status, checks = claude.answer(answer)
        report.read(checks)
        ran = (on.workspace / f"{word}d.txt").exists()
        report.check(f"{answer} in a session", status == 0 and ran == (answer == "Accept"))
    left = on.leftovers()
    report.check("no process is left", not left, "; ".join(left))


def main() -> int:
    os.environ.pop("PYTHONPATH", None)
    report = Report()
    with stage() as on, scripted_model() as model:
        check(ClaudeCode(on, model), model, on, report)
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
