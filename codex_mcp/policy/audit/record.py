"""A record of the trail. The names are a contract with those who read it: add to them, never rename."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import Struct, field

VERSION = 1

Decision = Literal["allow", "deny", "ask", "approved", "declined", "timeout", "withdrawn"]
Approver = Literal["policy", "elicitation", "v1", "none"]


class Actor(Struct, frozen=True, omit_defaults=True):
    """Who is behind the client: the user of the operating system, and what the client says of itself."""

    uid: int | None = None
    user: str = ""
    client: str = ""
    client_version: str = ""


class ServerFacts(Struct, frozen=True):
    """The process that wrote the record."""

    version: str
    pid: int


class Outcome(Struct, frozen=True, omit_defaults=True):
    """What came of an act: `status` as the engine calls it, exit status, duration in milliseconds."""

    status: str
    exit: int | None = None
    ms: int | None = None


class Fields(Struct, frozen=True, omit_defaults=True):
    """What the record is about; the trail adds the rest."""

    event: str
    """`decided`, `ended`, `masked`, or `log.…` of the trail itself."""
    actor: Actor = field(default_factory=Actor)
    thread: str = ""
    parent: str = ""
    """The thread that a sub-agent belongs to."""
    turn: str = ""
    call: str = ""
    """The engine's id of the call, the same in `decided` and `ended`."""
    kind: str = ""
    """`method`, `tool`, `thread`, `turn`, `command`, `patch`, `mcp_tool`, `model_tool`, `engine`."""
    target: str = ""
    """Tool, command or paths; masked."""
    args_sha256: str = ""
    """Keyed digest (HMAC) of the arguments."""
    impact: tuple[str, ...] = ()
    decision: Decision | None = None
    rule: str = ""
    approver: Approver | None = None
    sandbox: str = ""
    outcome: Outcome | None = None
    masked: dict[str, int] = field(default_factory=dict)
    """How much of each kind was masked in the turn."""
    detail: dict[str, Any] = field(default_factory=dict)
    """Of `log.…` records: files, heads, what was recovered."""


class Record(Struct, frozen=True):
    """A line of the trail. `prev` is the SHA-256 of the line before it, without its newline; empty in the first."""

    v: int
    seq: int
    time: str
    prev: str
    policy: str
    server: ServerFacts
    fields: Fields


def encode(record: Record) -> bytes:
    """The line, without its newline: one flat object."""
    facts = {
        "v": record.v,
        "seq": record.seq,
        "time": record.time,
        "prev": record.prev,
        "policy": record.policy,
        "server": record.server,
        **msgspec.to_builtins(record.fields),
    }
    return msgspec.json.encode(facts)
