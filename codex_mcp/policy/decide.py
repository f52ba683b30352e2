"""What a policy says to a request: one table of pure functions, read from top to bottom.

Every rule looks at the parts of a request that it is about. The first no wins; of the others, one that wants a person
asked wins over those that do not mind.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from fnmatch import fnmatchcase
from typing import Any

from codex_mcp.policy import commands, paths
from codex_mcp.policy.document import SANDBOXES, Document, McpServer
from codex_mcp.policy.stricter import key_covers, same_server

# Settings by which a call could switch off what carries the policy out, or go around it.
GUARDED_KEYS = (
    *("hooks", "features", "permissions", "default_permissions", "mcp_servers", "plugins", "projects", "profile"),
    *("profiles", "approval_policy", "approvals_reviewer", "sandbox_mode", "sandbox_workspace_write", "otel", "rules"),
    *("shell_environment_policy", "model_providers", "notify", "web_search", "tools", "apps"),
    *("auto_review", "network", "marketplaces", "skills", "requirements", "experimental_network", "chatgpt_base_url"),
)


class Effect(Enum):
    """What becomes of a request, from the mildest on."""

    ALLOW = "allow"
    ASK = "ask"
    DENY = "deny"

    @property
    def rank(self) -> int:
        return _RANKS[self]


_RANKS = {Effect.ALLOW: 0, Effect.ASK: 1, Effect.DENY: 2}


@dataclass(frozen=True)
class Request:
    """What somebody wants to do, as far as policies care. Parts that are not given concern no rule."""

    method: str | None = None
    """A method of the documented interface; `METHOD.PARAM` where it asks for a certain thing."""
    offered_tool: str | None = None
    """A tool that we offer to MCP clients."""
    paths: tuple[str, ...] = ()
    """Working directories, images, rollouts: absolute and resolved."""
    sandbox: str | None = None
    network: bool | None = None
    writable_roots: tuple[str, ...] = ()
    """Absolute and resolved."""
    approval: str | None = None
    config: dict[str, Any] | None = None
    """Settings of config.toml that the call brings."""
    server: str | None = None
    """An MCP server of the engine."""
    identity: McpServer | None = None
    """What that server is, where that is to be decided."""
    tool: str | None = None
    """The tool of the model: `Bash`, `apply_patch`, `mcp__SERVER__TOOL` …"""
    command: str | None = None
    """A script for the shell."""
    touched: tuple[str, ...] = ()
    """Files that a patch touches: absolute and resolved."""


@dataclass(frozen=True)
class Ruling:
    """What becomes of a request, which rule says so, and why in words for people."""

    effect: Effect
    rule: str
    because: str
    categories: tuple[str, ...] = ()
    """The high-impact classes that it is in."""


ALLOWED = Ruling(Effect.ALLOW, "default", "nothing in the policy speaks against it")

Rule = Callable[[Document, Request], Ruling | None]


def _no(rule: str, because: str) -> Ruling:
    return Ruling(Effect.DENY, rule, because)


def method(document: Document, request: Request) -> Ruling | None:
    """A method that is denied."""
    if request.method is not None and request.method in document.methods.deny:
        return _no("methods.deny", f"`{request.method}` is not allowed here")
    return None


def offered_tool(document: Document, request: Request) -> Ruling | None:
    """A tool of ours that is not on the list."""
    tools = document.methods.tools
    if request.offered_tool is not None and tools is not None and request.offered_tool not in tools:
        return _no("methods.tools", f"the tool `{request.offered_tool}` is not offered here")
    return None


def scope(document: Document, request: Request) -> Ruling | None:
    """A place outside of the roots."""
    roots = document.scope.roots
    for path in (*request.paths, *request.writable_roots):
        if roots is not None and not any(paths.is_below(path, root) for root in roots):
            return _no("scope.roots", f"{path} is outside of {', '.join(roots) or 'what is allowed (nothing)'}")
    return None


def denied_path(document: Document, request: Request) -> Ruling | None:
    """A file that nobody may touch."""
    for path in (*request.paths, *request.writable_roots, *request.touched):
        if glob := paths.matches(path, document.scope.deny_paths):
            return _no("scope.deny_paths", f"{path} is denied by {glob}")
    return None


def sandbox(document: Document, request: Request) -> Ruling | None:
    """More than the ceiling of the sandbox."""
    highest = document.ceilings.sandbox
    if request.sandbox is not None and _level(request.sandbox) > SANDBOXES.index(highest):
        return _no("ceilings.sandbox", f"the sandbox may be {highest} at most, not {request.sandbox}")
    return None


def network(document: Document, request: Request) -> Ruling | None:
    """The network, where it is closed. Full access would open it."""
    if not document.ceilings.network and request.network:
        return _no("ceilings.network", "commands get no network here")
    return None


def approval(document: Document, request: Request) -> Ruling | None:
    """An approval policy that is not on the list."""
    allowed = document.ceilings.approval
    if request.approval is not None and request.approval not in allowed:
        return _no("ceilings.approval", f"the approval policy may be {_or(allowed)}, not {request.approval}")
    return None


def config_keys(document: Document, request: Request) -> Ruling | None:
    """A setting that calls may not bring."""
    for key in flat_keys(request.config or {}):
        if not _may_set(document, key):
            return _no("ceilings.config_keys", f"`config` may not set `{key}`")
    return None


def mcp_server(document: Document, request: Request) -> Ruling | None:
    """An MCP server that is not listed, or is not what it was listed as."""
    if request.server is None:
        return None
    listed = document.mcp_servers.get(request.server)
    if listed is None:
        return _no("mcp_servers", f"the MCP server `{request.server}` is not listed")
    if request.identity is not None and not same_server(request.identity, listed):
        return _no(f"mcp_servers.{request.server}", f"`{request.server}` is not the MCP server that is listed")
    return None


def mcp_tool(document: Document, request: Request) -> Ruling | None:
    """A tool of a listed MCP server that is not on its list."""
    if request.server is None or request.tool is None:
        return None
    listed = document.mcp_servers.get(request.server)
    name = request.tool.removeprefix(f"mcp__{request.server}__")
    if listed is not None and listed.tools is not None and name not in listed.tools:
        return _no(f"mcp_servers.{request.server}.tools", f"the tool `{name}` of `{request.server}` is not listed")
    return None


def impact(document: Document, request: Request) -> Ruling | None:
    """An act of a high-impact class: a person, each time."""
    found = {entry.category: why for entry in document.high_impact if (why := _impact(entry, request)) is not None}
    if not found:
        return None
    return Ruling(
        Effect.ASK,
        "high_impact." + "+".join(found),
        "; ".join(f"{category}: {why}" for category, why in found.items()),
        tuple(found),
    )


def hidden_command(document: Document, request: Request) -> Ruling | None:
    """A command that could be in a high-impact class without showing it."""
    if request.command is None or document.approval.hidden_commands == "allow":
        return None
    if not any(entry.commands for entry in document.high_impact):
        return None
    why = commands.hidden(request.command)
    return None if why is None else Ruling(Effect.ASK, "approval.hidden_commands", why, ("hidden",))


TABLE: tuple[Rule, ...] = (
    method,
    offered_tool,
    scope,
    denied_path,
    sandbox,
    network,
    approval,
    config_keys,
    mcp_server,
    mcp_tool,
    impact,
    hidden_command,
)


def decide(document: Document, request: Request) -> Ruling:
    """The strictest of what the rules say; of equal ones, the first."""
    rulings = [ruling for rule in TABLE if (ruling := rule(document, request)) is not None]
    return max(rulings, key=lambda ruling: ruling.effect.rank, default=ALLOWED)


def lower(document: Document, request: Request) -> tuple[Request, tuple[str, ...]]:
    """The request with what is above a ceiling brought down to it, and what was changed, in words.

    Nothing is changed if the policy would rather refuse. A sandbox is never widened, an approval policy becomes the
    first that is allowed.
    """
    if document.ceilings.above == "refuse":
        return request, ()
    ceilings, notes = document.ceilings, list[str]()
    for rule in (sandbox, network, approval, config_keys):
        if (ruling := rule(document, request)) is not None:
            notes.append(ruling.because)
    if sandbox(document, request) is not None:
        request = replace(request, sandbox=ceilings.sandbox)
    if network(document, request) is not None:
        request = replace(request, network=False)
    if approval(document, request) is not None and ceilings.approval:
        request = replace(request, approval=ceilings.approval[0])
    if request.config is not None:
        request = replace(request, config=_kept(document, request.config))
    return request, tuple(notes)


def flat_keys(config: dict[str, Any], prefix: str = "") -> list[str]:
    """The settings of a config, as dotted keys."""
    keys = []
    for name, value in config.items():
        if isinstance(value, dict) and value:
            keys += flat_keys(value, f"{prefix}{name}.")
        else:
            keys.append(prefix + name)
    return keys


def _kept(document: Document, config: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    kept = {}
    for name, value in config.items():
        if isinstance(value, dict) and value:
            if inner := _kept(document, value, f"{prefix}{name}."):
                kept[name] = inner
        elif _may_set(document, prefix + name):
            kept[name] = value
    return kept


def _may_set(document: Document, key: str) -> bool:
    if any(key_covers(guarded, key) for guarded in GUARDED_KEYS):
        return False
    return any(key_covers(listed, key) for listed in document.ceilings.config_keys)


def _level(name: str) -> int:
    """Where a sandbox stands; one that is not known is above all."""
    return next((i for i, known in enumerate(SANDBOXES) if known == name), len(SANDBOXES))


def _impact(entry: Any, request: Request) -> str | None:
    if request.command is not None and (pattern := commands.search(entry.commands, request.command)):
        return f"the command matches {pattern}"
    for path in request.touched:
        if glob := paths.matches(path, entry.paths):
            return f"{path} matches {glob}"
    if request.tool is not None and (glob := next((g for g in entry.tools if fnmatchcase(request.tool, g)), None)):
        return f"{request.tool} matches {glob}"
    return None


def _or(names: tuple[str, ...]) -> str:
    return " or ".join(names) or "none"
