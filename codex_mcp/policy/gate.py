"""The gate: every tool call of the model waits here before it runs, and does not run if anything goes wrong.

The engine runs the hook for each call: a few lines for a POSIX shell, which needs no interpreter of its own to come
up. It puts the call into a file, its number into a named pipe, and waits for one line: `allow`, or why not. Whatever
fails ends with status 2, on which the engine refuses the call. Windows has no such pipes: there a policy is an error.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import pathlib
import shlex
import shutil
import stat
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import anyio

from codex_mcp.policy.load import PolicyError
from codex_mcp.wire.pipes import PipeReceiveStream

log = logging.getLogger(__name__)

# $$ is the number of the shell. It holds the pipe of the answer open for reading before it says that it is there, so
# that nobody has to wait for it; a missing server is a pipe that is not there. The input is read in any case: a hook
# that does not take it could count as one that failed, and then the call would run. Its programs are the system's: the
# user's PATH may lead to places where the model can write.
_HOOK = """PATH=/usr/bin:/bin:/run/current-system/sw/bin; umask 077; d={folder}; f=$d/$$
{first}{{ [ -p "$d/calls" ] && cat >"$f.call"; }} || {{ cat >/dev/null; false; }} && mkfifo "$f.answer" &&
exec 3<>"$f.answer" && echo {mark}$$ 1<>"$d/calls" && read -r a <&3
rm -f "$f.answer" "$f.call"
[ "$a" = allow ] && exit 0
echo "${{a:-the policy gate did not answer}}" >&2
exit 2"""

# A result that cannot be masked is kept from the model: whatever fails says so in its place.
_RESULT_HOOK = """PATH=/usr/bin:/bin:/run/current-system/sw/bin; umask 077; d={folder}; f=$d/$$
{{ [ -p "$d/calls" ] && cat >"$f.call"; }} || {{ cat >/dev/null; false; }} && mkfifo "$f.answer" &&
exec 3<>"$f.answer" && echo $$ 1<>"$d/calls" && read -r a <&3
[ "$a" = reply ] && cat "$f.reply" && rm -f "$f.answer" "$f.call" "$f.reply" && exit 0
rm -f "$f.answer" "$f.call" "$f.reply"
[ "$a" = allow ] || echo '{{"decision":"block","reason":"the policy could not mask this result"}}'"""

GATE_VARIABLE = "CODEX_MCP_GATE"
"""Tells the hook of requirements.toml where the gate of its engine is."""


def _command(script: str) -> str:
    return f"/bin/sh -c {shlex.quote(script)} || exit 2"


# A Codex that this server did not start has no gate: its other requirements hold.
MANAGED_HOOK = _command(
    _HOOK.format(folder=f"${GATE_VARIABLE}", first='[ -n "$d" ] || { cat >/dev/null; exit 0; }\n', mark="m")
)
"""The hook for requirements.toml: the same for every engine."""


@dataclass(frozen=True)
class GateCall:
    """A tool call that waits. Where it comes from and what it is, as the engine says."""

    thread: str
    """The conversation; of a sub-agent, the one that it belongs to."""
    agent: str
    """The thread of a sub-agent, else empty."""
    turn: str
    call: str
    """The engine's id of the call: `itemId` of its approval."""
    tool: str
    arguments: Any
    cwd: str


class Gate:
    """Answers the hook. `answer` decides: None lets the call run, a text is why not. It must come to an end."""

    def __init__(
        self,
        answer: Callable[[GateCall], Awaitable[str | None]],
        mask: Callable[[Any], Any] = lambda result: result,
    ) -> None:
        """`mask` gives what the model reads of a result of a tool. Makes the folder and the pipe. Raises PolicyError
        where there are no named pipes."""
        if sys.platform == "win32":
            raise PolicyError("the gate needs named pipes and a POSIX shell, which this system has not")
        self._answer = answer
        self._mask = mask
        self.managed = False
        """The hook of requirements.toml is in force: where both are run, it alone is listened to."""
        self.folder = _private_folder()
        """Where calls wait; no command may touch it."""
        os.mkfifo(self.folder / "calls", 0o600)
        # held open both ways: it has no end, and who writes never waits
        self._calls = os.open(self.folder / "calls", os.O_RDWR | os.O_NONBLOCK)

    @property
    def hook(self) -> str:
        """The command of the hook."""
        return _command(_HOOK.format(folder=shlex.quote(str(self.folder)), first="", mark=""))

    @property
    def result_hook(self) -> str:
        """The command of the hook for results."""
        script = _RESULT_HOOK.format(folder=shlex.quote(str(self.folder)))
        return f"/bin/sh -c {shlex.quote(script)}"

    async def serve(self) -> None:
        """Answer until cancelled."""
        stream, held = PipeReceiveStream(self._calls), b""
        async with anyio.create_task_group() as tasks:
            while True:
                held += await stream.receive()
                *numbers, held = held.split(b"\n")
                for number in numbers:
                    tasks.start_soon(self._serve_one, number.decode("ascii", "replace"))

    def close(self) -> None:
        """Take the folder away: whoever still waits is refused by the end of the engine."""
        with contextlib.suppress(OSError):
            os.close(self._calls)
        shutil.rmtree(self.folder, ignore_errors=True)

    async def _serve_one(self, line: str) -> None:
        number = line.removeprefix("m")
        if self.managed and number == line:
            self._write(number, "allow")
            return
        reason: str | None = "the policy could not decide"
        try:
            payload = self._payload(number)
            if payload.get("hook_event_name") == "PostToolUse":
                reason = self._masked(number, payload)
            else:
                reason = await self._answer(_call(payload))
        except (ValueError, OSError, KeyError, TypeError) as error:
            log.error("the gate got a call that it cannot read: %s", error)
            reason = "the policy cannot read this call"
        except Exception:
            log.exception("the gate failed")
        finally:
            self._write(number, "allow" if reason is None else " ".join(reason.split()) or "refused by the policy")

    def _payload(self, number: str) -> dict[str, Any]:
        if not number.isdigit():
            raise ValueError(f"{number!r:.40} is no number of a call")
        payload = json.loads((self.folder / f"{number}.call").read_bytes())
        if not isinstance(payload, dict):
            raise TypeError("no object")
        return payload

    def _masked(self, number: str, payload: dict[str, Any]) -> str | None:
        """None if there is nothing to mask in a result; else what the model is to read is in a file."""
        result = payload.get("tool_response")
        masked = self._mask(result)
        if masked == result:
            return None
        told = {"decision": "block", "reason": _as_read(masked)}
        (self.folder / f"{number}.reply").write_text(json.dumps(told))
        return "reply"

    def _write(self, number: str, line: str) -> None:
        """One line of less than a pipe takes at once; nobody waits for it if the call was given up."""
        with contextlib.suppress(OSError, ValueError):
            if not number.isdigit():
                return
            path = self.folder / f"{number}.answer"
            fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
            with os.fdopen(fd, "wb", buffering=0) as pipe:
                if stat.S_ISFIFO(os.fstat(fd).st_mode):
                    pipe.write(line.encode(errors="replace")[:2000] + b"\n")


def _call(payload: dict[str, Any]) -> GateCall:
    return GateCall(
        thread=str(payload["session_id"]),
        agent=str(payload.get("agent_id") or ""),
        turn=str(payload.get("turn_id") or ""),
        call=str(payload.get("tool_use_id") or ""),
        tool=str(payload["tool_name"]),
        arguments=payload.get("tool_input"),
        cwd=str(payload["cwd"]),
    )


def _as_read(result: Any) -> str:
    """A result of an MCP tool as a model reads it: its texts, or JSON."""
    content = result.get("content") if isinstance(result, dict) else None
    blocks = content if isinstance(content, list) else [result]
    return "\n".join(
        block["text"] if isinstance(block, dict) and isinstance(block.get("text"), str) else json.dumps(block)
        for block in blocks
    )


def _private_folder() -> pathlib.Path:
    """A new folder for this user alone, where sandboxed commands cannot write by default."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    state = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    for base in (runtime, os.path.join(state, "codex-mcp-server", "run")):
        if base:
            with contextlib.suppress(OSError):
                os.makedirs(base, mode=0o700, exist_ok=True)
                return pathlib.Path(tempfile.mkdtemp(prefix="codex-mcp-gate-", dir=base)).resolve()
    raise PolicyError("there is no place for the gate: neither XDG_RUNTIME_DIR nor ~/.local/state can be written")
