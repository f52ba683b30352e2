"""What a conversation's commands may touch: what its client and its user said, and nothing that the engine would add.

The engine takes the start of a conversation that may write for the user's word that its directory can be trusted:
it writes so into config.toml, and from then on runs what the repository's own `.codex` names. So every conversation
is begun read-only, and gets its sandbox with its first turn, which trusts nobody.

Under the approval policy `untrusted` the engine runs a command that its sandbox stopped once more, outside of it,
without a question, unless something may not even be read. There the conversation is begun with a permission profile
that denies the files with the user's credentials; the sandboxes of its turns keep the denial. (Elsewhere it would cost
each start and each patch a sandbox of its own.)
"""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from codex_mcp.bridge import shapes
from codex_mcp.bridge.options import ThreadRequest, TurnOptions
from codex_mcp.engine import api
from codex_mcp.engine.home import CodexHome
from codex_mcp.engine.link import EngineLink, EngineRefusal
from codex_mcp.errors import CallerError
from codex_mcp.policy import GUARD
from codex_mcp.wire.messages import JsonObject

_PROFILE_KEY = f"permissions.{GUARD}"
_CREDENTIALS = ("auth.json", ".credentials.json")
_WRITABLE = "sandbox_workspace_write"
_CAN_DENY = os.name == "posix"  # what the sandbox of Windows makes of it is untested
_DENIED = ("deny", "none")
_SCAN_DEPTH = "glob_scan_max_depth"

# Where a setting comes from, weakest first; the engine's own names.
_LAYERS = ("mdm", "system", "user", "project", "sessionFlags")


@dataclass(frozen=True)
class Configured:
    """What is configured for a directory, all of the engine's layers together."""

    settings: JsonObject = field(default_factory=dict)
    origins: JsonObject = field(default_factory=dict)
    """Where each setting comes from, by key."""

    def layer(self, key: str) -> int:
        """How strong the layer is that has the last word about `key`."""
        name = ((self.origins.get(key) or {}).get("name") or {}).get("type")
        return _LAYERS.index(name) if name in _LAYERS else len(_LAYERS)


async def read_configured(link: EngineLink, home: CodexHome, cwd: str | None) -> Configured:
    """Ask the engine. It does not load a config.toml with legacy settings: then what the file says counts."""
    try:
        answer = await api.read_config(link, cwd=home.cwd if cwd is None else cwd)
        return Configured(answer["config"], answer.get("origins") or {})
    except EngineRefusal:
        pass
    try:
        return Configured(home.read_config())
    except CallerError:  # whoever begins a conversation is told by the engine
        return Configured()


def confine(request: ThreadRequest, configured: Configured, home: CodexHome) -> ThreadRequest:
    """The request as the engine gets it: read-only, with the sandbox that is wanted in the settings of its turns."""
    trust = _trust(configured.settings, request.params.get("cwd", home.cwd))
    turn = _wanted(request, configured, home, decided=trust is not None)
    policy = request.params.get("approvalPolicy") or configured.settings.get("approval_policy")
    if policy is None and trust == "untrusted":
        policy = "untrusted"
    denies = bool(request.denied_paths or _denials(configured.settings))
    request = replace(request, turn=turn)
    if _CAN_DENY and not is_free(turn) and (denies or policy == "untrusted"):
        return guarded(request, configured, home)
    params = {key: value for key, value in request.params.items() if key != "config"}
    config = {key: value for key, value in request.params.get("config", {}).items() if key != "default_permissions"}
    return replace(request, params={**params, **({"config": config} if config else {}), "sandbox": "read-only"})


def guarded(request: ThreadRequest, configured: Configured, home: CodexHome) -> ThreadRequest:
    """The request for a conversation in which nothing reads the credentials, or what else is denied."""
    filesystem = {
        **_denials(configured.settings),
        **dict.fromkeys((*request.denied_paths, *credentials(home)), "deny"),
    }
    config = {
        **request.params.get("config", {}),
        _PROFILE_KEY: {"extends": ":read-only", "filesystem": filesystem},
        "default_permissions": GUARD,
    }
    params = {key: value for key, value in request.params.items() if key != "sandbox"}
    return replace(request, params={**params, "config": config})


def wants_guard(request: ThreadRequest, policy: str | None, turn: TurnOptions) -> bool:
    """Whether a turn with these settings in effect needs a conversation that is `guarded`, and this one is not."""
    begun_with = request.params.get("config", {})
    return _CAN_DENY and policy == "untrusted" and not is_free(turn) and _PROFILE_KEY not in begun_with


def is_free(turn: TurnOptions) -> bool:
    """Whether a turn with these settings has no sandbox that could be left."""
    return turn.sandbox_policy is not None and turn.sandbox_policy["type"] == "dangerFullAccess"


def sandbox_policy(mode: str, request: ThreadRequest, configured: Configured, home: CodexHome) -> JsonObject:
    """A sandbox mode as the engine's policy, with the roots and exclusions of `[sandbox_workspace_write]`."""
    if mode != "workspace-write":
        return {"type": shapes.SANDBOX_TYPES[mode]}
    settings = dict(configured.settings.get(_WRITABLE) or {})
    for key, value in request.params.get("config", {}).items():
        table, _, name = key.partition(".")
        if table == _WRITABLE:
            settings.update({name: value} if name else value)
    return {
        "type": shapes.SANDBOX_TYPES[mode],
        "writableRoots": [home.absolute(root) for root in settings.get("writable_roots") or ()],
        "networkAccess": bool(settings.get("network_access")),
        "excludeTmpdirEnvVar": bool(settings.get("exclude_tmpdir_env_var")),
        "excludeSlashTmp": bool(settings.get("exclude_slash_tmp")),
    }


def credentials(home: CodexHome) -> list[str]:
    """The files that hold the user's credentials, whether or not they exist; links are followed, as the sandbox needs
    them."""
    return [os.path.realpath(home.path / name) for name in _CREDENTIALS]


def _wanted(request: ThreadRequest, configured: Configured, home: CodexHome, *, decided: bool) -> TurnOptions:
    """The sandbox as settings of a turn: what the request says, else what is configured, else the engine's default."""
    mode, profile = request.sandbox, request.permissions
    if mode is None and profile is None:
        settings = configured.settings
        mode, profile = settings.get("sandbox_mode"), settings.get("default_permissions")
        stronger = configured.layer("sandbox_mode") > configured.layer("default_permissions")
        if mode is not None and stronger:  # in the same layer it is the profile that counts
            profile = None
    if profile is not None:
        return TurnOptions(permissions=profile)
    if mode not in shapes.SANDBOX_TYPES:
        mode = "workspace-write" if decided else "read-only"
    return TurnOptions(sandbox_policy=sandbox_policy(mode, request, configured, home))


def _trust(settings: JsonObject, cwd: str) -> str | None:
    """What the user has decided about a directory, or about the repository that it is part of."""
    projects = settings.get("projects") or {}
    for place in _places(cwd):
        decision = (projects.get(place) or {}).get("trust_level")
        if decision is not None:
            return str(decision)
    return None


def _places(cwd: str) -> Iterator[str]:
    """The names under which a decision about a directory may be kept."""
    real = pathlib.Path(os.path.realpath(cwd))
    yield from dict.fromkeys((cwd, str(real)))
    for folder in (real, *real.parents):
        mark = folder / ".git"
        if mark.is_dir():
            yield str(folder)
            return
        if mark.is_file():  # a worktree: `gitdir: REPOSITORY/.git/worktrees/NAME`
            yield str(folder)
            _, _, directory = mark.read_text(errors="replace").partition("gitdir:")
            parts = pathlib.PurePath(directory.strip()).parts
            if ".git" in parts:
                yield str(pathlib.PurePath(*parts[: parts.index(".git")]))
            return


def _denials(settings: JsonObject) -> JsonObject:
    """What the user's own permission profile denies, as the table `filesystem` of a profile."""
    tables = settings.get("permissions") or {}
    name = settings.get("default_permissions")
    denied: JsonObject = {}
    seen = set()
    while isinstance(name, str) and name not in seen and isinstance(tables.get(name), dict):
        seen.add(name)
        filesystem = tables[name].get("filesystem") or {}
        for path, access in filesystem.items():
            if isinstance(access, dict):  # patterns below the path
                access = {pattern: word for pattern, word in access.items() if word in _DENIED}
                if access:
                    denied[path] = {**access, **denied.get(path, {})}
            elif access in _DENIED:
                denied[path] = access
        if denied and filesystem.get(_SCAN_DEPTH) is not None:
            denied.setdefault(_SCAN_DEPTH, filesystem[_SCAN_DEPTH])
        name = tables[name].get("extends")
    return denied
