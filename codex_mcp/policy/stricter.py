"""Two policies as one that allows what both allow. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from msgspec import structs

from codex_mcp.policy.document import (
    SANDBOXES,
    VERSION,
    Approvals,
    Audit,
    Ceilings,
    Document,
    Masking,
    McpServer,
    Methods,
    Scope,
)
from codex_mcp.policy.paths import is_below

T = TypeVar("T")


def stricter(a: Document, b: Document) -> Document:
    """The policy under which an act is allowed only if it is under `a` and under `b`.

    Observing gives way to enforcing. Where two values cannot be compared (the folder of the audit, an anchor), that
    of `a` counts; an anchor counts before none.
    """
    return Document(
        version=VERSION,
        name=a.name if a.name == b.name else f"{a.name}+{b.name}",
        team=a.team or b.team,
        mode="observe" if a.mode == b.mode == "observe" else "enforce",
        scope=Scope(
            roots=_common_trees(a.scope.roots, b.scope.roots),
            deny_paths=_either(a.scope.deny_paths, b.scope.deny_paths),
            project_config="trusted" if a.scope.project_config == b.scope.project_config == "trusted" else "ignore",
        ),
        methods=Methods(
            tools=_both_or_given(a.methods.tools, b.methods.tools), deny=_either(a.methods.deny, b.methods.deny)
        ),
        ceilings=Ceilings(
            sandbox=_strictest(SANDBOXES, a.ceilings.sandbox, b.ceilings.sandbox),
            network=a.ceilings.network and b.ceilings.network,
            approval=_both(a.ceilings.approval, b.ceilings.approval),
            config_keys=_common_keys(a.ceilings.config_keys, b.ceilings.config_keys),
            above="lower" if a.ceilings.above == b.ceilings.above == "lower" else "refuse",
        ),
        mcp_servers={
            name: structs.replace(server, tools=_both_or_given(server.tools, b.mcp_servers[name].tools))
            for name, server in a.mcp_servers.items()
            if name in b.mcp_servers and same_server(server, b.mcp_servers[name])
        },
        high_impact=_either(a.high_impact, b.high_impact),
        approval=Approvals(
            timeout_seconds=min(a.approval.timeout_seconds, b.approval.timeout_seconds),
            for_session=_strictest(("never", "low_impact"), a.approval.for_session, b.approval.for_session),
            hidden_commands=_strictest(("ask", "allow"), a.approval.hidden_commands, b.approval.hidden_commands),
        ),
        masking=Masking(
            level=_strictest(("all", "records", "off"), a.masking.level, b.masking.level),
            to_model=_strictest(("mcp", "off"), a.masking.to_model, b.masking.to_model),
            kinds=_either(a.masking.kinds, b.masking.kinds),
            extra=_either(a.masking.extra, b.masking.extra),
        ),
        audit=Audit(
            dir=a.audit.dir,
            required=a.audit.required or b.audit.required,
            anchor=b.audit.anchor if a.audit.anchor == "none" else a.audit.anchor,
        ),
    )


def same_server(a: McpServer, b: McpServer) -> bool:
    """Whether two entries name the same MCP server."""
    return (a.command, a.args, a.url, a.auth) == (b.command, b.args, b.url, b.auth)


def _strictest(order: tuple[T, ...], a: T, b: T) -> T:
    """Of two values, that which stands first in `order`."""
    return min(a, b, key=order.index)


def _either(a: Iterable[T], b: Iterable[T]) -> tuple[T, ...]:
    found: list[T] = []
    found.extend(item for item in (*a, *b) if item not in found)
    return tuple(found)


def _both(a: Iterable[T], b: Iterable[T]) -> tuple[T, ...]:
    wanted = tuple(b)
    return tuple(item for item in a if item in wanted)


def _both_or_given(a: tuple[T, ...] | None, b: tuple[T, ...] | None) -> tuple[T, ...] | None:
    """Of two lists of what is allowed, of which an absent one allows everything."""
    if a is None or b is None:
        return b if a is None else a
    return _both(a, b)


def _common_trees(a: tuple[str, ...] | None, b: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Directories that are in both: of two that lie in one another, the inner one."""
    if a is None or b is None:
        return b if a is None else a
    inner = [one for one in a if any(is_below(one, other) for other in b)]
    return _either(inner, [one for one in b if any(is_below(one, other) for other in a)])


def _common_keys(a: tuple[str, ...], b: tuple[str, ...]) -> tuple[str, ...]:
    inner = [one for one in a if any(key_covers(other, one) for other in b)]
    return _either(inner, [one for one in b if any(key_covers(other, one) for other in a)])


def key_covers(listed: str, key: str) -> bool:
    """Whether an entry of a list of keys stands for `key`: the same, or a table that holds it."""
    return key == listed or key.startswith(listed + ".")
