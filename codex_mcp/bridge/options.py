"""Settings of a conversation: what the call says, what the server was started with, what config.toml has.

    config.toml  <  profile  <  server flags  <  `config` of the call  <  typed fields of the call

The engine applies config.toml; the rest is merged here and given with `thread/start` or `thread/resume`. Settings
that the engine no longer takes are bridged where that is honest, and reported where it is not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields, replace
from typing import Any

from codex_mcp.bridge import shapes
from codex_mcp.engine.home import CodexHome
from codex_mcp.errors import CallerError
from codex_mcp.wire.messages import JsonObject

# Typed fields of the engine's thread/start by the config.toml key that means the same.
_TYPED = {
    "model": "model",
    "model_provider": "modelProvider",
    "approval_policy": "approvalPolicy",
}

# Ways to say what a turn may touch.
_SANDBOXES = ("sandbox_policy", "sandbox_mode", "permissions")

_PLAIN_KEY = re.compile(r"[\w-]+", re.ASCII)

ON_FAILURE_NOTICE: JsonObject = {
    "type": "deprecation_notice",
    "summary": "The approval policy `on-failure` no longer exists; `on-request` is used instead.",
    "details": "The engine asks before a command leaves the sandbox, and no longer after a command failed in it. "
    "Choose `on-request`, `untrusted` or `never`.",
}

PATCH_TOOL_NOTICE: JsonObject = {
    "type": "deprecation_notice",
    "summary": "`includeApplyPatchTool` is deprecated and does nothing.",
    "details": "Whether the model has a tool for patches depends on the model alone.",
}


@dataclass(frozen=True)
class ThreadOptions:
    """How a conversation is wanted; `None` leaves a setting to what is configured."""

    model: str | None = None
    model_provider: str | None = None
    profile: str | None = None
    cwd: str | None = None
    approval_policy: str | None = None
    sandbox: str | None = None
    config: JsonObject = field(default_factory=dict)
    """Settings of config.toml by dotted key."""
    base_instructions: str | None = None
    developer_instructions: str | None = None
    compact_prompt: str | None = None
    plan_tool: bool | None = None
    patch_tool: bool | None = None
    notices: tuple[JsonObject, ...] = ()
    """Events (`msg`) that the client is to have about what it asked for."""
    denied_paths: tuple[str, ...] = ()
    """What a conversation that was kept may not even read."""


@dataclass(frozen=True)
class TurnOptions:
    """Settings that come with a message and stay; in the engine's form, `None` where nothing is said."""

    cwd: str | None = None
    approval_policy: str | None = None
    sandbox_policy: JsonObject | None = None
    sandbox_mode: str | None = None
    """A sandbox with the roots and exclusions that the user has configured for it."""
    permissions: str | None = None
    """A permission profile of the user's config.toml."""
    model: str | None = None
    effort: str | None = None
    summary: str | None = None
    output_schema: JsonObject | None = None
    denied_paths: tuple[str, ...] | None = None
    """Of a conversation that was kept: what it may not even read. It counts from its beginning."""

    def updated(self, later: TurnOptions) -> TurnOptions:
        """These settings, with what `later` says put over them."""
        said = {field.name: getattr(later, field.name) for field in fields(later)}
        said = {name: value for name, value in said.items() if value is not None}
        if not said.keys().isdisjoint(_SANDBOXES):  # each takes the place of the others
            said = {**dict.fromkeys(_SANDBOXES), **said}
        return replace(self, **said)

    @property
    def notices(self) -> tuple[JsonObject, ...]:
        """Events (`msg`) about settings that cannot be taken as they are."""
        return (ON_FAILURE_NOTICE,) if self.approval_policy == "on-failure" else ()

    def to_engine(self, home: CodexHome) -> JsonObject:
        """The fields of turn/start that are set."""
        wanted = {
            "cwd": None if self.cwd is None else home.absolute(self.cwd),
            "approvalPolicy": engine_policy(self.approval_policy),
            "sandboxPolicy": self.sandbox_policy,
            "permissions": self.permissions,
            "model": self.model,
            "effort": self.effort,
            "summary": self.summary,
            "outputSchema": self.output_schema,
        }
        return {key: value for key, value in wanted.items() if value is not None}


@dataclass(frozen=True)
class ServerDefaults:
    """What the server was started with (`-c`, `-m`, `-s`, `-a`, `-C`, `-p`), for conversations that do not say."""

    config: JsonObject = field(default_factory=dict)
    cwd: str | None = None
    profile: str | None = None


@dataclass(frozen=True)
class ThreadRequest:
    """What the engine is asked for, and what the client has to be told about it."""

    params: JsonObject
    """Fields of thread/start, thread/resume and thread/fork."""
    notices: tuple[JsonObject, ...]
    """Events (`msg`) about settings that could not be taken as they are."""
    show_raw_reasoning: bool
    sandbox: str | None = None
    """The sandbox mode that is asked for, or else the permission profile; neither: what is configured."""
    permissions: str | None = None
    denied_paths: tuple[str, ...] = ()
    turn: TurnOptions = TurnOptions()
    """Settings for its first turn (`confinement.confine`)."""


def engine_policy(policy: str | None) -> str | None:
    """`on-failure` is served as `on-request`: the engine has nothing nearer."""
    return "on-request" if policy == "on-failure" else policy


def thread_request(
    options: ThreadOptions, defaults: ServerDefaults, home: CodexHome, *, raw_items: bool
) -> ThreadRequest:
    """Merge the settings. `raw_items`: have the engine send the model's raw items too.

    Raises CallerError (code `config_error`) for an unknown profile or an unreadable config.toml.
    """
    layers = (
        _by_key(_profile(home, options.profile or defaults.profile)),
        _by_key(defaults.config),
        _by_key(options.config),
    )
    config: JsonObject = {key: value for layer in layers for key, value in layer.items()}
    sandbox, permissions = _sandbox(options, layers)
    config.pop("sandbox_mode", None)
    typed: JsonObject = {
        "model": options.model,
        "model_provider": options.model_provider,
        "approval_policy": options.approval_policy,
    }
    params: JsonObject = {}
    for key, name in _TYPED.items():
        value = typed[key] if typed[key] is not None else config.get(key)
        if isinstance(value, str):
            params[name] = value
            config.pop(key, None)
    params.setdefault("approvalPolicy", home.refused_policy())
    notices = list(options.notices)
    if params["approvalPolicy"] == "on-failure" or (params["approvalPolicy"] is None and _configured_on_failure(home)):
        notices.append(ON_FAILURE_NOTICE)
    if options.patch_tool:
        notices.append(PATCH_TOOL_NOTICE)
    params["approvalPolicy"] = engine_policy(params["approvalPolicy"])
    params["approvalsReviewer"] = "user"  # whatever is configured: it is the client that is asked
    if options.compact_prompt is not None:
        config["compact_prompt"] = options.compact_prompt
    if options.plan_tool is False:
        config["tools.update_plan.enabled"] = False
    cwd = options.cwd or defaults.cwd
    params["cwd"] = None if cwd is None else home.absolute(cwd)
    params["config"] = config or None
    params["baseInstructions"] = options.base_instructions
    params["developerInstructions"] = options.developer_instructions
    params["experimentalRawEvents"] = raw_items or None
    return ThreadRequest(
        {name: value for name, value in params.items() if value is not None},
        tuple(notices),
        _shows_raw_reasoning(home, config),
        sandbox,
        permissions,
        options.denied_paths,
    )


def _sandbox(options: ThreadOptions, layers: tuple[JsonObject, ...]) -> tuple[str | None, str | None]:
    """The sandbox mode or the permission profile that the strongest layer names; of both in one, the profile."""
    if options.sandbox is not None:
        return options.sandbox, None
    for layer in reversed(layers):
        mode, profile = layer.get("sandbox_mode"), layer.get("default_permissions")
        if profile is not None:
            return None, str(profile)
        if mode is not None:
            if mode not in shapes.SANDBOX_TYPES:
                raise CallerError(
                    f"unknown sandbox_mode {mode!r}: {', '.join(shapes.SANDBOX_TYPES)}", code="config_error"
                )
            return str(mode), None
    return None, None


def resumed_settings(request: ThreadRequest, options: ThreadOptions) -> TurnOptions:
    """The settings of a conversation that is loaded already, for its next turn: the engine would ignore them now."""
    effort = request.params.get("config", {}).get("model_reasoning_effort")
    return TurnOptions(
        cwd=options.cwd,
        approval_policy=request.params.get("approvalPolicy"),
        sandbox_mode=options.sandbox,
        model=request.params.get("model"),
        effort=effort if isinstance(effort, str) else None,
    )


def _by_key(settings: JsonObject, above: str = "") -> JsonObject:
    """The settings of tables, by dotted key. The engine would put a whole table in the place of what is set in it
    already: `features` in the place of the features that this server switches off."""
    flat: JsonObject = {}
    for key, value in settings.items():
        if isinstance(value, dict) and value and all(_PLAIN_KEY.fullmatch(inner) for inner in value):
            flat |= _by_key(value, f"{above}{key}.")
        else:
            flat[above + key] = value
    return flat


def _profile(home: CodexHome, name: str | None) -> JsonObject:
    """The table `[profiles.NAME]` of config.toml, or the file NAME.config.toml beside it, as newer releases have it;
    without a name, the profile that config.toml makes the default."""
    if name is None and not home.mentions(b"profile"):
        return {}
    config = home.read_config()
    name = name or config.get("profile")
    if name is None:
        return {}
    profile = config.get("profiles", {}).get(name) or home.read_profile_file(str(name))
    if not isinstance(profile, dict):
        raise CallerError(f"config profile `{name}` not found", code="config_error")
    return dict(profile)


def _configured_on_failure(home: CodexHome) -> bool:
    return home.mentions(b"on-failure") and home.read_config().get("approval_policy") == "on-failure"


def _shows_raw_reasoning(home: CodexHome, config: JsonObject) -> bool:
    key = "show_raw_agent_reasoning"
    if key in config:
        return bool(config[key])
    return home.mentions(key.encode()) and bool(home.read_config().get(key))


def override_to_config(override: str) -> tuple[str, Any]:
    """A server flag `key=value`; the value is TOML, or a plain string where it is none. Raises CallerError."""
    key, separator, text = override.partition("=")
    if not separator or not key.strip():
        raise CallerError(f"error parsing -c overrides: Invalid override (missing '='): {override}")
    import tomllib

    try:
        value = tomllib.loads(f"value = {text.strip()}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip().strip("\"'")
    return key.strip(), value
