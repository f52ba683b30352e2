"""The handshake, in both dialects, and the few requests whose answers need nothing but this module.

A client picks its dialect with its first `initialize`: with `protocolVersion` it speaks MCP, with `clientInfo` alone
the app-server dialect. Light: it answers before the engine room is loaded (see `front_desk`), and the same object
answers afterwards.
"""

from __future__ import annotations

import os
import sys
from enum import Enum

from codex_mcp import __version__
from codex_mcp.wire.errors import INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND, RpcError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from codex_mcp.wire.messages import JsonObject

# MCP versions that open with `initialize`. The newest is offered to a client that asks for another one.
MCP_VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")

# Releases whose interface is served. Clients read them in the user agent to know what they may ask for.
APP_SERVER_RELEASE = "0.53.0"
MCP_SERVER_RELEASE = "0.153.4"


class Dialect(Enum):
    """What the client speaks. Both run over the same connection and have the same v1 methods behind them."""

    APP_SERVER = "app-server"
    MCP = "mcp"

    def unknown_method(self, method: str) -> RpcError:
        if self is Dialect.MCP:
            return RpcError(
                METHOD_NOT_FOUND, f"method not found: {method}", {"code": "unknown_method", "method": method}
            )
        return RpcError(INVALID_REQUEST, f"Invalid request: unknown method `{method}`", {"code": "unknown_method"})

    def bad_params(self, reason: str) -> RpcError:
        if self is Dialect.MCP:
            return RpcError(INVALID_PARAMS, reason, {"code": "invalid_params"})
        return RpcError(INVALID_REQUEST, f"Invalid request: {reason}", {"code": "invalid_params"})


class Unanswered(Enum):
    """The request is for somebody else."""

    UNANSWERED = "unanswered"


UNANSWERED = Unanswered.UNANSWERED


class Handshake:
    """What the client said of itself, and the answers that follow from it."""

    def __init__(self, tool_sets: tuple[str, ...] = (), *, governed: bool = False) -> None:
        """`tool_sets`: the sets of MCP tools that are offered beside the default ones. `governed`: there is a policy,
        and no tool is listed before `offers` is known."""
        self.dialect: Dialect | None = None
        self.jsonrpc = False
        """Send the `jsonrpc` member: always in MCP, otherwise if the client does."""
        self.client_capabilities: JsonObject = {}
        """MCP client capabilities."""
        self.protocol_version = ""
        """The MCP version that was agreed on."""
        self.user_agent = ""
        self.client_name = ""
        """Name and version that the client gave, `NAME/VERSION`."""
        self.offers: Callable[[str], bool] | None = None
        """Which of the tools a policy leaves."""
        self._tool_sets = tool_sets
        self._governed = governed

    @property
    def takes_batches(self) -> bool:
        """One version of MCP has them, and a server that agrees to it has to take them."""
        return self.protocol_version == "2025-03-26"

    @property
    def wants_events(self) -> bool:
        """An MCP client that asks for `codex/event` notifications, by the experimental capability of that name."""
        experimental = self.client_capabilities.get("experimental")
        return isinstance(experimental, dict) and "codex/event" in experimental

    def answer(self, method: str, params: Any, *, jsonrpc: bool) -> Any:
        """The result, or UNANSWERED if the request needs more than the handshake. Raises RpcError."""
        if self.dialect is None:
            self.jsonrpc = jsonrpc
            if method == "initialize":
                return self._initialize(params if isinstance(params, dict) else {})
            if method == "ping" and jsonrpc:
                return {}
            if method == "server/discover":  # how newer MCP clients probe: any error sends them to `initialize`
                raise Dialect.MCP.unknown_method(method)
            raise RpcError(INVALID_REQUEST, "Not initialized", {"code": "not_initialized"})
        if method == "initialize":
            again = "initialize called more than once" if self.dialect is Dialect.MCP else "Already initialized"
            raise RpcError(INVALID_REQUEST, again, {"code": "already_initialized"})
        if method == "getUserAgent":  # what released clients ask first
            return {"userAgent": self.user_agent}
        if self.dialect is Dialect.MCP:
            if method == "ping":
                return {}
            if method == "tools/list":
                from codex_mcp.surfaces.mcp.catalog import list_tools

                if not self._governed:
                    return {"tools": list_tools(self._tool_sets)}
                if self.offers is not None:
                    return {"tools": [tool for tool in list_tools(self._tool_sets) if self.offers(tool["name"])]}
        return UNANSWERED

    def _initialize(self, params: JsonObject) -> JsonObject:
        dialect = Dialect.MCP if "protocolVersion" in params else Dialect.APP_SERVER
        client = params.get("clientInfo")
        if not isinstance(client, dict):
            raise dialect.bad_params("missing field `clientInfo`")
        name, version = client.get("name"), client.get("version")
        for field, value in (("name", name), ("version", version)):
            if not isinstance(value, str):
                raise dialect.bad_params(f"`clientInfo.{field}` is a string and required")
        self.client_name = f"{name}/{version}"
        if dialect is Dialect.APP_SERVER:
            self.dialect = dialect
            self.user_agent = _user_agent(APP_SERVER_RELEASE, f"{name}; {version}")
            return {"userAgent": self.user_agent}
        capabilities = params.get("capabilities", {})
        wanted = params["protocolVersion"]
        if not isinstance(wanted, str) or not isinstance(capabilities, dict):
            raise dialect.bad_params("`protocolVersion` is a string, `capabilities` an object")
        self.dialect = dialect
        self.jsonrpc = True
        self.client_capabilities = capabilities
        self.protocol_version = wanted if wanted in MCP_VERSIONS else MCP_VERSIONS[-1]
        self.user_agent = _user_agent(MCP_SERVER_RELEASE, f"{name}; {version}")
        return {
            "protocolVersion": self.protocol_version,
            "capabilities": {
                "tools": {"listChanged": False},
                "resources": {"subscribe": True, "listChanged": False},
                "prompts": {"listChanged": False},
                "logging": {},
            },
            "serverInfo": {
                "name": "codex-mcp-server",
                "title": "Codex",
                "version": __version__,
                "user_agent": self.user_agent,
            },
        }


def _user_agent(release: str, client: str) -> str:
    """As the released servers had it: product, system, terminal, client. Characters that no header takes become `_`."""
    if sys.platform == "win32":
        system = (
            f"Windows {'.'.join(map(str, sys.getwindowsversion()[:3]))}; {os.environ.get('PROCESSOR_ARCHITECTURE')}"
        )
    else:
        machine = os.uname()
        system = f"{machine.sysname} {machine.release}; {machine.machine}"
    terminal = os.environ.get("TERM") or "unknown"
    text = f"codex_cli_rs/{release} ({system}) {terminal} ({client})"
    return "".join(c if " " <= c <= "~" else "_" for c in text)
