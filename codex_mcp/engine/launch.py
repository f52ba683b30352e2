"""Starts an engine process. Light: this runs before the event loop is loaded.

The process gets a session of its own, so that Ctrl-C in a terminal reaches the server alone, which then ends the
engine in order.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Sequence

from codex_mcp.engine.home import CodexHome
from codex_mcp.engine.locate import EngineBinary, find_engines
from codex_mcp.engine.opening import opening
from codex_mcp.engine.orphans import MARK, adopt_orphans, end_commands, new_mark
from codex_mcp.engine.recursion import own_entries

# What clients of the v1 interface and of the MCP tools cannot see and would be hurt by is off: turns that the
# engine starts by itself (goals), threads that nobody asked for (sub-agents). What they expect is on: the plan tool.
DEFAULT_FLAGS = ("features.goals=false", "features.multi_agent=false", "tools.update_plan={enabled=true}")
# Milliseconds for which a turn waits for MCP servers that are starting, unless config.toml says how long. The engine's
# own second is less than a hosted server takes; then its tools are missing without a word.
_GRACE = "mcp_optional_startup_grace_ms"
_GRACE_MS = 10_000
_UNKNOWN_TO_SOME = ("tools.update_plan={enabled=true}",)  # of the engines: a strict one would not start

STRICT = "--strict-config"

_PROXIES = ("http_proxy", "https_proxy", "all_proxy")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")  # never asked for through a proxy, which would look on its own machine


class EngineProcess:
    """A started engine: its process and the descriptors of its pipes, which the owner has to close."""

    def __init__(self, binary: EngineBinary, process: subprocess.Popen[bytes], mark: str) -> None:
        """`mark`: what its environment carries, and that of the commands it runs."""
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self.binary = binary
        self.stdin_fd = os.dup(process.stdin.fileno())
        self.stdout_fd = os.dup(process.stdout.fileno())
        self.stderr_fd = os.dup(process.stderr.fileno())
        for pipe in (process.stdin, process.stdout, process.stderr):
            pipe.close()
        self._process = process
        self._mark = mark
        adopt_orphans(process.pid)

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait(self) -> int:
        """Wait, blocking, for the process to end; its exit status (negative: a signal)."""
        return self._process.wait()

    def discard(self) -> None:
        """End a process that nobody is connected to."""
        for fd in (self.stdin_fd, self.stdout_fd, self.stderr_fd):
            os.close(fd)
        self.kill()
        self.wait()
        self.end_commands()

    def end_commands(self) -> None:
        """End what the process left running; call it when the process is gone."""
        end_commands(self.pid, self._mark)

    def kill(self) -> None:
        """End the process and its group at once."""
        if self._process.poll() is not None:
            return
        if sys.platform == "win32":  # untested
            self._process.kill()
            return
        import signal

        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)


def start_engine(binary: EngineBinary, home: CodexHome, overrides: Sequence[str] = ()) -> EngineProcess:
    """Start `codex app-server` in its home and write its opening.

    `overrides` are `key=value` settings, stronger than config.toml and DEFAULT_FLAGS; STRICT among them has the engine
    refuse settings that it does not know. Raises OSError if the binary cannot be run.
    """
    strict = STRICT in overrides
    defaults = [flag for flag in DEFAULT_FLAGS if not strict or flag not in _UNKNOWN_TO_SOME]
    if not strict and not home.mentions(_GRACE.encode()):
        defaults.append(f"{_GRACE}={_GRACE_MS}")
    flags = [*defaults, *_without_own_entries(home), *overrides]
    policies = [flag.partition("=")[2].strip("\"' ") for flag in overrides if _is_policy(flag)]
    if (policies[-1] if policies else home.refused_policy()) == "untrusted":
        # engines from 0.154 on exit over it as a default: it is given with each conversation
        flags = [*(flag for flag in flags if not _is_policy(flag)), "approval_policy=on-request"]
    arguments = [binary.path]
    for flag in flags:
        arguments += [flag] if flag == STRICT else ["-c", flag]
    mark = new_mark()
    environment = {**binary.environment(_environment(home)), MARK: mark}
    process = subprocess.Popen(
        [*arguments, "app-server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        env=environment,
        cwd=home.existing_cwd(),
        start_new_session=True,
    )
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):  # it has ended already: whoever serves it will say why
        process.stdin.write(opening())
    return EngineProcess(binary, process, mark)


def _without_own_entries(home: CodexHome) -> list[str]:
    """A flag that switches off what would start this server again. One table: `-c` takes no dot in a dotted name."""
    entries = own_entries(home)
    if not entries:
        return []
    import json

    tables = ",".join(f"{json.dumps(name, ensure_ascii=False)}={{enabled=false}}" for name in entries)
    return [f"mcp_servers={{{tables}}}"]


def _is_policy(flag: str) -> bool:
    return flag.partition("=")[0].strip() == "approval_policy"


def _environment(home: CodexHome) -> dict[str, str]:
    """What the engine gets of its home's environment, and what it needs besides."""
    environment = {**home.environment, "NO_COLOR": "1"}
    environment.pop("RUST_BACKTRACE", None)  # pages of frames behind the one line that says what is wrong
    if any(name.lower() in _PROXIES for name in environment):
        for name in ("NO_PROXY", "no_proxy"):
            hosts = [environment[name]] if environment.get(name) else []
            environment[name] = ",".join([*hosts, *_LOOPBACK])
    return environment


def try_start_engine(named: str | None, home: CodexHome, overrides: Sequence[str] = ()) -> EngineProcess | None:
    """Start the best engine there is, early. `None` if none can be: the supervisor will say why."""
    binaries = find_engines(named)
    if not binaries:
        return None
    try:
        return start_engine(binaries[0], home, overrides)
    except OSError:
        return None
