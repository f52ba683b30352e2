"""One line of bytes <-> one JSON-RPC message. Runs before the handshake reply: json is its only import.

Strict where the other side could be hurt: invalid UTF-8, NaN and infinities are refused, so nothing that
other JSON readers drop is ever passed on.
"""

from __future__ import annotations

import json

from codex_mcp.wire.errors import INVALID_REQUEST, PARSE_ERROR
from codex_mcp.wire.messages import Batch, ErrorResponse, MalformedMessage, Notification, Request, Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from codex_mcp.wire.errors import RpcError
    from codex_mcp.wire.messages import Message, RequestId

_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
_ascii = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), allow_nan=False)


_fast: Callable[[Any], bytes] | None = None


def speed_up() -> None:
    """Encode with msgspec from now on: several times as fast, but not loaded before the handshake reply."""
    global _fast
    import msgspec

    _fast = msgspec.json.Encoder().encode


def encode(value: Any) -> bytes:
    """One compact line, newline included. NaN and infinities raise ValueError (sped up: become null)."""
    if _fast is not None:
        try:
            return _fast(value) + b"\n"
        except (UnicodeEncodeError, OverflowError, RecursionError):  # what it cannot do: lone surrogates, huge integers
            pass
    try:
        return _compact.encode(value).encode() + b"\n"
    except UnicodeEncodeError:  # a lone surrogate: legal in JSON only as an escape
        return _ascii.encode(value).encode() + b"\n"


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"{text} is out of range")
    return value


_decoder = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)


def decode(line: bytes) -> Message:
    """Read one line. Raises MalformedMessage with the reason if it is no JSON-RPC message, Batch if it is several."""
    value = decode_value(line)
    if isinstance(value, list) and value:
        raise Batch(INVALID_REQUEST, "batches are not supported", [_entry(inner) for inner in value])
    return _message(value)


def decode_value(text: bytes) -> Any:
    """Read JSON, whatever it says. Raises MalformedMessage."""
    try:
        return _decoder.decode(text.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise MalformedMessage(PARSE_ERROR, f"not UTF-8 at byte {error.start}") from None
    except RecursionError:
        raise MalformedMessage(PARSE_ERROR, "nested too deeply") from None
    except ValueError as error:
        raise MalformedMessage(PARSE_ERROR, f"not JSON: {error}") from None


def _entry(value: Any) -> Message | MalformedMessage:
    try:
        return _message(value)
    except MalformedMessage as fault:
        return fault


def _message(value: Any) -> Message:
    if not isinstance(value, dict):
        raise MalformedMessage(INVALID_REQUEST, "a message is a JSON object")
    method = value.get("method")
    if isinstance(method, str):
        if "id" not in value:
            return Notification(method, value.get("params"))
        return Request(_request_id(value["id"]), method, value.get("params"), jsonrpc="jsonrpc" in value)
    if "method" in value:
        raise MalformedMessage(INVALID_REQUEST, "`method` is a string")
    if "error" in value and "id" in value:
        return ErrorResponse(_request_id(value["id"]), value["error"])
    if "result" in value and "id" in value:
        return Response(_request_id(value["id"]), value["result"])
    raise MalformedMessage(INVALID_REQUEST, "neither a request, a notification nor a response")


def _request_id(value: Any) -> RequestId:
    # bool is an int in Python: True would alias the id 1
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise MalformedMessage(INVALID_REQUEST, "`id` is an integer or a string")


def encode_message(message: Message, *, jsonrpc: bool) -> bytes:
    """The line of any message."""
    if isinstance(message, Notification):
        return encode_notification(message.method, message.params, jsonrpc=jsonrpc)
    if isinstance(message, Request):
        return encode_request(message.id, message.method, message.params, jsonrpc=jsonrpc)
    if isinstance(message, Response):
        return encode_result(message.id, message.result, jsonrpc=jsonrpc)
    return _encode_message({"id": message.id, "error": message.error}, jsonrpc)


def encode_request(id: RequestId, method: str, params: Any, *, jsonrpc: bool) -> bytes:
    """The line of a request; `params` None leaves them out, `jsonrpc` adds that member."""
    return _encode_message({"id": id, "method": method, "params": params}, jsonrpc)


def encode_notification(method: str, params: Any, *, jsonrpc: bool) -> bytes:
    """The line of a notification."""
    return _encode_message({"method": method, "params": params}, jsonrpc)


def encode_result(id: RequestId, result: Any, *, jsonrpc: bool) -> bytes:
    """The line of an answer."""
    return _encode_message({"id": id, "result": result}, jsonrpc)


def encode_error(id: RequestId | None, error: RpcError, *, jsonrpc: bool) -> bytes:
    """The line of an error; `id` None belongs to no request."""
    return _encode_message({"id": id, "error": error.to_json()}, jsonrpc)


def _encode_message(message: dict[str, Any], jsonrpc: bool) -> bytes:
    if message.get("params", message) is None:
        del message["params"]
    return encode({"jsonrpc": "2.0", **message} if jsonrpc else message)
