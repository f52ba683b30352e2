"""What a policy makes of everything that is asked of the engine: a table by method, pure but for looking at paths.

What it asks for is made into a `Request` for `decide`; what may go on is given its permission profile, its approval
policy and its trust in the repository. A method that is not in the table is refused: nobody has thought about it.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from codex_mcp.errors import CallerError
from codex_mcp.policy import GUARD
from codex_mcp.policy.decide import Effect, Request, Ruling, decide, lower
from codex_mcp.policy.document import SANDBOXES, Document
from codex_mcp.policy.engine_settings import PROFILES, profile
from codex_mcp.policy.paths import is_below, matches, resolve

JsonObject = dict[str, Any]

# The engine's "never" cannot ask anybody. This is as strict, and lets high impact be asked.
GRANULAR_NEVER = {
    "granular": {
        "sandbox_approval": False,
        "rules": True,
        "mcp_elicitations": True,
        "request_permissions": False,
        "skill_approval": False,
    }
}

# What is read, ended or cleaned up: nothing of it runs or changes anything that policies are about.
_PASSED = frozenset(
    {
        *("thread/archive", "thread/unarchive", "thread/unsubscribe", "thread/delete", "thread/read", "thread/list"),
        *("thread/loaded/list", "thread/turns/list", "thread/items/list", "thread/backgroundTerminals/clean"),
        *("thread/name/set", "thread/compact/start", "turn/interrupt", "model/list", "config/read", "hooks/list"),
        *("configRequirements/read", "account/read", "account/rateLimits/read", "account/login/start"),
        *("account/login/cancel", "account/logout", "getAuthStatus", "mcpServerStatus/list", "skills/list"),
        *("experimentalFeature/list", "permissionProfile/list", "plugin/list", "plugin/installed", "plugin/read"),
        *("config/mcpServer/reload", "modelProvider/capabilities/read"),
    }
)
# Settings that this server adds to a thread by itself.
_OWN_KEYS = ("compact_prompt", "tools.update_plan.enabled")
_WRITABLE_KEYS = ("model", "model_reasoning_effort")
_SANDBOX_TYPES = {
    "readOnly": "read-only",
    "workspaceWrite": "workspace-write",
    "dangerFullAccess": "danger-full-access",
}


class PolicyDenied(CallerError):
    """The policy says no. `rule` names what in it."""

    code = "policy_denied"

    def __init__(self, ruling: Ruling) -> None:
        super().__init__(f"denied by the policy ({ruling.rule}): {ruling.because}")
        self.ruling = ruling


@dataclass(frozen=True)
class Surroundings:
    """What a request meets: the policy, and what the user and whoever started the server have configured."""

    document: Document
    cwd: str
    """The engine's working directory."""
    protected: tuple[str, ...] = ()
    """Paths of our own that no command may touch."""
    configured: Mapping[str, Any] = field(default_factory=dict)
    """config.toml with the flags of the server over it, by dotted key."""
    flags: Mapping[str, Any] = field(default_factory=dict)
    """The flags of the server, by dotted key: no client's wish."""


@dataclass(frozen=True)
class Shaped:
    """A request that may go on."""

    params: JsonObject
    request: Request
    """What it asks for, as it is now."""
    ruling: Ruling
    notes: tuple[str, ...] = ()
    """What was lowered, in words."""


def shape(around: Surroundings, method: str, params: JsonObject) -> Shaped:
    """The request that goes to the engine in place of this one. Raises PolicyDenied."""
    shaper = _SHAPERS.get(method)
    if shaper is None:
        if method not in _PASSED:
            raise PolicyDenied(Ruling(Effect.DENY, "engine", f"`{method}` of the engine is not served under a policy"))
        return Shaped(params, Request(), decide(around.document, Request()))
    wanted, build = shaper(around, params)
    request, notes = lower(around.document, wanted)
    ruling = decide(around.document, request)
    if ruling.effect is Effect.DENY or (ruling.effect is Effect.ASK and method in _UNASKABLE):
        raise PolicyDenied(ruling)
    return Shaped(build(request), request, ruling, notes)


Build = Callable[[Request], JsonObject]


def _thread(around: Surroundings, params: JsonObject) -> tuple[Request, Build]:
    """thread/start, thread/resume, thread/fork."""
    document = around.document
    cwd = resolve(params.get("cwd") or around.cwd)
    own, brought = _brought(around, _without_guard(params.get("config") or {}))
    request = Request(
        paths=(cwd, *_paths(params, "path", cwd)) if "cwd" in params or "threadId" not in params else (),
        sandbox=params.get("sandbox") or _default_sandbox(around),
        network=_default_network(around),
        writable_roots=_default_roots(around),
        approval=_named_policy(params.get("approvalPolicy")) or _default_approval(around),
        config=brought or None,
    )

    def build(granted: Request) -> JsonObject:
        mode = granted.sandbox or "read-only"
        built = {key: value for key, value in params.items() if key not in ("sandbox", "config", "approvalPolicy")}
        kept: JsonObject = {**own, **(granted.config or {})}
        kept[f"permissions.{PROFILES[mode]}"] = profile(
            document,
            mode,
            around.protected,
            network=bool(granted.network),
            writable_roots=granted.writable_roots if mode == "workspace-write" else (),
        )
        if document.scope.project_config == "ignore":
            kept["projects"] = {place: {"trust_level": "untrusted"} for place in _project_places(cwd)}
        built["config"] = kept
        built["permissions"] = PROFILES[mode]
        built["approvalPolicy"] = _engine_policy(granted.approval)
        built["approvalsReviewer"] = "user"
        built["experimentalRawEvents"] = True  # they alone say whether a command is to leave the sandbox
        return built

    return request, build


def _turn(around: Surroundings, params: JsonObject) -> tuple[Request, Build]:
    """turn/start, turn/steer."""
    cwd = params.get("cwd")
    policy = params.get("sandboxPolicy") or {}
    mode = _mode(policy) if policy else None
    base = resolve(cwd) if cwd is not None else around.cwd
    images = [path for item in params.get("input") or () for path in _paths(item, "path", base)]
    request = Request(
        paths=(*((resolve(cwd),) if cwd is not None else ()), *images),
        sandbox=mode,
        network=bool(policy.get("networkAccess")) if policy and mode != "danger-full-access" else None,
        writable_roots=tuple(resolve(root, base) for root in policy.get("writableRoots") or ()),
        approval=_named_policy(params.get("approvalPolicy")),
    )

    def build(granted: Request) -> JsonObject:
        replaced = ("sandboxPolicy", "approvalPolicy", "permissions")
        built = {key: value for key, value in params.items() if key not in replaced}
        if granted.sandbox == "danger-full-access":
            built["permissions"] = PROFILES["danger-full-access"]  # with the policy of that name, denied paths are lost
        elif granted.sandbox is not None:
            lowered = policy if granted.sandbox == mode else {"type": _TYPE_OF[granted.sandbox]}
            built["sandboxPolicy"] = _with_network(lowered, bool(granted.network))
        if granted.approval is not None:
            built["approvalPolicy"] = _engine_policy(granted.approval)
            built["approvalsReviewer"] = "user"
        return built

    return request, build


def _without_guard(config: JsonObject) -> JsonObject:
    """Settings without the profile that ours take the place of."""
    ours = {f"permissions.{GUARD}", *(["default_permissions"] if config.get("default_permissions") == GUARD else [])}
    return {key: value for key, value in config.items() if key not in ours}


def _mode(policy: JsonObject) -> str:
    type = str(policy.get("type"))
    return _SANDBOX_TYPES.get(type, type)


_TYPE_OF = {mode: type for type, mode in _SANDBOX_TYPES.items()}


def _with_network(policy: JsonObject, network: bool) -> JsonObject:
    return {**policy, "networkAccess": network} if "networkAccess" in policy else policy


def _exec(around: Surroundings, params: JsonObject) -> tuple[Request, Build]:
    """command/exec: a command of the client. Nobody can be asked for it."""
    command = params.get("command") or []
    policy = params.get("sandboxPolicy") or {}
    mode = _mode(policy) if policy else "read-only"
    cwd = resolve(params.get("cwd") or around.cwd)
    request = Request(
        paths=(cwd,),
        sandbox=mode,
        network=bool(policy.get("networkAccess")) or None,
        writable_roots=tuple(resolve(root, cwd) for root in policy.get("writableRoots") or ()),
        tool="Bash",
        command=_script(command),
    )

    def build(granted: Request) -> JsonObject:
        # with a policy of the sandbox, denied paths are lost
        built = {key: value for key, value in params.items() if key != "sandboxPolicy"}
        return {**built, "permissionProfile": PROFILES[granted.sandbox or "read-only"]}

    return request, build


def _search(around: Surroundings, params: JsonObject) -> tuple[Request, Build]:
    return Request(paths=tuple(resolve(root, around.cwd) for root in params.get("roots") or ())), lambda _: params


def _write_config(_around: Surroundings, params: JsonObject) -> tuple[Request, Build]:
    """config/batchWrite, config/value/write: the choice of a model, and nothing else."""
    edits = params.get("edits") or [params]
    keys = {str(edit.get("keyPath")): None for edit in edits if edit.get("keyPath") not in _WRITABLE_KEYS}
    return Request(config=keys or None), lambda _: params


def _call_mcp_tool(_around: Surroundings, params: JsonObject) -> tuple[Request, Build]:
    """mcpServer/tool/call, by a client: nobody can be asked for it."""
    server = str(params.get("server") or params.get("serverName"))
    tool = str(params.get("tool") or params.get("toolName"))
    return Request(server=server, tool=f"mcp__{server}__{tool}"), lambda _: params


def _mcp_server(_around: Surroundings, params: JsonObject) -> tuple[Request, Build]:
    return Request(server=str(params.get("name") or params.get("server"))), lambda _: params


_SHAPERS: dict[str, Callable[[Surroundings, JsonObject], tuple[Request, Build]]] = {
    "thread/start": _thread,
    "thread/resume": _thread,
    "thread/fork": _thread,
    "turn/start": _turn,
    "turn/steer": _turn,
    "command/exec": _exec,
    "fuzzyFileSearch": _search,
    "config/batchWrite": _write_config,
    "config/value/write": _write_config,
    "mcpServer/tool/call": _call_mcp_tool,
    "mcpServer/resource/read": _mcp_server,
    "mcpServer/oauth/login": _mcp_server,
}
_UNASKABLE = ("command/exec", "mcpServer/tool/call")


def _brought(around: Surroundings, config: JsonObject) -> tuple[JsonObject, JsonObject]:
    """The settings that this server adds, and those that a client brought, by dotted key. Flags of the server, which
    are merged into every thread, are neither: the engine has them from its command line, with ours behind them."""
    flat = flat_config(config)
    own = {key: value for key, value in flat.items() if key in _OWN_KEYS}
    given = {key: value for key, value in flat.items() if key not in around.flags or around.flags[key] != value}
    return own, {key: value for key, value in given.items() if key not in own}


def flat_config(config: Mapping[str, Any], prefix: str = "") -> JsonObject:
    """A config.toml by dotted key."""
    flat: JsonObject = {}
    for name, value in config.items():
        if isinstance(value, dict) and value:
            flat |= flat_config(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat


def _default_sandbox(around: Surroundings) -> str:
    """What is configured, as far as it is under the ceiling; nobody asked for it. Read-only if nothing is."""
    highest = around.document.ceilings.sandbox
    configured = around.configured.get("sandbox_mode")
    found = next((mode for mode in SANDBOXES if mode == configured), SANDBOXES[0])
    return min(found, highest, key=SANDBOXES.index)


def _default_network(around: Surroundings) -> bool:
    return around.document.ceilings.network and bool(around.configured.get("sandbox_workspace_write.network_access"))


def _default_roots(around: Surroundings) -> tuple[str, ...]:
    """Configured writable directories, as far as they are in scope."""
    scope, roots = around.document.scope, around.configured.get("sandbox_workspace_write.writable_roots") or ()
    found = (resolve(root, around.cwd) for root in roots if isinstance(root, str))
    return tuple(
        root
        for root in found
        if (scope.roots is None or any(is_below(root, one) for one in scope.roots))
        and not matches(root, scope.deny_paths)
    )


def _default_approval(around: Surroundings) -> str:
    """What is configured, or `on-request`, if it is allowed, or else the first that is."""
    allowed = around.document.ceilings.approval
    wanted = str(around.configured.get("approval_policy") or "on-request")
    return wanted if wanted in allowed or not allowed else allowed[0]


def _named_policy(policy: Any) -> str | None:
    """An approval policy by name; one that is spelled out is none that a policy knows."""
    return policy if policy is None or isinstance(policy, str) else "granular"


def _engine_policy(policy: str | None) -> Any:
    return GRANULAR_NEVER if policy == "never" else policy


def _paths(item: Any, name: str, base: str) -> tuple[str, ...]:
    path = item.get(name) if isinstance(item, dict) else None
    return (resolve(path, base),) if isinstance(path, str) else ()


def _script(command: Any) -> str:
    if isinstance(command, list):
        return shlex.join(map(str, command))
    return str(command)


def _project_places(cwd: str) -> list[str]:
    """Where the engine looks for trust: the working directory and its git root, by every name."""
    places, at = [cwd], cwd
    while True:
        if os.path.lexists(os.path.join(at, ".git")):
            places.append(at)
            break
        if (above := os.path.dirname(at)) == at:
            break
        at = above
    return list(dict.fromkeys(places))
