"""Every error code, whose fault it is, and what to do next. `docs/errors.md` is written from it.

The wire number follows from the fault: in the documented interface -32600 for the caller's, -32603 for the others
(a refusal of the engine keeps the engine's own number); in MCP a tool that fails is a result with the code in it.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Fault(Enum):
    """Whose fault an error is."""

    CALLER = "the caller's"
    ENGINE = "the engine's, or of what it runs on"
    OURS = "ours"


class ErrorCode(NamedTuple):
    """One kind of failure. `advice` is for whoever can act on it; `{login}` is the command that signs in."""

    fault: Fault
    meaning: str
    advice: str | None = None


_C, _E, _O = Fault.CALLER, Fault.ENGINE, Fault.OURS
CODES: dict[str, ErrorCode] = {
    "agent_busy": ErrorCode(_C, "another process serves the agent", "Stop it there, or use another agent."),
    "agent_unreadable": ErrorCode(_E, "what is kept of an agent cannot be read", "Look at its agent.json."),
    "already_initialized": ErrorCode(_C, "`initialize` was sent before", "Send it once."),
    "answer_too_long": ErrorCode(_E, "the engine's answer is longer than it may be", "Ask for less."),
    "approval_denied": ErrorCode(
        _C,
        "the turn was stopped because something was not approved",
        "Ask for something that needs no approval, or have the user approve it.",
    ),
    "audit_failed": ErrorCode(_O, "the audit trail cannot be written, so nothing is done", "Free space, then retry."),
    "auth_required": ErrorCode(
        _C,
        "the model provider wants to know who you are",
        "Sign in with `{login}`, or give the provider's API key to the server's environment.",
    ),
    "box_failed": ErrorCode(_E, "an agent's box could not be made, started or asked"),
    "config_error": ErrorCode(
        _C, "a setting cannot be used, or config.toml cannot be read", "Correct the setting, or leave it out."
    ),
    "config_not_allowed": ErrorCode(
        _C,
        "a call of a tool brought a setting that only the user may set",
        "Leave it out, or start the server with `--allow-config`.",
    ),
    "conflict": ErrorCode(_C, "somebody else uses it", "End that use, then try again."),
    "context_window": ErrorCode(
        _C, "the conversation is longer than the model can read", "Begin a new thread with codex."
    ),
    "duplicate_server": ErrorCode(_C, "there is an MCP server of that name", "Give `--replace`, or another name."),
    "engine_error": ErrorCode(
        _E, "the engine failed at a correct request", "The thread is usable: go on with codex-reply."
    ),
    "engine_lost": ErrorCode(
        _E,
        "the engine ended before the work was done",
        "Send the message again with codex-reply: the thread goes on where it was.",
    ),
    "engine_refused": ErrorCode(_E, "the engine refused the request, and says why"),
    "engine_too_old": ErrorCode(_E, "the engine cannot read what a newer one has written", "Update the engine."),
    "engine_unavailable": ErrorCode(_E, "there is no engine, or it does not start; the message says what to do"),
    "engine_unfit": ErrorCode(_E, "what was found is no engine, or too old; the message says what to install"),
    "exec_failed": ErrorCode(_E, "a one-off command could not be run to its end"),
    "exists": ErrorCode(_C, "there is one of that name", "Choose another name."),
    "git_failed": ErrorCode(_C, "git cannot compare the directory with a remote"),
    "internal_error": ErrorCode(_O, "a defect of this server", "Report it, with what `codex-mcp-server doctor` says."),
    "interrupted": ErrorCode(
        _C, "the turn was stopped before it was done", "The thread is usable: go on with codex-reply."
    ),
    "invalid_answer": ErrorCode(
        _E,
        "the model's answer is not what `output-schema` wants",
        "Ask again with codex-reply, or loosen the schema.",
    ),
    "invalid_arguments": ErrorCode(_C, "the arguments of a tool are not what it takes"),
    "invalid_params": ErrorCode(_C, "a field is missing or wrong; the message names it"),
    "invalid_request": ErrorCode(_C, "what was asked for cannot be done as asked"),
    "invalid_script": ErrorCode(_C, "an offline script is not what it should be"),
    "invalid_server": ErrorCode(_C, "an MCP server cannot be configured like that"),
    "invalid_variable": ErrorCode(_C, "an environment variable has a value that it cannot have"),
    "limit_reached": ErrorCode(
        _E, "a limit of use is reached", "Wait until it is renewed, or use another account or model."
    ),
    "login_failed": ErrorCode(_E, "signing in failed"),
    "login_without_effect": ErrorCode(_C, "signing in would change nothing, the configuration wins"),
    "logout_failed": ErrorCode(_E, "the credentials could not be removed"),
    "no_isolation": ErrorCode(_E, "no box works on this machine", "The message says why, and what to install."),
    "no_limits": ErrorCode(_E, "nothing on this machine can hold an agent to its limits"),
    "no_playground": ErrorCode(
        _C, "there is no place outside the temporary directory to try things in", "Set XDG_CACHE_HOME to one."
    ),
    "not_allowed": ErrorCode(
        _C, "the token of an HTTP client does not allow it", "Make a token that does: `codex-mcp-server tokens create`."
    ),
    "not_found": ErrorCode(_C, "there is no such thing", "Begin a new thread with codex."),
    "not_initialized": ErrorCode(_C, "`initialize` has to come first", "Send it, then ask again."),
    "outside_workspace": ErrorCode(_C, "a directory that the box of the agent does not have"),
    "policy_denied": ErrorCode(
        _C, "the policy does not allow it", "`codex-mcp-server policy explain` says which rule."
    ),
    "policy_error": ErrorCode(
        _O,
        "the policy cannot be read, trusted or enforced, so nothing is done",
        "Correct it: `codex-mcp-server policy check` says what is wrong.",
    ),
    "provider_error": ErrorCode(
        _E,
        "the model provider failed",
        "Send the message again with codex-reply; if it fails again, look at the provider's settings.",
    ),
    "timeout": ErrorCode(
        _C, "the time limit of the call is over", "Go on with codex-reply and more time, or with less to do."
    ),
    "too_many_sessions": ErrorCode(_C, "no further session of HTTP clients fits", "End one with DELETE, or try later."),
    "unknown_method": ErrorCode(_C, "there is no such method", "See docs/interface.md for those that there are."),
    "unknown_server": ErrorCode(_C, "there is no MCP server of that name"),
    "unreadable_file": ErrorCode(_C, "a file cannot be read or understood, and is left as it is"),
    "unsaved_work": ErrorCode(
        _C, "removing the agent would lose what it did", "`diff` shows it; `--force` keeps a patch."
    ),
    "upgrade_failed": ErrorCode(_E, "a marketplace could not be upgraded"),
    "workspace": ErrorCode(_C, "an agent's workspace cannot be made, read or given back as asked"),
}

_ENGINE_INFO = {
    "contextWindowExceeded": "context_window",
    "rateLimitExceeded": "limit_reached",
    "sessionBudgetExceeded": "limit_reached",
    "unauthorized": "auth_required",
    "usageLimitExceeded": "limit_reached",
}


def of_engine_info(info: object) -> str:
    """The code for a turn that failed, by the engine's `codexErrorInfo`."""
    if isinstance(info, dict):  # {kind: {httpStatusCode}}
        status = next((details.get("httpStatusCode") for details in info.values() if isinstance(details, dict)), None)
        return "auth_required" if status == 401 else "provider_error"
    return _ENGINE_INFO.get(info, "provider_error") if isinstance(info, str) else "provider_error"


def advice(code: str) -> str | None:
    """What to do next, as this user can do it."""
    found = CODES[code].advice if code in CODES else None
    if found is None:
        return None
    from codex_mcp import invocation

    return found.replace("{login}", invocation.command("login"))


def render() -> str:
    """The page of the docs."""
    rows = []
    for code, kind in sorted(CODES.items()):
        advice = (kind.advice or "").replace("{login}", "codex-mcp-server login")
        rows.append(f"| `{code}` | {kind.fault.value} | {kind.meaning} | {advice} |\n")
    introduction = (
        "# Error codes\n\n"
        "Every failure has a stable code: in `error.data.code` of a JSON-RPC error, in `structuredContent.error.code` "
        "of a tool's result. In the documented interface the number is -32600 for the caller's faults and -32603 for "
        "the others; a refusal of the engine keeps the engine's own number.\n\n"
        "| code | whose fault | what it means | what to do next |\n|---|---|---|---|\n"
    )
    return introduction + "".join(rows)
