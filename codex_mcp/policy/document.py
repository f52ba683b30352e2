"""The policy file as types. The names are a contract with those who write policies: add to them, never rename.

What a file leaves out is closed, except for the two lists that say "all" by their absence: `scope.roots` (any
directory) and `methods.tools` (what `--tools` offers).
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

Sandbox = Literal["read-only", "workspace-write", "danger-full-access"]
Approval = Literal["never", "on-request", "untrusted"]
Kind = Literal["secrets", "mail", "card", "iban"]
Text = Annotated[str, Meta(min_length=1)]

SANDBOXES: tuple[Sandbox, ...] = ("read-only", "workspace-write", "danger-full-access")
"""From the tightest to the widest."""

VERSION = 1


class Scope(Struct, frozen=True, forbid_unknown_fields=True):
    """Where clients may work."""

    roots: tuple[Text, ...] | None = None
    """Directories that hold every working directory, image and rollout of a client; absent: any."""
    deny_paths: tuple[Text, ...] = ()
    """Globs of what is neither read nor written; without a leading `/` or `~` they match at any depth."""
    project_config: Literal["ignore", "trusted"] = "ignore"
    """Whether the `.codex` folder of a repository counts."""


class Methods(Struct, frozen=True, forbid_unknown_fields=True):
    """What clients may call."""

    tools: tuple[Text, ...] | None = None
    """MCP tools that are offered; absent: those of `--tools`."""
    deny: tuple[Text, ...] = ()
    """Methods that are refused; `METHOD.PARAM` refuses the method only if it asks for that."""


class Ceilings(Struct, frozen=True, forbid_unknown_fields=True):
    """The most that a client may ask for."""

    sandbox: Sandbox = "read-only"
    network: bool = False
    approval: tuple[Approval, ...] = ("never", "on-request", "untrusted")
    config_keys: tuple[Text, ...] = ()
    """Keys of config.toml that a call may set; a key stands for everything below it."""
    above: Literal["refuse", "lower"] = "refuse"
    """What becomes of a call that asks for more."""


class McpServer(Struct, frozen=True, forbid_unknown_fields=True):
    """An MCP server that the engine may use, by what it is and not by its name alone: all that is given must match."""

    command: Text | None = None
    args: tuple[str, ...] = ()
    url: Text | None = None
    tools: tuple[Text, ...] | None = None
    """The tools of it that may be used; absent: all."""
    auth: Annotated[str, Meta(pattern=r"^(oauth|key|none|env:[A-Za-z_][A-Za-z0-9_]*)$")] = "none"
    """How it is signed in to, as a fact for the record: `oauth`, `env:NAME`, `key` or `none`."""


class HighImpact(Struct, frozen=True, forbid_unknown_fields=True):
    """A class of acts that a person must approve, each of them."""

    category: Text
    """`money`, `permissions`, `customer_records`, `production`, or a name of your own."""
    commands: tuple[Text, ...] = ()
    """Regular expressions, searched for in commands."""
    paths: tuple[Text, ...] = ()
    """Globs of files that a patch touches."""
    tools: tuple[Text, ...] = ()
    """Globs of tools: `mcp__SERVER__TOOL`."""


class Approvals(Struct, frozen=True, forbid_unknown_fields=True):
    """How a person is asked. Nobody to ask is always a no."""

    timeout_seconds: Annotated[float, Meta(gt=0, le=86_000)] = 600
    for_session: Literal["never", "low_impact"] = "low_impact"
    """Which acts may be approved for the rest of the session."""
    hidden_commands: Literal["ask", "allow"] = "ask"
    """What becomes of commands whose words the policy cannot read (`eval`, `$X`, a pipe into a shell); only where
    there are patterns for commands that they could evade."""


class Masking(Struct, frozen=True, forbid_unknown_fields=True):
    """What is masked before it leaves."""

    level: Literal["all", "records", "off"] = "all"
    """`all`: whatever goes to clients, logs and the audit; `records`: logs and audit alone."""
    to_model: Literal["off", "mcp"] = "off"
    """`mcp`: results of MCP tools before the model reads them, too."""
    kinds: tuple[Kind, ...] = ("secrets", "mail", "card", "iban")
    extra: tuple[Text, ...] = ()
    """Regular expressions of your own."""


class Audit(Struct, frozen=True, forbid_unknown_fields=True):
    """Where evidence is kept."""

    dir: Text = "~/.local/state/codex-mcp-server/audit"
    required: bool = True
    """An act that cannot be recorded is refused."""
    anchor: Annotated[str, Meta(pattern=r"^(none|syslog|otlp:https?://.+|command:.+)$")] = "none"
    """Where checkpoints go besides: `none`, `syslog`, `otlp:URL` or `command:ARGV`."""


class Document(Struct, frozen=True, forbid_unknown_fields=True):
    """A policy."""

    version: int
    name: Text = "policy"
    """Stands in every record."""
    team: str = ""
    """A label for the records."""
    mode: Literal["enforce", "observe"] = "enforce"
    """`observe`: decide and record, and let everything through."""
    scope: Scope = field(default_factory=Scope)
    methods: Methods = field(default_factory=Methods)
    ceilings: Ceilings = field(default_factory=Ceilings)
    mcp_servers: dict[str, McpServer] = field(default_factory=dict)
    """What is not listed is off."""
    high_impact: tuple[HighImpact, ...] = ()
    approval: Approvals = field(default_factory=Approvals)
    masking: Masking = field(default_factory=Masking)
    audit: Audit = field(default_factory=Audit)
