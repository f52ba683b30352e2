"""What the engine is given of a policy: command-line settings that carry it out by the engine's own means. Pure.

Three permission profiles (one per sandbox mode) hold the denied paths; every one has at least one, without which the
engine repeats a command outside of the sandbox when it failed in it. The gate is a PreToolUse hook that this process
trusts by its hash. MCP servers that are not listed are off.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from codex_mcp.policy.document import Document, McpServer

PROFILES = {"read-only": "cmcp-ro", "workspace-write": "cmcp-ww", "danger-full-access": "cmcp-full"}
"""Permission profiles by the sandbox mode whose place they take."""

RESULTS = "mcp__.*"
"""The tools whose results can be masked before the model reads them."""

_HOOK_SOURCE = "/<session-flags>/config.toml"
HOOK_LIMIT = 86_400  # seconds; the engine runs the tool when it is over, so ours must be the shorter one
_GLOB_DEPTH = 6  # levels below a workspace that the engine looks for denied files in


def settings(
    document: Document,
    *,
    hook: str,
    protected: Iterable[str],
    configured: Mapping[str, Mapping[str, Any]],
    result_hook: str = "",
) -> list[str]:
    """`key=value` settings for the engine's command line, to be given last.

    `hook` is the command of the gate, `result_hook` that of results of MCP tools, `protected` are paths of our own that
    no command may touch, `configured` the `mcp_servers` of the user's configuration.
    """
    handler = {"type": "command", "command": hook, "timeout": HOOK_LIMIT}
    state = {f"{_HOOK_SOURCE}:pre_tool_use:0:0": {"trusted_hash": trusted_hash(hook)}}
    values: dict[str, Any] = {
        "features.hooks": True,
        "hooks.PreToolUse": [{"hooks": [handler]}],
        "hooks.state": state,
        "features.unified_exec_tty": False,  # what is typed into a terminal is seen by nobody
        "features.multi_agent": False,
        "approvals_reviewer": "user",
        "shell_environment_policy.ignore_default_excludes": False,
    }
    if document.masking.to_model == "mcp":
        handler = {"type": "command", "command": result_hook, "timeout": HOOK_LIMIT}
        values["hooks.PostToolUse"] = [{"matcher": RESULTS, "hooks": [handler]}]
        known = trusted_hash(result_hook, "post_tool_use", RESULTS)
        state[f"{_HOOK_SOURCE}:post_tool_use:0:0"] = {"trusted_hash": known}
    if not document.ceilings.network:
        values["web_search"] = "disabled"
    for mode, name in PROFILES.items():
        values[f"permissions.{name}"] = profile(document, mode, protected)
    values["default_permissions"] = PROFILES["read-only"]
    for name, entry in configured.items():
        values |= server_settings(document, name, entry)
    return [f"{key}={inline(value)}" for key, value in values.items()]


def profile(
    document: Document,
    mode: str,
    protected: Iterable[str],
    *,
    network: bool = False,
    writable_roots: Iterable[str] = (),
) -> dict[str, Any]:
    """The permission profile that stands for a sandbox mode."""
    files: dict[str, Any] = {}
    below: dict[str, Any] = {}
    if mode == "danger-full-access":
        files["/"] = "write"
    for root in writable_roots:
        files[root] = "write"
    for glob in document.scope.deny_paths:
        if glob.startswith("~") or os.path.isabs(glob):
            files[glob.removesuffix("/**")] = "deny"
        else:
            below[glob if glob.startswith("**/") else f"**/{glob}"] = "deny"
    for path in protected:
        files[path] = "deny"
    if below:
        files[":workspace_roots"] = below
    if any("*" in glob for glob in (*below, *files)):
        files["glob_scan_max_depth"] = _GLOB_DEPTH
    found: dict[str, Any] = {"filesystem": files}
    if mode == "danger-full-access":
        found["network"] = {"enabled": True}
    else:
        found = {"extends": ":read-only" if mode == "read-only" else ":workspace", **found}
        if network:
            found["network"] = {"enabled": True}
    return found


def server_settings(document: Document, name: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """What is set for an MCP server of the user's configuration."""
    key = f"mcp_servers.{name if re.fullmatch(r'[A-Za-z0-9_-]+', name) else json.dumps(name)}"
    listed = document.mcp_servers.get(name)
    if listed is None or not is_identity(listed, entry):
        return {f"{key}.enabled": False}
    values: dict[str, Any] = {}
    if listed.tools is not None:
        values[f"{key}.enabled_tools"] = list(listed.tools)
        for tool in listed.tools:
            if _is_high_impact(document, f"mcp__{name}__{tool}"):
                values[f"{key}.tools.{tool}.approval_mode"] = "prompt"
    elif any(fnmatchcase(f"mcp__{name}__", glob[: len(name) + 7]) for e in document.high_impact for glob in e.tools):
        values[f"{key}.default_tools_approval_mode"] = "prompt"
    return values


def is_identity(listed: McpServer, entry: Mapping[str, Any]) -> bool:
    """Whether an entry of config.toml is the MCP server that is listed."""
    same = (listed.command, listed.url) == (entry.get("command"), entry.get("url"))
    if listed.command is not None:
        return same and list(listed.args) == list(entry.get("args") or ())
    if listed.auth.startswith("env:"):
        return same and entry.get("bearer_token_env_var") == listed.auth.removeprefix("env:")
    return same


def trusted_hash(command: str, event: str = "pre_tool_use", matcher: str | None = None) -> str:
    """What the engine knows a hook by."""
    entry = {"async": False, "command": command, "timeout": HOOK_LIMIT, "type": "command"}
    facts: dict[str, Any] = {"event_name": event, "hooks": [entry]}
    if matcher is not None:
        facts["matcher"] = matcher
    return "sha256:" + hashlib.sha256(json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def inline(value: Any) -> str:
    """A value as TOML on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(str(name))}={inline(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(inline, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _is_high_impact(document: Document, tool: str) -> bool:
    return any(fnmatchcase(tool, glob) for entry in document.high_impact for glob in entry.tools)
