"""JSON-RPC messages as values. Plain classes: this module runs before the handshake reply."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    JsonObject: TypeAlias = dict[str, Any]
    RequestId: TypeAlias = int | str
else:  # importable without the cost of typing
    JsonObject = dict
    RequestId = int | str


class Request:
    """A call that wants an answer. `params` is whatever JSON the sender gave, `None` if it gave none."""

    __slots__ = ("id", "jsonrpc", "method", "params")

    def __init__(self, id: RequestId, method: str, params: Any = None, *, jsonrpc: bool = False) -> None:
        self.id = id
        self.method = method
        self.params = params
        self.jsonrpc = jsonrpc


class Notification:
    """A message that wants no answer."""

    __slots__ = ("method", "params")

    def __init__(self, method: str, params: Any = None) -> None:
        self.method = method
        self.params = params


class Response:
    """The result of a request of ours."""

    __slots__ = ("id", "result")

    def __init__(self, id: RequestId, result: Any) -> None:
        self.id = id
        self.result = result


class ErrorResponse:
    """The failure of a request. `error` is kept as the other side sent it; `id` None belongs to no request."""

    __slots__ = ("error", "id")

    def __init__(self, id: RequestId | None, error: Any) -> None:
        self.id = id
        self.error = error


if TYPE_CHECKING:
    Message: TypeAlias = Request | Notification | Response | ErrorResponse


class MalformedMessage(Exception):
    """A line that is no message. `code` is the JSON-RPC code that fits, the text says what is wrong."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Batch(MalformedMessage):
    """A line that holds several messages: what JSON-RPC calls a batch, and only some protocols take."""

    def __init__(self, code: int, reason: str, entries: list[Message | MalformedMessage]) -> None:
        super().__init__(code, reason)
        self.entries = entries
