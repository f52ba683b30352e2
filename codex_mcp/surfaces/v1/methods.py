"""The requests of the documented interface on a connection: which there are, and who serves them.

Loaded when a client first uses it: an MCP client that calls tools does not wait for these models.
"""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from codex_mcp.bridge.account import auth_method
from codex_mcp.protocol.account import AuthStatusChange, LoginChatGptComplete
from codex_mcp.protocol.base import WireModel
from codex_mcp.protocol.registry import AUTH_STATUS_CHANGE, LOGIN_CHAT_GPT_COMPLETE, METHODS
from codex_mcp.surfaces.connection import Connection
from codex_mcp.surfaces.v1 import account, conversations, servers, settings, utilities
from codex_mcp.surfaces.v1.context import Context, Handler
from codex_mcp.wire.messages import JsonObject
from codex_mcp.wire.peer import IncomingCall

HANDLERS: dict[str, Handler] = {
    **conversations.HANDLERS,
    **account.HANDLERS,
    **settings.HANDLERS,
    **utilities.HANDLERS,
    **servers.HANDLERS,
}


class V1Methods:
    """One per connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._followers: servers.Followers | None = None
        self._unwatch = connection.agent.watch(("account/updated", "account/login/completed"), self._on_account)

    def on_request(self, call: IncomingCall) -> None:
        """Begin to serve a request. Raises RpcError."""
        method, handler = METHODS.get(call.method), HANDLERS.get(call.method)
        if method is None or handler is None:
            raise self._connection.dialect.unknown_method(call.method)
        params = self._decode(method.params, call.params)
        if self._followers is None and call.method in servers.HANDLERS:
            self._followers = servers.Followers(self._connection)
        call.start(self._serve(handler, call, params))

    async def _serve(self, handler: Handler, call: IncomingCall, params: WireModel) -> Any:
        result = await handler(Context(self._connection, call), params)
        return None if result is None else result.to_wire()

    def _decode(self, model: type[WireModel], params: Any) -> WireModel:
        if params is None:
            params = {}
        try:
            return model.model_validate(params)
        except ValidationError as error:
            raise self._connection.dialect.bad_params(_problems(error)) from None

    def _on_account(self, method: str, params: JsonObject) -> None:
        """The engine says how a sign-in ended, or that the account changed."""
        if method == "account/updated":
            change = AuthStatusChange(auth_method=auth_method(params.get("authMode")))
            self._connection.client.notify(AUTH_STATUS_CHANGE.name, change.to_wire())
        elif params.get("loginId") is not None:  # sign-ins with an API key have none
            complete = LoginChatGptComplete(
                login_id=params["loginId"], success=params["success"], error=params.get("error")
            )
            self._connection.client.notify(LOGIN_CHAT_GPT_COMPLETE.name, complete.to_wire())

    def close(self) -> None:
        """The connection is over."""
        self._unwatch()
        if self._followers is not None:
            self._followers.close()


def _problems(error: ValidationError) -> str:
    """What is wrong, without the values: there may be a secret among them."""
    found = []
    for problem in error.errors(include_url=False, include_input=False, include_context=False)[:3]:
        where = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "missing":
            found.append(f"missing field `{where}`")
        else:
            found.append(f"`{where}`: {problem['msg']}" if where else problem["msg"])
    return "; ".join(found)
