"""The short run."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codex_mcp.surfaces.handshake import UNANSWERED, Handshake
from codex_mcp.wire import codec
from codex_mcp.wire.errors import RpcError
from codex_mcp.wire.framing import LineDecoder, LineTooLong
from codex_mcp.wire.messages import MalformedMessage, Request
from tests.fuzz.inputs import LINES, VALUES
from tests.fuzz.probe import Probe
from tests.support.home import Home
from tests.support.raw import INITIALIZE, MCP_INITIALIZE, RawServer


@pytest.mark.requirement("reliability:input:framing")
@given(st.lists(LINES | st.binary(max_size=40), max_size=5), st.integers(1, 50))
def test_whatever_the_bytes_are_a_line_is_a_message_or_malformed(lines: list[bytes], size: int) -> None:
    data = b"\n".join(lines)
    decoder = LineDecoder(limit=60_000)
    found: list[bytes | LineTooLong] = []
    for start in range(0, min(len(data), 2_000), size):
        found += decoder.feed(data[start : start + size])
    found += decoder.feed(data[-(-min(len(data), 2_000) // size) * size :])
    for line in [*found, *decoder.finish()]:
        if isinstance(line, LineTooLong):
            continue
        try:
            message = codec.decode(line)
        except MalformedMessage as fault:
            assert fault.code in (-32700, -32600)
            assert fault.reason
            codec.encode(fault.reason)
            continue
        if isinstance(message, Request):
            answer = json.loads(codec.encode_result(message.id, {}, jsonrpc=message.jsonrpc))
            assert answer["id"] == message.id


@pytest.mark.requirement("reliability:input:handshake")
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["initialize", "ping", "tools/list", "server/discover", "getUserAgent", ""]) | st.text(),
            VALUES
            | st.fixed_dictionaries(
                {},
                optional={
                    "clientInfo": st.fixed_dictionaries({}, optional={"name": VALUES, "version": VALUES}) | VALUES,
                    "protocolVersion": st.sampled_from(["2025-06-18", "1999-01-01"]) | VALUES,
                    "capabilities": VALUES,
                },
            ),
            st.booleans(),
        ),
        max_size=4,
    )
)
def test_whatever_the_handshake_is_it_is_answered_or_refused(requests: list[tuple[str, Any, bool]]) -> None:
    handshake = Handshake()
    for method, params, jsonrpc in requests:
        before = handshake.dialect
        try:
            answer = handshake.answer(method, params, jsonrpc=jsonrpc)
        except RpcError as error:
            assert error.code in (-32600, -32601, -32602)
            assert handshake.dialect is before
            codec.encode_error(1, error, jsonrpc=jsonrpc)
            continue
        if answer is not UNANSWERED:
            codec.encode_result(1, answer, jsonrpc=jsonrpc)
        assert before is None or handshake.dialect is before


@pytest.mark.requirement("reliability:input:handshake")
def test_a_server_whose_first_lines_are_garbage_still_takes_the_handshake(home: Home) -> None:
    @settings(max_examples=6, derandomize=True, database=None, deadline=None)
    @given(st.lists(LINES, min_size=1, max_size=4), st.sampled_from([INITIALIZE, MCP_INITIALIZE]))
    def run(garbage: list[bytes], hello: dict[str, Any]) -> None:
        with RawServer(home) as server:
            for line in garbage:
                server.write(line.replace(b"initialize", b"start") + b"\n")
            server.send({**hello, "id": "hello"})
            assert "result" in server.answer("hello")

    run()


@pytest.mark.requirement("reliability:input:params")
@pytest.mark.parametrize("hello", [INITIALIZE, MCP_INITIALIZE], ids=["app-server", "mcp"])
def test_whatever_a_client_asks_it_gets_one_clean_answer(home: Home, hello: dict[str, Any]) -> None:
    with Probe(home, hello) as probe:
        probe.fuzz(80, repeatable=True)
