"""In which state an MCP server of the engine is, and what its user can do about it. Pure: no engine, no I/O.

The engine tells it by several fields and by text (`mcpServerStatus/list`, `mcpServer/startupStatus/updated`); which
of them means what was measured on the engines 0.144, 0.163 and 0.169. Decided by fields first, then by those parts of
the text that do not depend on what a server answered. No two causes share a state.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from codex_mcp.bridge.mcp_servers.wording import plain, with_our_command


class State(StrEnum):
    """The states; the values are stable."""

    MISSING = "missing"
    DISABLED = "disabled"
    NOT_LOADED = "not_loaded"
    STARTING = "starting"
    CANCELLED = "cancelled"
    CONNECTED = "connected"
    CONNECTED_NO_TOOLS = "connected_no_tools"
    TOOLS_ERROR = "tools_error"
    AUTH_REQUIRED = "auth_required"
    TOKEN_REJECTED = "token_rejected"
    REAUTH_REQUIRED = "reauth_required"
    TOKEN_ENV_MISSING = "token_env_missing"
    SCOPE_DENIED = "scope_denied"
    WRONG_URL = "wrong_url"
    UNREACHABLE = "unreachable"
    SERVER_ERROR = "server_error"
    START_TIMEOUT = "start_timeout"
    COMMAND_NOT_FOUND = "command_not_found"
    START_FAILED = "start_failed"


USABLE = frozenset({State.CONNECTED, State.CONNECTED_NO_TOOLS})
"""States in which nothing is wrong with the server itself."""

SETTLED = frozenset({State.DISABLED})
"""States that are what the user asked for, though the server is not connected."""


@dataclass(frozen=True)
class Seen:
    """What is known of one server. Field values are the engine's."""

    name: str
    entry: Mapping[str, Any] | None = None
    """Its table `mcp_servers.NAME`; None if it is not configured there (a plugin's server, or none at all)."""
    listed: bool = False
    """The engine's list has it."""
    runtime_status: str | None = None
    """notStarted, starting, connected, authenticationRequired, failed, cancelled, disabled; None from 0.144."""
    auth_status: str | None = None
    """unknown, unsupported, notLoggedIn, bearerToken, oAuth; about credentials, not about access."""
    connected: bool = False
    """It has told its name and version."""
    tools: int = 0
    """How many it offers."""
    tools_error: str | None = None
    startup_status: str | None = None
    """Of the thread's last notification: starting, ready, failed, cancelled; None without one."""
    startup_error: str | None = None
    failure_reason: str | None = None
    own: bool = False
    """It is an entry that runs this server, which is off for the engines that this server starts."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Of the process that runs the engine."""


@dataclass(frozen=True)
class Verdict:
    """`advice` says what to do, None where there is nothing to do; `detail` is the engine's text, made plain."""

    state: State
    advice: str | None
    detail: str | None = None


def judge(seen: Seen, command: str) -> Verdict:
    """The state of a server. `command`: how this user runs this program (`invocation.command()`), for the advice."""
    state = _state(seen)
    text = seen.startup_error or seen.tools_error
    return Verdict(state, _advice(state, seen, command), None if not text else with_our_command(plain(text), command))


def _state(seen: Seen) -> State:
    status = seen.runtime_status or _RUNTIME_OF_STARTUP.get(seen.startup_status or "")
    if not seen.listed and seen.entry is None and status is None:
        return State.MISSING
    if seen.own or status == "disabled" or (status is None and not (seen.entry or {}).get("enabled", True)):
        return State.DISABLED
    if status == "starting":
        return State.STARTING
    if status == "cancelled":
        return State.CANCELLED
    if status == "connected" or (status is None and seen.connected):
        if seen.tools_error:
            return State.TOOLS_ERROR
        return State.CONNECTED if seen.tools else State.CONNECTED_NO_TOOLS
    if status in ("failed", "authenticationRequired"):
        return _failure(seen, status)
    return State.NOT_LOADED


# Engine 0.144 has no runtimeStatus: the thread's notification takes its place.
_RUNTIME_OF_STARTUP = {"starting": "starting", "ready": "connected", "failed": "failed", "cancelled": "cancelled"}


def _failure(seen: Seen, status: str) -> State:
    text = _without_name(seen)
    if seen.failure_reason == "reauthenticationRequired" or _REAUTHENTICATE.search(text):
        return State.REAUTH_REQUIRED
    if status == "authenticationRequired" or _NOT_LOGGED_IN.search(text):
        return _refused(seen)
    # A server's answer stands behind what the engine says of it: the first match is the engine's.
    matches = [(found.start(), rank) for rank, (pattern, _) in enumerate(_CAUSES) if (found := pattern.search(text))]
    if not matches:
        return State.START_FAILED
    _, rank = min(matches)
    cause = _CAUSES[rank][1]
    return cause if isinstance(cause, State) else cause(text)


def _without_name(seen: Seen) -> str:
    """The engine's texts; a name may hold anything, so it goes."""
    text = f"{seen.tools_error or ''}\n{seen.startup_error or ''}"
    for quote in "`'":
        text = text.replace(f"{quote}{seen.name}{quote}", "")
    return text.replace(f"The {seen.name} MCP server", "The MCP server")


def _refused(seen: Seen) -> State:
    """The server wants credentials, or others. The engine's text is the same for all of these."""
    if _missing_variable(seen) is not None:
        return State.TOKEN_ENV_MISSING
    entry = seen.entry or {}
    if seen.auth_status == "bearerToken" or entry.get("bearer_token_env_var"):
        return State.TOKEN_REJECTED
    if any(map(_CREDENTIAL.search, [*(entry.get("http_headers") or {}), *(entry.get("env_http_headers") or {})])):
        return State.TOKEN_REJECTED
    return State.AUTH_REQUIRED


# Names of headers that carry a credential: X-MCP-API-Key, Authorization, X-Auth-Token, ...
_CREDENTIAL = re.compile(r"auth|key|token|secret|password", re.IGNORECASE)


def _missing_variable(seen: Seen) -> str | None:
    """A variable that its configuration names and that is not set: the engine leaves such a header out silently."""
    entry = seen.entry or {}
    named = [entry.get("bearer_token_env_var"), *(entry.get("env_http_headers") or {}).values()]
    return next((name for name in named if isinstance(name, str) and not seen.environment.get(name)), None)


def _by_status(text: str) -> State:
    found = _HTTP.search(text)
    code = int(found[1]) if found else 0
    if code == 403:
        return State.SCOPE_DENIED
    if code >= 500 or code in (408, 425, 429):
        return State.SERVER_ERROR
    return State.WRONG_URL


_HTTP = re.compile(r"HTTP (\d{3})\b")
_REAUTHENTICATE = re.compile(r"^The MCP server requires OAuth reauthentication|OAuth authorization required", re.M)
_NOT_LOGGED_IN = re.compile(r"^The MCP server is not logged in", re.M)
_VARIABLE = re.compile(r"Environment variable (\S+) for MCP server")
_CAUSES: tuple[tuple[re.Pattern[str], State | Callable[[str], State]], ...] = tuple(
    (re.compile(pattern), cause)
    for pattern, cause in (
        (_VARIABLE.pattern, State.TOKEN_ENV_MISSING),
        ("Insufficient scope", State.SCOPE_DENIED),
        (_HTTP.pattern, _by_status),
        ("Unexpected content type", State.WRONG_URL),
        ("relative URL without a base", State.WRONG_URL),
        ("only supports http and https URLs", State.WRONG_URL),
        ("error sending request for url", State.UNREACHABLE),
        ("Mcp error: ", State.TOOLS_ERROR),
        (r"timed out awaiting tools/list", State.TOOLS_ERROR),
        (r"timed out handshaking|timed out after [\d.]+ seconds?", State.START_TIMEOUT),
        (r"\(os error (?:2|13)\)", State.COMMAND_NOT_FOUND),
        ("connection closed|Broken pipe", State.START_FAILED),
    )
)


def _advice(state: State, seen: Seen, command: str) -> str | None:
    name, entry = seen.name, seen.entry or {}
    word = shlex.quote(name)
    login = f"`{command} mcp login {word}`"
    if state is State.DISABLED and seen.own:
        return "it runs this server itself, so it stays off for the engines that this server starts"
    if state is State.TOKEN_ENV_MISSING:
        text = _without_name(seen)
        variable = _missing_variable(seen) or (found[1] if (found := _VARIABLE.search(text)) else "its variable")
        return (
            f"set {variable} in the environment of this server: add it to `env` in your MCP client's configuration (an "
            "export in a shell profile does not reach it), then restart the client"
            + ("" if entry.get("env_http_headers") else f"; or remove the entry, add the URL alone, and run {login}")
        )
    if state is State.TOKEN_REJECTED:
        variable = entry.get("bearer_token_env_var") or next(iter((entry.get("env_http_headers") or {}).values()), None)
        where = f"the value of {variable}" if variable else f"http_headers of mcp_servers.{name} in config.toml"
        return f"the server refuses the key: replace {where}, then restart this server"
    if state is State.AUTH_REQUIRED and seen.auth_status == "unsupported":
        return (
            "it wants a key and offers no OAuth: add it again with `--bearer-token-env-var VARIABLE` or `--env-header "
            "NAME=VARIABLE`"
        )
    if state is State.TOOLS_ERROR and "timed out" in (seen.tools_error or seen.startup_error or ""):
        return f"it does not list its tools in time: raise `mcp_servers.{name}.startup_timeout_sec`, or tell its owner"
    if state is State.START_FAILED and "command" not in entry:
        return "it broke off while it was greeted: try again, and tell its owner if it stays"
    return {
        State.MISSING: f"add it: `{command} mcp add {word} --url URL`",
        State.DISABLED: f"enable it: `{command} mcp enable {word}`",
        State.NOT_LOADED: "it is not loaded here: reload the servers (config/mcpServer/reload) or begin a new thread",
        State.STARTING: "wait: it is starting",
        State.CANCELLED: "its start was cancelled: try again, or begin a new thread",
        State.CONNECTED: None,
        State.CONNECTED_NO_TOOLS: f"it offers no tools: check enabled_tools and disabled_tools of mcp_servers.{name}",
        State.TOOLS_ERROR: "its list of tools is broken: an error of the server; tell its owner",
        State.AUTH_REQUIRED: f"log in: {login}",
        State.REAUTH_REQUIRED: f"its sign-in has ended: log in again: {login}",
        State.SCOPE_DENIED: f"you are signed in, but not allowed: use the account or workspace that may ({login})",
        State.WRONG_URL: f"no MCP server answers at this URL: check `url` of mcp_servers.{name}",
        State.UNREACHABLE: "it cannot be reached: check host, port, network, proxy and certificate",
        State.SERVER_ERROR: "the server fails or is busy: try later",
        State.START_TIMEOUT: f"it does not answer in time: raise `mcp_servers.{name}.startup_timeout_sec`",
        State.COMMAND_NOT_FOUND: f"its command cannot be run: install it, or correct mcp_servers.{name}.command",
        State.START_FAILED: "it ended or refused at its start: run its command by hand to see why",
    }.get(state)
