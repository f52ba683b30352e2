"""Lines and messages."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codex_mcp.wire import codec
from codex_mcp.wire.errors import INVALID_REQUEST, PARSE_ERROR, RpcError
from codex_mcp.wire.messages import ErrorResponse, MalformedMessage, Notification, Request, Response


def test_a_request_keeps_id_type_method_and_params() -> None:
    message = codec.decode(b'{"id":7,"method":"m","params":{"a":[1]}}')
    assert isinstance(message, Request)
    assert (message.id, message.method, message.params, message.jsonrpc) == (7, "m", {"a": [1]}, False)
    message = codec.decode(b'{"jsonrpc":"2.0","id":"7","method":"m"}')
    assert isinstance(message, Request)
    assert (message.id, message.params, message.jsonrpc) == ("7", None, True)


def test_the_four_kinds_are_told_apart() -> None:
    assert isinstance(codec.decode(b'{"method":"m"}'), Notification)
    assert isinstance(codec.decode(b'{"id":1,"result":null}'), Response)
    assert isinstance(codec.decode(b'{"id":1,"error":{"code":-1,"message":"x"}}'), ErrorResponse)


@pytest.mark.parametrize("id", ["null", "1.5", "true", "[]", "{}"])
def test_an_id_is_an_integer_or_a_string(id: str) -> None:
    with pytest.raises(MalformedMessage) as fault:
        codec.decode(f'{{"id":{id},"method":"m"}}'.encode())
    assert fault.value.code == INVALID_REQUEST


@pytest.mark.parametrize("id", [0, -5, 9007199254740993, 2**80])
def test_integer_ids_are_echoed_exactly(id: int) -> None:
    message = codec.decode(json.dumps({"id": id, "method": "m"}).encode())
    assert isinstance(message, Request)
    assert json.loads(codec.encode_result(message.id, {}, jsonrpc=False)) == {"id": id, "result": {}}


@pytest.mark.parametrize(
    "line",
    [
        b"this is not json",
        b'{"id": 900, "method": ',
        b"\xff\xfe",
        b'{"id":1,"method":"m","params":NaN}',
        b'{"id":1,"method":"m","params":1e999}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"id":1,"method":"m","params":' + b"9" * 10_000 + b"}",
    ],
    ids=["words", "half", "not-utf8", "nan", "infinity", "deep-array", "deep-object", "huge-number"],
)
def test_what_is_no_json_is_a_parse_error_with_a_reason(line: bytes) -> None:
    with pytest.raises(MalformedMessage) as fault:
        codec.decode(line)
    assert fault.value.code == PARSE_ERROR
    assert fault.value.reason


@pytest.mark.parametrize("line", [b"[]", b"null", b"17", b'"text"', b'{"id":902}', b'{"id":903,"method":5}', b"{}"])
def test_json_that_is_no_message_is_an_invalid_request(line: bytes) -> None:
    with pytest.raises(MalformedMessage) as fault:
        codec.decode(line)
    assert fault.value.code == INVALID_REQUEST


def test_of_repeated_keys_the_last_counts() -> None:
    message = codec.decode(b'{"id":1,"id":2,"method":"m"}')
    assert isinstance(message, Request)
    assert message.id == 2


def test_what_is_sent_is_one_compact_line_of_utf8() -> None:
    assert codec.encode({"a": "é\n", "b": [1, None]}) == '{"a":"é\\n","b":[1,null]}\n'.encode()


def test_a_lone_surrogate_leaves_as_an_escape() -> None:
    assert codec.encode({"a": "\ud800"}) == b'{"a":"\\ud800"}\n'


def test_nan_is_never_sent() -> None:
    with pytest.raises(ValueError, match="JSON"):
        codec.encode({"a": float("nan")})


def test_the_jsonrpc_member_is_sent_on_demand() -> None:
    assert codec.encode_notification("m", None, jsonrpc=True) == b'{"jsonrpc":"2.0","method":"m"}\n'
    assert codec.encode_notification("m", {}, jsonrpc=False) == b'{"method":"m","params":{}}\n'
    assert codec.encode_request(1, "m", {}, jsonrpc=False) == b'{"id":1,"method":"m","params":{}}\n'


def test_a_null_result_is_sent_as_null() -> None:
    assert codec.encode_result(1, None, jsonrpc=False) == b'{"id":1,"result":null}\n'


def test_error_data_is_sent_only_if_there_is_some() -> None:
    plain = json.loads(codec.encode_error(None, RpcError(-32700, "why"), jsonrpc=True))
    assert plain == {"jsonrpc": "2.0", "id": None, "error": {"code": -32700, "message": "why"}}
    rich = json.loads(codec.encode_error(1, RpcError(-1, "x", {"code": "y"}), jsonrpc=False))
    assert rich["error"]["data"] == {"code": "y"}


@pytest.mark.parametrize("error", ["text", None, {}, {"code": "x", "message": 5}])
def test_a_malformed_error_of_the_other_side_is_readable(error: object) -> None:
    assert isinstance(RpcError.from_json(error).code, int)


@pytest.fixture
def sped_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "_fast", None)  # put back afterwards
    codec.speed_up()


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.sampled_from(["a \ud800 b", "\udc00", "\n\0\u2028"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_JSON)
def test_the_fast_encoder_says_the_same(sped_up: None, value: Any) -> None:
    line = codec.encode(value)
    assert line.endswith(b"\n")
    assert b"\n" not in line[:-1]
    assert json.loads(line) == value
