"""The settings of a conversation as keywords."""

from __future__ import annotations

import difflib
from typing import Any, TypedDict

from codex_mcp.protocol.choices import ApprovalPolicy, SandboxMode
from codex_mcp.protocol.conversations import NewConversationParams


class ConversationSettings(TypedDict, total=False):
    """Keywords of `new_conversation` and `resume_conversation`: the fields of `NewConversationParams`, all optional."""

    model: str | None
    model_provider: str | None
    profile: str | None
    """A profile of config.toml."""
    cwd: str | None
    """The working directory; a relative one starts at the server's."""
    approval_policy: ApprovalPolicy | None
    sandbox: SandboxMode | None
    config: dict[str, Any] | None
    """Settings of config.toml by dotted key."""
    base_instructions: str | None
    developer_instructions: str | None
    compact_prompt: str | None
    include_plan_tool: bool | None
    include_apply_patch_tool: bool | None


def to_params(settings: ConversationSettings) -> NewConversationParams:
    """The params of `newConversation`. Raises TypeError for a keyword that there is none of."""
    for name in settings:
        if name not in NewConversationParams.model_fields:
            near = difflib.get_close_matches(name, NewConversationParams.model_fields, 1)
            hint = (
                f"; did you mean {near[0]!r}?"
                if near
                else f": there are {', '.join(NewConversationParams.model_fields)}"
            )
            raise TypeError(f"a conversation has no setting {name!r}{hint}")
    return NewConversationParams(**settings)
