"""`codex-mcp-server demo`: a whole conversation through the server, on the real engine, with a scripted model.

Every step is checked; the exit status is 0 only if all of it really happened.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import json
import os
import pathlib
import shlex
import sys

import anyio

from codex_mcp import __version__, invocation
from codex_mcp.cli.output import colourful, say
from codex_mcp.cli.playground import playground
from codex_mcp.client import ApprovalRequest, ClientConversation, start_client
from codex_mcp.protocol import events as ev
from codex_mcp.protocol.approvals import Decision, ExecCommandApprovalParams
from codex_mcp.wire.errors import PeerClosed, RpcError

_SCRIPT = pathlib.Path(__file__).with_name("demo.json")


def demo(arguments: list[str]) -> int:
    """Run the demo. Returns 0 if every step happened, 1 otherwise."""
    parser = argparse.ArgumentParser(
        prog="codex-mcp-server demo",
        description="Show a whole conversation: the real engine, sandbox and approvals; only the model is scripted.",
    )
    parser.add_argument("--json", action="store_true", help="print the raw messages instead, one JSON object a line")
    parser.add_argument(
        "--mcp", action="store_true", help="open the connection as MCP instead of the app-server dialect"
    )
    parser.add_argument("--codex", metavar="PATH", help="the Codex engine to use")
    options = parser.parse_args(arguments)
    with playground("demo") as root:
        home, workspace, outside = root / "codex-home", root / "workspace", root / "outside.txt"
        home.mkdir()
        workspace.mkdir()
        (workspace / "README.md").write_text("# A workspace\n")
        show = _Screen(quiet=options.json)
        server_arguments = ["--offline", str(_SCRIPT)]
        if options.codex:
            server_arguments += ["--codex", options.codex]
        run = _Demo(show, workspace, outside)
        try:
            anyio.run(run.play, server_arguments, home, options.mcp, _print_wire if options.json else None)
        except (RpcError, PeerClosed) as error:
            run.check(False, f"the server refused: {error}")
    return run.report()


def _print_wire(direction: str, line: bytes) -> None:
    say(json.dumps({"dir": direction, "msg": json.loads(line)}, ensure_ascii=False) + "\n")


_COLOURS = {"dim": "2", "bold": "1", "green": "32", "red": "31", "yellow": "33", "cyan": "36", "blue": "34"}


class _Screen:
    """Prints what happens; in colour on a terminal, plain otherwise."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._colour = colourful()
        self._open_line = False

    def end_line(self) -> None:
        if self._open_line:
            self._write("\n")
            self._open_line = False

    def line(self, text: str = "", colour: str = "") -> None:
        self.end_line()
        self._write(self._paint(text, colour) + "\n")

    def stream(self, lead: str, text: str, colour: str = "") -> None:
        """Text that goes on where the last piece ended."""
        if not self._open_line:
            self._write(self._paint(lead, "dim"))
        self._write(self._paint(text.replace("\n", "\n" + " " * len(lead)), colour))
        self._open_line = True

    def _paint(self, text: str, colour: str) -> str:
        return f"\033[{_COLOURS[colour]}m{text}\033[0m" if self._colour and colour and text else text

    def _write(self, text: str) -> None:
        if not self._quiet:
            say(text)


class _Demo:
    def __init__(self, screen: _Screen, workspace: pathlib.Path, outside: pathlib.Path) -> None:
        self._screen = screen
        self._workspace = workspace
        self._outside = outside
        self._results: list[tuple[bool, str]] = []
        self._asked: list[ApprovalRequest] = []
        self._output = ""

    def check(self, ok: bool, what: str) -> None:
        self._results.append((ok, what))

    async def play(self, server_arguments: list[str], home: pathlib.Path, mcp: bool, trace: object) -> None:
        screen = self._screen
        screen.line(f"codex-mcp-server {__version__}: a conversation with the real Codex engine", "bold")
        screen.line("The model is a script on this machine. No account, no network.\n", "dim")
        environment = {**os.environ, "CODEX_HOME": str(home), "CODEX_MCP_DEMO_OUTSIDE": str(self._outside)}
        async with start_client(
            server_arguments,
            cwd=self._workspace,
            env=environment,
            approve=self._approve,
            mcp=mcp,
            name="demo",
            trace=trace,  # type: ignore[arg-type]
        ) as client:
            conversation = await client.new_conversation(
                cwd=str(self._workspace), approval_policy="untrusted", sandbox="workspace-write"
            )
            screen.line(f"conversation {conversation.id}\n", "dim")
            await self._talk(conversation)
            await self._run_command(conversation)
            await self._apply_patch(conversation)
            await self._interrupt(conversation)

    async def _talk(self, conversation: ClientConversation) -> None:
        seen = await self._turn(conversation, "Hello Codex! Please introduce yourself and make a plan.")
        self.check(seen.count("agent_message_delta") >= 10, "text streamed in pieces")
        self.check("plan_update" in seen, "a plan was made")
        self.check(seen[-1:] == ["task_complete"], "the turn completed")

    async def _run_command(self, conversation: ClientConversation) -> None:
        await self._turn(conversation, "Run a command, please.")
        commands = [request for request in self._asked if isinstance(request, ExecCommandApprovalParams)]
        self.check(len(commands) == 1, "the command was asked for and approved")
        ran = "written in the workspace" in self._output
        self.check(ran, "the command ran and its output was seen")
        self.check((self._workspace / "note.txt").exists(), "it could write in the workspace")
        self.check(ran and not self._outside.exists(), "the sandbox kept it from writing outside")

    async def _apply_patch(self, conversation: ClientConversation) -> None:
        asked = len(self._asked)
        seen = await self._turn(conversation, "Now write a greeting.")
        greeting, readme = self._workspace / "greeting.py", self._workspace / "README.md"
        self.check(len(self._asked) == asked + 1, "the patch was asked for and approved")
        self.check("patch_apply_end" in seen and greeting.exists(), "the approved patch wrote its file")
        self.check("with a greeting" in readme.read_text(), "and changed the other one")

    async def _interrupt(self, conversation: ClientConversation) -> None:
        self._say("You", "Do something that takes long.")
        await conversation.send("Do something that takes long.")
        seen, interrupted = [], False
        async with anyio.create_task_group() as tasks:
            async for event in conversation.until_turn_end():
                seen.append(event.msg.type)
                self._show(event.msg)
                if isinstance(event.msg, ev.ExecCommandOutputDelta) and not interrupted:
                    interrupted = True
                    self._screen.line("  ! interrupt", "yellow")
                    tasks.start_soon(conversation.interrupt)
        self.check(seen[-1:] == ["turn_aborted"], "the interrupt ended the turn and was acknowledged")
        self.check(await has_ended("seq 60", self._workspace), "the interrupted command is gone")

    async def _turn(self, conversation: ClientConversation, message: str) -> list[str]:
        """Send a message and show the turn; the types of its events."""
        self._say("You", message)
        self._output = ""
        seen = []
        async for event in conversation.turn(message):
            seen.append(event.msg.type)
            self._show(event.msg)
        self._screen.line()
        return seen

    def _approve(self, request: ApprovalRequest) -> Decision:
        self._asked.append(request)
        if isinstance(request, ExecCommandApprovalParams):
            self._screen.line("  ? may this command run?  approved (the demo says yes)", "yellow")
        else:
            files = ", ".join(os.path.relpath(path, self._workspace) for path in request.file_changes)
            self._screen.line(f"  ? may {files} be changed?  approved (the demo says yes)", "yellow")
        return "approved"

    def _say(self, who: str, text: str) -> None:
        self._screen.line(f"{who}: {text}", "bold")

    def _show(self, msg: object) -> None:
        screen = self._screen
        match msg:
            case ev.AgentReasoningDelta():
                screen.stream("  · ", msg.delta, "dim")
            case ev.AgentMessageDelta():
                screen.stream("  Codex: ", msg.delta, "cyan")
            case ev.AgentMessage() | ev.AgentReasoning():
                screen.end_line()
            case ev.PlanUpdate():
                for step in msg.plan:
                    screen.line(f"  [{'>' if step.status == 'in_progress' else ' '}] {step.step}", "blue")
            case ev.ExecCommandBegin():
                screen.line(f"  $ {msg.command[-1] if len(msg.command) == 3 else shlex.join(msg.command)}", "bold")
            case ev.ExecCommandOutputDelta():
                text = base64.b64decode(msg.chunk).decode(errors="replace")
                self._output += text
                for line in text.splitlines():
                    screen.line(f"    {line}", "dim")
            case ev.ExecCommandEnd():
                self._output += msg.aggregated_output  # all of it, also what came too late for a piece of its own
                screen.line(f"    exit {msg.exit_code}", "green" if msg.exit_code == 0 else "red")
            case ev.ApplyPatchApprovalRequest():
                self._show_changes(msg)
            case ev.ErrorEvent() | ev.StreamError():
                screen.line(f"  error: {msg.message}", "red")
            case ev.TurnAborted():
                screen.line("  turn aborted", "yellow")
            case _:
                pass

    def _show_changes(self, msg: ev.ApplyPatchApprovalRequest) -> None:
        for path, change in msg.changes.items():
            self._screen.line(f"  ± {os.path.relpath(path, self._workspace)}", "bold")
            body = change.model_dump()
            diff = body.get("update", {}).get("unified_diff") or "".join(
                f"+{line}\n" for line in body.get("add", {}).get("content", "").splitlines()
            )
            for line in diff.splitlines():
                self._screen.line(f"    {line}", {"+": "green", "-": "red"}.get(line[:1], "dim"))

    def report(self) -> int:
        self._screen.line("\nWhat happened, checked:", "bold")
        for ok, what in self._results:
            self._screen.line(f"  {'✓' if ok else '✗'} {what}", "green" if ok else "red")
        failed = [what for ok, what in self._results if not ok]
        if failed:
            advice = f"`{invocation.command('doctor')}` says what is missing here."
            sys.stderr.write(f"\ndemo failed: {'; '.join(failed)}\n{advice}\n")
        return 1 if failed or not self._results else 0


async def has_ended(command: str, cwd: pathlib.Path, seconds: float = 10.0) -> bool:
    """Whether no such process is left, after `seconds` at the latest: on a busy machine the killed take time to die."""
    with anyio.move_on_after(seconds):
        while True:
            if not is_running(command, cwd):
                return True
            await anyio.sleep(0.02)
    return False


def is_running(command: str, cwd: pathlib.Path) -> bool:
    """Whether a process with `command` in its command line works in `cwd` (Linux; elsewhere it is not known)."""
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if command in line and os.readlink(process / "cwd") == str(cwd):
                return True
    return False
