"""How the MCP surface behaves: what the server's flags say."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class McpOptions:
    """Flags of the server that concern MCP clients."""

    tool_sets: tuple[str, ...]
    """Sets of tools that are offered beside the default one."""
    events: bool
    """Send `codex/event` notifications; with False only to listeners that a client adds."""
    approval_timeout: float
    """Seconds for which a question to the user stays open; then it counts as denied. 0: for ever."""
    show_thread_id: bool
    """Name the thread in the text of results, for clients that show their model nothing else."""
    prompts: str | None = None
    """A directory whose files take the place of the lifecycle tools' prompts."""
    inbox: bool = False
    """Somebody beside the client can answer its questions: those of a client that cannot be asked stay open."""
    allow_config: tuple[str, ...] = ()
    """Further settings that a call of a tool may bring; see `call_config`."""
