"""This server as the official client meets it, and every entry of a client started as that client would start it."""

from __future__ import annotations

import os
import re
import shutil
import sys
import time
from collections.abc import Mapping, Sequence

import anyio

from codex_mcp import invocation
from codex_mcp.cli.doctor.report import Report
from codex_mcp.cli.install import plan
from codex_mcp.cli.install.clients import Client, Machine, clients
from codex_mcp.cli.install.entries import read_command
from codex_mcp.engine.home import CodexHome
from codex_mcp.errors import CallerError

_LIMIT = 20.0  # seconds for the handshake with one entry


async def check_ours(report: Report, arguments: Sequence[str], home: CodexHome) -> None:
    """The handshake with this very program. Raises OSError."""
    found = await _handshake([sys.executable, "-m", "codex_mcp", *arguments], dict(home.environment))
    if isinstance(found, str):
        report.fail("MCP", found)
    else:
        version, tools, seconds = found
        report.ok("MCP", f"version {version}, {', '.join(tools)}, after {seconds:.2f} s")


async def check_registered(report: Report, home: CodexHome) -> None:
    """Every entry of every client that has to do with Codex. `home` is for those that name none."""
    machine = Machine.here()
    for client in clients(machine).values():
        try:
            entries = list(plan.registered(client))
        except CallerError as error:
            report.note(client.title, error.message, "Correct the file: the client cannot read it either.")
            continue
        for entry in entries:
            await _check_entry(report, client, entry, home)
        for file, name in plan.plugin_files(client):
            advice = "Update the plugin, or switch it off."
            report.note(client.title, f"a plugin runs `codex mcp-server`, which is gone, as `{name}`: {file}", advice)


async def _check_entry(report: Report, client: Client, entry: plan.Registered, home: CodexHome) -> None:
    what = f"{client.title}, `{entry.name}` in {entry.place.file}"
    scope = ["--project"] if entry.place == client.project else []
    mend = f"`{invocation.command('install', client.name, *scope, '--write')}` repairs it."
    if entry.found.kind == "dead":
        report.fail(what, "runs `codex mcp-server`, which current releases of Codex do not have", mend)
        return
    if entry.found.kind == "unclear":
        report.note(what, "runs `codex mcp-server` inside of something else", "Put codex-mcp-server there by hand.")
        return
    environment = _environment(client, entry, home)
    command, *words = (_fill(word, environment, home.cwd) for word in read_command(entry.entry))
    program = shutil.which(command, path=environment.get("PATH"))
    if program is None:
        report.fail(what, f"the client finds no `{command}`", mend)
        return
    cwd = entry.entry.get("cwd")
    found = await _handshake([program, *words], environment, cwd if isinstance(cwd, str) else None)
    if isinstance(found, str):
        report.fail(what, found, f"See what it says: `{invocation.command('doctor', *entry.found.flags)}`.")
    else:
        version, tools, seconds = found
        report.ok(what, f"version {version}, {len(tools)} tools, after {seconds:.2f} s")


def _environment(client: Client, entry: plan.Registered, home: CodexHome) -> dict[str, str]:
    """What the client hands over: the few variables of the SDKs, a PATH of its own kind, and those of the entry.

    The engine of the trial gets a home of its own, unless the entry names one.
    """
    from mcp.client.stdio import get_default_environment

    given = get_default_environment()
    if not client.from_shell and sys.platform != "win32":
        given["PATH"] = os.confstr("CS_PATH") or os.defpath
    stated = entry.entry.get("env")
    nested = entry.entry.get("command")
    if isinstance(nested, dict):
        stated = nested.get("env")
    own = {k: _fill(v, home.environment, home.cwd) for k, v in (stated or {}).items() if isinstance(v, str)}
    return {**given, "CODEX_HOME": str(home.path), **own}


def _fill(word: str, environment: Mapping[str, str], cwd: str) -> str:
    """A word with what clients put in for their placeholders, as far as that is known outside of them."""
    word = re.sub(r"\$\{env:(\w+)\}", lambda found: environment.get(found[1], ""), word)
    return word.replace("${workspaceFolder}", cwd).replace("${userHome}", os.path.expanduser("~"))


async def _handshake(
    command: Sequence[str], environment: dict[str, str], cwd: str | None = None
) -> tuple[str, list[str], float] | str:
    """Protocol version, names of tools, seconds it took; or why there was none."""
    from mcp import StdioServerParameters
    from mcp.client.client import Client as SdkClient
    from mcp.client.stdio import stdio_client

    program, *words = command
    parameters = StdioServerParameters(command=program, args=words, env=environment, cwd=cwd)
    began = time.perf_counter()
    read_end, write_end = os.pipe()
    os.set_blocking(read_end, False)
    try:
        with os.fdopen(write_end, "w") as log, anyio.fail_after(_LIMIT):
            async with SdkClient(stdio_client(parameters, errlog=log)) as client:
                tools = [tool.name for tool in (await client.list_tools()).tools]
                return client.protocol_version, tools, time.perf_counter() - began
    except TimeoutError:
        return f"no answer within {_LIMIT:.0f} seconds"
    except Exception as error:  # the SDK's own kinds, in groups
        return f"it does not start: {_said(read_end) or _first(error)}"
    finally:
        os.close(read_end)


def _said(descriptor: int) -> str:
    """The last line of what it wrote to its stderr, as far as a pipe holds that."""
    try:
        lines = os.read(descriptor, 64 * 1024).decode(errors="replace").strip().splitlines()
    except BlockingIOError:
        return ""
    return lines[-1] if lines else ""


def _first(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error) or type(error).__name__
