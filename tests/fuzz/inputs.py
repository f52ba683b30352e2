"""What a hostile client sends: JSON values of every kind, calls of every method, lines that are none."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from codex_mcp.protocol.registry import METHODS
from codex_mcp.surfaces.mcp.catalog import EXTRA_SETS, list_tools

UNKNOWN = "00000000-0000-0000-0000-000000000001"


def nested(levels: int) -> Any:
    """Objects in lists in objects."""
    value: Any = 0
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value


_TEXTS = st.text(max_size=20) | st.text(st.characters(categories=("Cs", "Cc", "Lo")), max_size=5)
_LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([2**31, 2**32, 2**63, 2**64, -(2**63) - 1, 10**400]),
    st.floats(allow_nan=False, allow_infinity=False),
    _TEXTS,
    st.sampled_from(["x" * 100_000, "\0", "../../../../etc/passwd", "\ud800", nested(100), nested(130), nested(500)]),
)
VALUES: SearchStrategy[Any] = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXTS, inner, max_size=4), max_leaves=6
)

_ITEM = {"type": "text", "text": "hello"}
# Values that a method takes, or nearly takes, by the name of the field.
_NEAR: dict[str, list[Any]] = {
    "approvalPolicy": ["untrusted", "on-failure", "on-request", "never", "always"],
    "command": [[], ["true"], [""], ["no-such-program"], ["echo", "\0"], "true"],
    "config": [{"model": 1}, {"model_reasoning_effort": "high"}, {"": {}}, {"a.b..c": 1}, {"x": nested(130)}],
    "conversationId": [UNKNOWN, "1", "{" + UNKNOWN + "}"],
    "cursor": ["x", "2025-01-01T00:00:00Z", ""],
    "cwd": [".", "/no/such/directory", "", "\0", "relative"],
    "effort": ["low", "ultra", "extreme"],
    "history": [[], [{"type": "message", "role": "user", "content": []}], [{"type": "nothing"}], [1]],
    "items": [[], [_ITEM], [_ITEM, {"type": "image", "data": {"image_url": "data:,x"}}], [{"type": "video"}], [[]]],
    "loginId": [UNKNOWN],
    "path": ["", "sessions", "sessions/..", "../config.toml", "/etc/passwd", "\0", "x" * 5000],
    "query": ["x", "", "*" * 1000],
    "rolloutPath": ["", "sessions", "sessions/..", "../config.toml", "/etc/passwd", "\0", "x" * 5000],
    "roots": [["."], [""], ["/no/such/directory"], ["\0"]],
    "sandbox": ["read-only", "workspace-write", "none"],
    "sandboxPolicy": [{"mode": "read-only"}, {"type": "workspace-write", "writable_roots": ["x"]}, {"mode": "?"}, {}],
    "subscriptionId": [UNKNOWN],
    "summary": ["auto", "none", "all"],
    "timeoutMs": [0, -1, 1, 2**31, 2**64],
}
# Whatever is drawn for these would be run or walked through: only the values above.
_NEAR_ONLY = frozenset({"command", "roots"})


def fields(method: str) -> list[str]:
    """Names of the fields of its params, as on the wire."""
    return [field.alias or name for name, field in METHODS[method].params.model_fields.items()]


@st.composite
def calls(draw: st.DrawFn, conversation: str) -> dict[str, Any]:
    """A call of a method, with params that fit more or less; `conversation` exists."""
    method = draw(st.sampled_from(sorted(METHODS)))
    if draw(st.integers(0, 9)) == 0:
        return {"method": draw(_TEXTS), "params": draw(VALUES)}
    params: dict[str, Any] = {}
    for name in fields(method):
        near = [conversation] * 3 if name == "conversationId" else []
        near += _NEAR.get(name, [])
        strategy = st.sampled_from(near) if near else VALUES
        if name not in _NEAR_ONLY and draw(st.integers(0, 3)) == 0:
            strategy = VALUES
        if draw(st.integers(0, 5)):
            params[name] = draw(strategy)
    return {"method": method, "params": params}


_TOOLS = {tool["name"]: sorted(tool["inputSchema"]["properties"]) for tool in list_tools(EXTRA_SETS)}
_URIS = ["codex://threads", "codex://models", f"codex://threads/{UNKNOWN}/changes", "codex://threads/../x", "file:///x"]
_NEAR_TOOL: dict[str, list[Any]] = {
    "approval-policy": _NEAR["approvalPolicy"],
    "approvalId": ["1", "99"],
    "decision": ["approve", "stop", "maybe"],
    "images": [[], ["no.png"], ["data:image/png;base64,x"], ["https://example.com/x.png"]],
    "output-schema": [{}, {"type": "no"}, {"$ref": "file:///etc/passwd"}, nested(130)],
    "prompt": ["go", "", "\0"],
    "threadId": [UNKNOWN, "1", "../x"],
    "timeout-seconds": [0, -1, 0.01, 1e308],
}


@st.composite
def mcp_calls(draw: st.DrawFn, thread: str) -> dict[str, Any]:
    """A request of MCP; `thread` exists."""
    method = draw(
        st.sampled_from(
            ["tools/call"] * 6
            + ["resources/read", "resources/subscribe", "resources/list", "prompts/get", "logging/setLevel", "ping"]
        )
    )
    if method != "tools/call":
        uri = st.sampled_from([*_URIS, f"codex://threads/{thread}/transcript"]) | VALUES
        names = st.sampled_from(["delegate", "review", "nope"]) | VALUES
        level = st.sampled_from(["error", "loud"]) | VALUES
        optional = {"uri": uri, "name": names, "arguments": VALUES, "level": level, "cursor": VALUES}
        return {"method": method, "params": draw(st.fixed_dictionaries({}, optional=optional) | VALUES)}
    name = draw(st.sampled_from(sorted(_TOOLS)))
    arguments: dict[str, Any] = {}
    for argument in _TOOLS[name]:
        near: list[Any] = [thread] * 3 if argument == "threadId" else []
        near += _NEAR_TOOL.get(argument, _NEAR.get(argument, []))
        fits = st.sampled_from(near) if near else VALUES
        if draw(st.integers(0, 2)):
            arguments[argument] = draw(fits if draw(st.integers(0, 3)) else VALUES)
    if name == "codex-wait":
        arguments["timeout-seconds"] = 0
    token = draw(st.sampled_from([{}, {"progressToken": 1}, []]))
    return {"method": "tools/call", "params": {"name": name, "arguments": arguments, "_meta": token}}


_PIECES = st.sampled_from(
    [
        b"{",
        b"}",
        b"[" * 20_000,
        b'{"a":' * 5_000,
        b'"',
        b"\\ud800",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\0",
        b"\r",
        b"NaN",
        b"-Infinity",
        b"1e999",
        b"9" * 5_000,
        b'"id":1,',
        b'"id":{},',
        b'"method":"getUserAgent"',
        b'"params":[],',
        b'"result":1,',
        b'"error":null,',
        b'"jsonrpc":"3.0",',
        b'{"id":"\\ud800","method":"\\udfff"}',
        b'{"id":5,"method":"ping","id":6,"method":"getUserAgent"}',
        b'{"method":"initialized"}',
        b'{"method":"notifications/cancelled","params":{"requestId":[]}}',
    ]
)


def _cut(line: bytes, start: int, length: int) -> bytes:
    return line[: start % (len(line) + 1)] + line[start % (len(line) + 1) + length :]


LINES: SearchStrategy[bytes] = st.one_of(
    st.binary(max_size=40),
    st.lists(_PIECES, max_size=6).map(b"".join),
    st.builds(
        _cut, calls(UNKNOWN).map(lambda call: json.dumps({"id": 1, **call}).encode()), st.integers(0), st.integers(0, 9)
    ),
).map(lambda line: line.replace(b"\n", b" "))
"""Lines that are no message, hardly one, or a whole one."""
