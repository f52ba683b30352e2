"""The policy as the engine's own `requirements.toml`, for administrators: what no client and no user can lower. Pure.

It holds for every Codex on the machine. What it cannot say (patterns for commands, masking, the audit, roots) is
carried out by this server alone; the hook in it is the gate of this server, and lets a Codex without it pass.
"""

from __future__ import annotations

import os
from typing import Any

from codex_mcp.policy.document import SANDBOXES, Document
from codex_mcp.policy.engine_settings import HOOK_LIMIT
from codex_mcp.policy.gate import MANAGED_HOOK

_HEAD = """\
# From the policy `{name}`: `codex-mcp-server policy export`. For the system folder of Codex, owned by root.
# Not in it, since it cannot be said here: roots, config keys, high impact by patterns, masking, the audit{more}.
"""


def export(document: Document) -> str:
    """The text of the file."""
    import tomli_w

    absolute = [glob for glob in document.scope.deny_paths if glob.startswith("~") or os.path.isabs(glob)]
    relative = [glob for glob in document.scope.deny_paths if glob not in absolute]
    handler = {"type": "command", "command": MANAGED_HOOK, "timeout": HOOK_LIMIT}
    facts: dict[str, Any] = {
        # this server asks for `on-request` in the place of `never`, where a person has to be asked
        "allowed_approval_policies": list(dict.fromkeys([*document.ceilings.approval, "on-request"])),
        "allowed_sandbox_modes": list(SANDBOXES[: SANDBOXES.index(document.ceilings.sandbox) + 1]),
        "allow_managed_hooks_only": True,
        "features": {"hooks": True, "unified_exec_tty": False, "multi_agent": False},
        "mcp_servers": {
            name: {"identity": {"command": server.command} if server.command else {"url": server.url}}
            for name, server in document.mcp_servers.items()
        },
        "hooks": {"PreToolUse": [{"hooks": [handler]}]},
    }
    if absolute:
        facts["permissions"] = {"filesystem": {"deny_read": [_directory(glob) for glob in absolute]}}
    more = f", denied paths at any depth ({', '.join(relative)})" if relative else ""
    return _HEAD.format(name=document.name, more=more) + tomli_w.dumps(facts)


def _directory(glob: str) -> str:
    return os.path.expanduser(glob).removesuffix("/**")
