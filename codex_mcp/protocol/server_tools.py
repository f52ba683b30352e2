"""Arguments and results of the tools of `--tools servers`."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from codex_mcp.protocol.tools import Data, ToolArguments, ToolResult

ServerName = Annotated[str, Meta(description="Name of an MCP server that Codex uses.")]
Wait = Annotated[
    Annotated[float, Meta(ge=0, le=600)] | None,
    Meta(description="Seconds to wait at most."),
]


class ServersArguments(ToolArguments):
    """Arguments of `codex-servers`."""

    name: Annotated[str | None, Meta(description="Only this server; all if not given.")] = None
    thread_id: Annotated[str | None, Meta(description="As this thread has them.")] = field(
        name="threadId", default=None
    )
    wait_seconds: Wait = None


class ServerTool(Data):
    """A tool of a server, with the hints that the server gives."""

    name: str
    title: str | None = None
    read_only_hint: bool | None = None
    destructive_hint: bool | None = None


class ServerInfo(Data):
    """An MCP server and its state."""

    name: str
    state: str
    source: str
    required: bool = False
    advice: str | None = None
    detail: str | None = None
    plugin_id: str | None = None
    origin: str | None = None
    auth: str | None = None
    tools: list[ServerTool] | None = None


class ServersResult(ToolResult):
    """Result of `codex-servers`."""

    servers: list[ServerInfo]


class LoginArguments(ToolArguments):
    """Arguments of `codex-server-login`."""

    name: ServerName
    scopes: Annotated[list[str] | None, Meta(description="OAuth scopes; all that the server has if not given.")] = None
    wait_seconds: Wait = None


class LoginResult(ToolResult):
    """Result of `codex-server-login`."""

    name: str
    status: Literal["pending", "succeeded", "failed"]
    authorization_url: str | None = None
    login_id: str | None = None
    reason: str | None = None
    """Why it failed."""


class AddArguments(ToolArguments):
    """Arguments of `codex-server-add`."""

    name: ServerName
    url: Annotated[str, Meta(description="http or https, of a server that speaks streamable HTTP.")]
    bearer_token_env_var: Annotated[
        str | None, Meta(description="Name of the environment variable that holds the key; never the key.")
    ] = None
    scopes: Annotated[list[str] | None, Meta(description="OAuth scopes to ask for.")] = None
    client_id: Annotated[str | None, Meta(description="Of an OAuth client that is registered already.")] = None
    replace: Annotated[bool | None, Meta(description="In the place of one of that name.")] = None


class RemoveArguments(ToolArguments):
    """Arguments of `codex-server-remove`."""

    name: ServerName


class EnableArguments(ToolArguments):
    """Arguments of `codex-server-enable`."""

    name: ServerName
    enabled: Annotated[bool | None, Meta(description="False switches it off.")] = None


class ChangeResult(ToolResult):
    """Result of the tools that change a server: what was done, and its state where it is known."""

    name: str
    done: str
    state: str | None = None
    advice: str | None = None
