"""`codex-mcp-server agents`: who there is, what they have done, and their end."""

from __future__ import annotations

import argparse
import json
import pathlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import anyio

from codex_mcp import invocation
from codex_mcp.agents import keeping
from codex_mcp.agents.opening import create_agent, open_agent, reach_agent, remove_agent
from codex_mcp.agents.registry import Registry, Settings
from codex_mcp.agents.status import describe, recent_logs
from codex_mcp.agents.variables import AgentVariables, size
from codex_mcp.agents.workspaces import result
from codex_mcp.agents.workspaces.make import KINDS
from codex_mcp.cli import output
from codex_mcp.engine.home import CodexHome
from codex_mcp.errors import CallerError

_COLUMNS = {"NAME": "agent_id", "STATE": "status", "ISOLATION": "isolation", "WORKSPACE": "workspace_path"}


def agents(arguments: list[str]) -> int:
    """Run a subcommand; the exit status."""
    options = _parser().parse_args(arguments)
    command: Callable[[Registry, argparse.Namespace], Awaitable[int]] = options.run
    return anyio.run(command, Registry(), options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="codex-mcp-server agents",
        description="Agents: each with a home, a workspace and a box of its own. `--agent NAME` serves one.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, run: Callable[..., Awaitable[int]], purpose: str, *, named: bool = True) -> Any:
        added = commands.add_parser(name, help=purpose, description=purpose[0].upper() + purpose[1:] + ".")
        added.set_defaults(run=run)
        added.add_argument("--json", action="store_true", help="print JSON")
        if named:
            added.add_argument("name", metavar="NAME")
        return added

    command("list", _list, "list all agents", named=False)
    command("show", _show, "say everything about an agent")
    add_settings(command("create", _create, "make an agent"))
    command("stop", _stop, "end the server, the engine and the box of an agent; it stays")
    command("restart", _restart, "start engine and box of an agent anew")
    remove = command("remove", _remove, "take an agent away with its workspace")
    remove.add_argument("--force", action="store_true", help="also with work that would be lost; a patch is kept")
    diff = command("diff", _diff, "print what an agent has changed, as a patch")
    diff.add_argument("--stat", action="store_true", help="a summary instead")
    apply = command("apply", _apply, "apply an agent's changes to the directory that it was made in")
    apply.add_argument("--check", action="store_true", help="only say whether they fit")
    apply.add_argument("--to", metavar="DIR", type=pathlib.Path, help="another work tree")
    command("fetch", _fetch, "bring an agent's commits into the repository, as refs/agents/ID")
    logs = command("logs", _logs, "print the last lines of an agent's log")
    logs.add_argument("-n", "--lines", type=int, default=50)
    cleanup = command("cleanup", _cleanup, "remove agents that nobody has used for a while", named=False)
    cleanup.add_argument("--inactive-hours", type=float, default=24.0, metavar="HOURS")
    cleanup.add_argument("--force", action="store_true", help="also those with work; patches are kept")
    return parser


def add_settings(parser: argparse.ArgumentParser) -> None:
    """The options that an agent is made with."""
    parser.add_argument(
        "--isolation", default="auto", metavar="NAME", help="auto, bwrap, container, command, remote, none"
    )
    parser.add_argument("--workspace", choices=KINDS, help="a clone where there is a repository, else empty")
    parser.add_argument("--network", choices=["none", "outbound", "host"], default="none", help="of its commands")
    parser.add_argument("--cpus", type=float, metavar="N", help="CONTAINER_CPU_LIMIT, or 4")
    parser.add_argument("--memory", type=size, metavar="SIZE", help="such as 512m; CONTAINER_MEMORY_LIMIT, or 2048m")
    parser.add_argument("--pids", type=int, metavar="N", help="processes and threads; 512")
    parser.add_argument("--require-limits", action="store_true", help="refuse to work where nothing holds the limits")
    parser.add_argument("--read-only", action="store_true", help="mount the workspace read-only")
    parser.add_argument("--box-option", action="append", default=[], metavar="KEY=VALUE", help="of the isolation")


def settings_of(options: argparse.Namespace) -> Settings:
    """From the options of `add_settings`. Raises CallerError."""
    variables = AgentVariables()
    pairs = [option.partition("=") for option in options.box_option]
    if wrong := [key for key, sign, _ in pairs if not sign]:
        raise CallerError(f"--box-option takes KEY=VALUE, not {wrong[0]}")
    return Settings(
        isolation=options.isolation,
        workspace=options.workspace,
        network=options.network,
        cpus=options.cpus or variables.cpus,
        memory=options.memory or variables.memory,
        pids=options.pids or variables.processes,
        require_limits=options.require_limits,
        read_only=options.read_only,
        options={key: value for key, _, value in pairs},
    )


async def _list(registry: Registry, options: argparse.Namespace) -> int:
    found = [await describe(registry, name) for name in registry.names()]
    if options.json:
        _json({"agents": found})
    elif not found:
        output.say(f"there are no agents; `{invocation.command('agents', 'create', 'NAME')}` makes one\n")
    else:
        rows = [[str(agent[key]) for key in _COLUMNS.values()] + [_memory(agent)] for agent in found]
        _table([*_COLUMNS, "MEMORY"], rows)
    return 0


async def _show(registry: Registry, options: argparse.Namespace) -> int:
    found = await describe(registry, options.name)
    if options.json:
        _json(found)
        return 0
    for key, value in found.items():
        if key not in ("recent_logs", "success"):
            shown = ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else value
            shown = ", ".join(value) or "nothing" if isinstance(value, list) else shown
            output.say(f"{key:18} {'-' if shown is None else shown}\n")
    for line in found["recent_logs"]:
        output.say(f"{'log':18} {line}\n")
    return 0


async def _create(registry: Registry, options: argparse.Namespace) -> int:
    record = await create_agent(registry, options.name, settings_of(options), CodexHome.of_process())
    async with open_agent(registry, options.name) as agent:  # says at once what does not work here
        walls = ", ".join(sorted(agent.box.probe.isolates)) or "nothing"
        text = (
            f"{record.name}: {agent.box.provisioner.name} (isolates {walls}), limits by {agent.box.enforced_by}, "
            f"{record.workspace} in {agent.workspace.path}\n"
        )
    _say(options, text, await describe(registry, options.name))
    return 0


async def _stop(registry: Registry, options: argparse.Namespace) -> int:
    stopped = await keeping.stop_agent(registry, options.name)
    text = f"{options.name} {'has been stopped' if stopped else 'was not running'}"
    _say(options, f"{text}\n", {"success": True, "message": text})
    return 0


async def _restart(registry: Registry, options: argparse.Namespace) -> int:
    served = await keeping.restart_agent(registry, options.name)
    text = f"{options.name} {'starts anew' if served else 'is not served: it starts with its next use'}"
    _say(options, f"{text}\n", {"success": True, "message": text})
    return 0


async def _remove(registry: Registry, options: argparse.Namespace) -> int:
    kept = await remove_agent(registry, options.name, force=options.force)
    text = f"{options.name} has been removed" + (f"; its work is kept in {kept}" if kept else "")
    _say(options, f"{text}\n", {"success": True, "message": text, "patch": str(kept) if kept else None})
    return 0


async def _diff(registry: Registry, options: argparse.Namespace) -> int:
    async with reach_agent(registry, options.name) as agent:
        patch = (await agent.diff(stat=options.stat)).decode(errors="surrogateescape")
    _say(options, patch, {"agent_id": options.name, "patch": patch.encode(errors="replace").decode()})
    return 0


async def _apply(registry: Registry, options: argparse.Namespace) -> int:
    async with reach_agent(registry, options.name) as agent:
        target = options.to or agent.workspace.origin
        if target is None:
            raise CallerError(f"{options.name} was not made from a repository: say where with --to DIR")
        patch = await agent.diff()
        summary = (await agent.diff(stat=True)).decode(errors="replace")
        if options.check:
            reason = await result.check(patch, target)
            _say(options, f"{reason or 'it fits'}\n", {"fits": reason is None, "reason": reason})
            return 0 if reason is None else 1
        await result.apply(patch, target)
    _say(options, summary or "there is nothing to apply\n", {"success": True, "applied_to": str(target)})
    return 0


async def _fetch(registry: Registry, options: argparse.Namespace) -> int:
    async with reach_agent(registry, options.name) as agent:
        name = await result.fetch(agent.box, agent.workspace, agent.record.id)
    _say(options, f"{name}\n", {"ref": name})
    return 0


async def _logs(registry: Registry, options: argparse.Namespace) -> int:
    registry.load(options.name)
    lines = recent_logs(registry.root(options.name), options.lines)
    _say(options, "".join(f"{line}\n" for line in lines), {"agent_id": options.name, "lines": lines})
    return 0


async def _cleanup(registry: Registry, options: argparse.Namespace) -> int:
    done = await keeping.cleanup(registry, options.inactive_hours, force=options.force)
    text = "".join(f"{name} has been removed\n" for name in done["removed_agents"])
    text += "".join(f"{failure['agent_id']}: {failure['error']}\n" for failure in done["failed_removals"])
    _say(options, text or "there was nothing to remove\n", done)
    return 0 if done["success"] else 1


def _memory(agent: dict[str, Any]) -> str:
    used, limit = agent["memory_usage_mb"], agent["memory_limit_mb"]
    return f"{'-' if used is None else used} / {'-' if limit is None else limit} MB"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row in (head, *rows):
        output.say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() + "\n")


def _say(options: argparse.Namespace, text: str, value: Any) -> None:
    if options.json:
        _json(value)
    else:
        output.say(text)


def _json(value: Any) -> None:
    output.say(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
