"""The checks in their order, each on its own: one that breaks does not keep the others from being made."""

from __future__ import annotations

import os
import pathlib
import platform
import re
from collections.abc import Awaitable, Callable, Sequence

import anyio

from codex_mcp import __version__, invocation
from codex_mcp.cli.arguments import ServeOptions
from codex_mcp.cli.doctor import clients, provider, servers, trial
from codex_mcp.cli.doctor.report import Report
from codex_mcp.cli.playground import playground
from codex_mcp.engine.home import CodexHome
from codex_mcp.engine.locate import find_engines, install_advice
from codex_mcp.engine.recursion import own_entries
from codex_mcp.engine.short_lived import Notifications, connect
from codex_mcp.errors import CallerError, CodexMcpError, EngineUnavailable
from codex_mcp.wire.errors import PeerClosed, RpcError

_LIMIT = 60.0  # seconds for one check; the longest starts an engine from a cold disk


async def examine(report: Report, arguments: Sequence[str], options: ServeOptions) -> None:
    """Make every check. `arguments` are those that `options` come from."""
    home = CodexHome.of_process()
    report.ok(
        "codex-mcp-server",
        f"{__version__}, run as `{invocation.command()}`, Python {platform.python_version()}, {platform.platform()}",
    )
    _surroundings(report)
    readable = _configuration(report, home, options)
    try:
        with playground("doctor") as root:
            trial_home = trial.make_home(root, home, readable)
            report.show_for(trial_home.path, home.path)
            usable = await _engines(report, options, trial_home)
            if usable and readable:
                await _guarded(report, "provider", lambda: provider.check(report, options, home, trial_home))
                await _guarded(report, "conversation", lambda: trial.converse(report, arguments, trial_home, root))
            await _guarded(report, "MCP", lambda: clients.check_ours(report, arguments, trial_home))
            await _guarded(report, "clients", lambda: clients.check_registered(report, trial_home))
    except CallerError as error:
        report.fail("trial", error.message)
        return
    if usable and readable:
        await _guarded(report, "MCP servers", lambda: servers.check(report, options, home))


async def _guarded(report: Report, what: str, check: Callable[[], Awaitable[None]]) -> None:
    try:
        with anyio.fail_after(_LIMIT):
            await check()
    except TimeoutError:
        report.fail(what, f"no answer within {_LIMIT:.0f} seconds")
    except (CodexMcpError, RpcError, PeerClosed, OSError) as error:
        report.fail(what, str(error), trial.advice(str(error)))


def _surroundings(report: Report) -> None:
    """Variables that change what happens: their names, for a value may be a secret."""
    names = sorted(name for name in os.environ if re.match(r"(CODEX|OPENAI|RUST)_|(HTTPS?|ALL|NO)_PROXY$", name, re.I))
    if names:
        report.ok("environment", ", ".join(names))


def _configuration(report: Report, home: CodexHome, options: ServeOptions) -> bool:
    """Whether config.toml can be read, so that something can be tried with it."""
    if options.cwd is not None and not pathlib.Path(home.absolute(options.cwd)).is_dir():
        advice = "Give a directory that exists. A client that puts it in for a word like ${workspaceFolder} did not."
        report.fail("directory", f"-C {options.cwd}: there is no such directory; no command can run there", advice)
    if not home.path.is_dir():
        report.note("configuration", f"{home.path} does not exist yet", f"`{invocation.command('login')}` makes it.")
        return True
    try:
        config = home.read_config()
    except CallerError as error:
        report.fail("configuration", error.message, "Correct the file: the engine does not start with it.")
        return False
    keys = f" with {', '.join(sorted(config))}" if config else ", without settings"
    report.ok("configuration", f"{home.config_path}{keys}")
    if home.refused_policy():
        report.note(
            home.setting_location("approval_policy"),
            "current engines refuse `untrusted` as the default; this server gives it with each conversation",
        )
    if "profile" in config:
        report.note(
            home.setting_location("profile"), "current engines refuse a default profile: use `-p NAME` of this server"
        )
    for name in own_entries(home):
        report.note(f"mcp_servers.{name}", "runs this server: it is off for the engines that this server starts")
    return True


async def _engines(report: Report, options: ServeOptions, trial_home: CodexHome) -> bool:
    """Whether one of them can be used."""
    found = find_engines(options.codex)
    if not found:
        report.fail("engine", "none was found", install_advice())
    used = False
    overrides = options.engine_overrides
    for binary in found:
        link = None
        failure: CodexMcpError | None = None
        try:
            link = connect(binary, trial_home, Notifications(), overrides)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(link.serve)
                try:
                    await link.handshake()
                except EngineUnavailable as error:  # raised in here it would come in a group
                    failure = error
                await link.stop()
                tasks.cancel_scope.cancel()
        except EngineUnavailable as error:
            failure = error
        if failure is not None or link is None:
            (report.note if used else report.fail)("engine", str(failure), trial.advice(str(failure)))
            continue
        report.ok("engine", f"{link.version}, {binary}" + (", not used" if used else ""))
        used = True
    return used
