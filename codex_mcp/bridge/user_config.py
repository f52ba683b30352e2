"""The user's config.toml: what it says, and the one thing that v1 writes into it."""

from __future__ import annotations

import os
import pathlib
import re
import stat
import tempfile
import tomllib

import tomli_w
from pydantic import ValidationError

from codex_mcp.engine import api
from codex_mcp.engine.home import CodexHome
from codex_mcp.engine.link import EngineRefusal
from codex_mcp.engine.supervisor import Engine
from codex_mcp.errors import CallerError, EngineError
from codex_mcp.protocol.base import WireModel
from codex_mcp.protocol.settings import Profile, UserSavedConfig
from codex_mcp.wire.messages import JsonObject

_MODEL_KEYS = ("model", "model_reasoning_effort")


def saved_config(home: CodexHome) -> UserSavedConfig:
    """What config.toml says, not what is in effect. Raises EngineError with file, line and column, or the odd value."""
    try:
        config = home.read_config()
        return UserSavedConfig.model_validate(
            {
                **_known(UserSavedConfig, config),
                "sandbox_settings": config.get("sandbox_workspace_write"),
                "tools": _switches(config.get("tools")),
                "profiles": {name: _known(Profile, table) for name, table in config.get("profiles", {}).items()},
            }
        )
    except CallerError as error:
        raise EngineError(error.message, code=error.code) from None
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise EngineError(f"failed to parse config.toml: `{where}`: {problem['msg']}", code="config_error") from None


def _known(model: type[WireModel], table: JsonObject) -> JsonObject:
    """The settings that v1 has a place for. Values of newer forms (a table of granular policies) have none."""
    return {key: value for key, value in table.items() if key in model.model_fields and not isinstance(value, dict)}


def _switches(tools: JsonObject | None) -> JsonObject | None:
    """`[tools]`, as far as it is on and off; newer releases have tables there, too."""
    return None if tools is None else {key: value for key, value in tools.items() if isinstance(value, bool)}


async def set_default_model(engine: Engine, model: str | None, effort: str | None) -> None:
    """Write model and effort, or remove them. The engine does it, and keeps comments and layout; only the table of a
    profile, which it no longer writes to, is edited here.

    Raises EngineError if the file cannot be written, or is no TOML; it is left as it was then.
    """
    values = dict(zip(_MODEL_KEYS, (model, effort), strict=True))
    try:
        profile = engine.home.read_config().get("profile")
        if profile is not None:
            _edit_profile(engine.home.config_path, str(profile), values)
            return
        link = await engine.link()
        edits = [{"keyPath": key, "value": value, "mergeStrategy": "replace"} for key, value in values.items()]
        await api.write_config(link, edits)
    except (CallerError, EngineRefusal) as error:
        raise EngineError(f"failed to persist model selection: {error.message}", code="config_error") from None
    except OSError as error:
        reason = f"failed to persist model selection: {error.strerror or error}"
        raise EngineError(reason, code="config_error") from None


def _edit_profile(path: pathlib.Path, profile: str, values: dict[str, str | None]) -> None:
    """Set or remove keys of `[profiles.NAME]`, leaving every other line as it is."""
    text = path.read_text(encoding="utf-8")
    wanted = tomllib.loads(text)
    table = wanted.setdefault("profiles", {}).setdefault(profile, {})
    for key, value in values.items():
        if value is None:
            table.pop(key, None)
        else:
            table[key] = value
    edited = edit_table(text, ("profiles", profile), values)
    if tomllib.loads(edited) != wanted:  # written in a way that a line-wise edit cannot handle
        raise CallerError(f"[profiles.{profile}] of {path} cannot be edited; change it by hand")
    write_atomically(path, edited)


def edit_table(text: str, table: tuple[str, ...], values: dict[str, str | None]) -> str:
    """`text` with string values of a table set, or their lines removed; comments behind them stay.

    Line-wise: for tables with a header of their own and values on one line, which the caller verifies.
    """
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    start = next((i for i, line in enumerate(lines) if _header(line) == table), None)
    if start is None:
        header = ".".join(part if re.fullmatch(r"[\w-]+", part) else tomli_w.dumps({part: 0})[:-5] for part in table)
        lines += ["\n", f"[{header}]\n"]
        start = len(lines) - 1
    end = next((i for i in range(start + 1, len(lines)) if lines[i].lstrip().startswith("[")), len(lines))
    for key, value in values.items():
        found = next((i for i in range(start + 1, end) if re.match(rf"\s*{re.escape(key)}\s*=", lines[i])), None)
        new = None if value is None else tomli_w.dumps({key: value}).rstrip("\n")
        if found is not None:
            comment = re.search(r"""^[^"'#]*(?:"[^"]*"|'[^']*')?\s*?(\s*#.*)$""", lines[found].rstrip("\n"))
            if new is None:
                del lines[found]
                end -= 1
            else:
                lines[found] = new + (comment[1] if comment else "") + "\n"
        elif new is not None:
            lines.insert(start + 1, new + "\n")
            end += 1
    return "".join(lines)


def _header(line: str) -> tuple[str, ...] | None:
    """The table that a header line opens."""
    if not line.lstrip().startswith("[") or line.lstrip().startswith("[["):
        return None
    try:
        node: dict[str, object] = tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return None
    path = []
    while node:
        (key, inner), *_ = node.items()
        path.append(key)
        node = inner if isinstance(inner, dict) else {}
    return tuple(path)


def write_atomically(path: pathlib.Path, text: str) -> None:
    """Replace a file in one step, with the mode it had; a new one is for its owner alone. Links are followed."""
    target = path.resolve()
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o600
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, mode)
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise
