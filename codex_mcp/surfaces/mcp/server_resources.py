"""The MCP servers that Codex uses as MCP resources, with `--tools servers`.

codex://servers                       those that are configured, with their states
codex://servers/{name}                one of them, with its tools
codex://servers/{name}/resource/{uri} a resource of one; its URI is percent-encoded
"""

from __future__ import annotations

import json
import re
import urllib.parse

from codex_mcp.bridge.agent import Agent
from codex_mcp.bridge.mcp_servers.states import State
from codex_mcp.bridge.mcp_servers.wording import plain
from codex_mcp.engine import api
from codex_mcp.engine.link import EngineRefusal
from codex_mcp.errors import CallerError
from codex_mcp.wire.messages import JsonObject

_ROOT = "codex://servers"
_SERVER = re.compile(r"codex://servers/([^/?#]{1,200})(?:/resource/([^/?#]{1,4000}))?")
_LIMIT = 15.0  # seconds
_JSON = "application/json"

FIXED: list[JsonObject] = [
    {
        "uri": _ROOT,
        "name": "servers",
        "title": "MCP servers of Codex",
        "description": "The MCP servers that Codex uses, each with its state and what to do about it.",
        "mimeType": _JSON,
    },
]

TEMPLATES: list[JsonObject] = [
    {
        "uriTemplate": _ROOT + "/{name}",
        "name": "server",
        "title": "MCP server of Codex",
        "description": "State and tools of a server.",
        "mimeType": _JSON,
    },
    {
        "uriTemplate": _ROOT + "/{name}/resource/{uri}",
        "name": "server-resource",
        "title": "Resource of an MCP server",
        "description": "What a server offers as a resource.",
    },
]


def is_one(uri: str) -> bool:
    """Whether a URI is one of these."""
    return uri == _ROOT or _SERVER.fullmatch(uri) is not None


def uris_of(name: str) -> tuple[str, str]:
    """The resources that change when the state of a server does."""
    return _ROOT, f"{_ROOT}/{urllib.parse.quote(name, safe='')}"


async def read(agent: Agent, uri: str) -> list[JsonObject]:
    """The contents. Raises CallerError if there is no such server or resource."""
    match = _SERVER.fullmatch(uri)
    if match is None:
        reports = await agent.mcp_servers.check(limit=_LIMIT)
        return [_as_json(uri, {"servers": [report.to_json() for report in reports]})]
    name = urllib.parse.unquote(match[1])
    if match[2] is not None:
        return await _resource(agent, name, urllib.parse.unquote(match[2]), uri)
    [report] = await agent.mcp_servers.check([name], limit=_LIMIT)
    if report.verdict.state is State.MISSING:
        raise CallerError(f"there is no MCP server {name!r}", code="not_found")
    return [_as_json(uri, report.to_json())]


async def _resource(agent: Agent, server: str, wanted: str, uri: str) -> list[JsonObject]:
    link = await agent.engine.link()
    try:
        answer = await api.read_mcp_resource(link, server=server, uri=wanted)
    except EngineRefusal as refusal:
        raise CallerError(plain(refusal.message), code="not_found") from None
    return [{**content, "uri": uri} for content in answer["contents"]]


def _as_json(uri: str, value: JsonObject) -> JsonObject:
    return {"uri": uri, "mimeType": _JSON, "text": json.dumps(value, ensure_ascii=False, indent=2)}
