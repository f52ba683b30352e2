"""The settings that a call of a tool may bring in `config`.

Whoever calls a tool is a model, often, and not the user. Some settings of config.toml run programs (`notify`, `hooks`,
MCP servers, commands that fetch keys) or decide who is asked, whatever the sandbox of the call: those are the user's.
What a call may set is a list; `--allow-config` makes it longer.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from codex_mcp.errors import CallerError
from codex_mcp.wire.messages import JsonObject

EVERYTHING = "all"

# With all that is below them. What is here changes how the model works, or is an argument of the tool as well.
_ALLOWED = (
    "approval_policy",
    "base_instructions",
    "compact_prompt",
    "developer_instructions",
    "hide_agent_reasoning",
    "include_apply_patch_tool",
    "include_plan_tool",
    "model",
    "model_auto_compact_token_limit",
    "model_context_window",
    "model_max_output_tokens",
    "model_provider",
    "model_reasoning_effort",
    "model_reasoning_summary",
    "model_supports_reasoning_summaries",
    "model_verbosity",
    "personality",
    "plan_mode_reasoning_effort",
    "project_doc_max_bytes",
    "review_model",
    "sandbox_mode",
    "sandbox_workspace_write",
    "service_tier",
    "show_raw_agent_reasoning",
    "tool_output_token_limit",
    "tools.update_plan",
    "tools.view_image",
    "tools.web_search",
    "web_search",
)
# Of an MCP server that is configured: what makes it do less, or later.
_OF_SERVERS = ("disabled_tools", "required", "startup_timeout_sec", "tool_timeout_sec")


def check(config: JsonObject, allowed: Iterable[str]) -> JsonObject:
    """The settings of a call, if it may set them all. `allowed`: further keys, or `all`.

    Raises CallerError (`config_not_allowed`) with those that it may not.
    """
    further = tuple(allowed)
    if EVERYTHING in further:
        return config
    refused = sorted({key for key, value in _leaves(config) if not _may_set(key, value, further)})
    if refused:
        raise CallerError(
            f"a call may not set {', '.join(f'`{key}`' for key in refused)} in `config`: it could run programs, or "
            "change who is asked. Leave it out; the user sets it in config.toml or with `-c`, or starts the server "
            f"with `--allow-config {','.join(refused)}`",
            code="config_not_allowed",
        )
    return config


def _may_set(key: str, value: Any, further: tuple[str, ...]) -> bool:
    if any(key == name or key.startswith(f"{name}.") for name in (*_ALLOWED, *further)):
        return True
    table, _, rest = key.partition(".")
    _, _, setting = rest.rpartition(".")
    if table != "mcp_servers":
        return False
    return setting in _OF_SERVERS or (setting == "enabled" and value is False)


def _leaves(config: JsonObject, above: str = "") -> Iterable[tuple[str, Any]]:
    """The settings of tables, by dotted key."""
    for key, value in config.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{above}{key}.")
        else:
            yield above + key, value
