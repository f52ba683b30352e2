"""The connection of a client: typed calls, approvals by callback, events by conversation."""

from __future__ import annotations

import inspect
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias, TypeVar

import anyio
from anyio.abc import ByteReceiveStream, ByteSendStream

from codex_mcp import __version__
from codex_mcp.client.conversation import ClientConversation, read_event
from codex_mcp.protocol import registry
from codex_mcp.protocol.approvals import ApplyPatchApprovalParams, Decision, ExecCommandApprovalParams
from codex_mcp.protocol.base import WireModel
from codex_mcp.protocol.conversations import (
    AddConversationListenerParams,
    NewConversationParams,
    NewConversationResult,
)
from codex_mcp.protocol.registry import Method
from codex_mcp.wire.errors import INTERNAL_ERROR, METHOD_NOT_FOUND, RpcError
from codex_mcp.wire.messages import JsonObject, MalformedMessage
from codex_mcp.wire.peer import IncomingCall, Peer

log = logging.getLogger(__name__)

P = TypeVar("P", bound=WireModel)
R = TypeVar("R", bound=WireModel)

ApprovalRequest: TypeAlias = ExecCommandApprovalParams | ApplyPatchApprovalParams
Approve: TypeAlias = Callable[[ApprovalRequest], Decision | Awaitable[Decision]]

_MCP_VERSION = "2025-06-18"


def _deny(_request: ApprovalRequest) -> Decision:
    return "denied"


class CodexClient:
    """A connection to a server, after the handshake. Made by `start_client` and `connect_client`."""

    def __init__(self, receive: ByteReceiveStream, send: ByteSendStream, approve: Approve, trace: Trace) -> None:
        self.user_agent = ""
        self._approve = approve
        self._conversations: dict[str, ClientConversation] = {}
        self._peer = Peer(receive, send, self, jsonrpc=False, trace=trace)

    async def call(self, method: Method[P, R], params: P) -> R:
        """Call a method of the registry. Raises RpcError (the server's error) or PeerClosed."""
        return method.result.model_validate(await self.request(method.name, params.to_wire()))

    async def request(self, method: str, params: JsonObject | None) -> Any:
        """Call any method with raw JSON. Raises RpcError or PeerClosed."""
        return await self._peer.request(method, params)

    def notify(self, method: str, params: JsonObject | None = None) -> None:
        self._peer.notify(method, params)

    async def new_conversation(
        self, params: NewConversationParams | None = None, *, raw_events: bool = False, **fields: Any
    ) -> ClientConversation:
        """Begin a conversation and listen to it. Without `params`, `fields` are those of NewConversationParams."""
        params = params or NewConversationParams(**fields)
        method = registry.NEW_CONVERSATION
        conversation: list[ClientConversation] = []

        def register(result: Any) -> None:  # before any event of it is looked at
            conversation.append(ClientConversation(self, NewConversationResult.model_validate(result)))
            self._conversations[conversation[0].id] = conversation[0]

        await self._peer.request(method.name, params.to_wire(), register)
        await self.call(
            registry.ADD_CONVERSATION_LISTENER,
            AddConversationListenerParams(conversation_id=conversation[0].id, experimental_raw_events=raw_events),
        )
        return conversation[0]

    async def run(self) -> None:
        """Serve the connection until the server ends it."""
        await self._peer.run()
        for conversation in self._conversations.values():
            conversation.close()

    async def handshake(self, name: str, version: str, *, mcp: bool) -> None:
        """Open the connection in the app-server dialect, or as MCP."""
        info = {"name": name, "version": version}
        if mcp:
            self._peer.jsonrpc = True
            params = {"protocolVersion": _MCP_VERSION, "capabilities": {}, "clientInfo": info}
            result = await self.request("initialize", params)
            self.user_agent = result["serverInfo"].get("user_agent", "")
            self.notify("notifications/initialized")
        else:
            result = await self.request("initialize", {"clientInfo": info})
            self.user_agent = result["userAgent"]
            self.notify("initialized")

    # -- what the server sends

    def on_request(self, call: IncomingCall) -> None:
        method = registry.SERVER_REQUESTS.get(call.method)
        if method is None:
            raise RpcError(METHOD_NOT_FOUND, f"method not found: {call.method}")
        call.start(self._decide(method.params.model_validate(call.params)))

    async def _decide(self, request: Any) -> JsonObject:
        decision = self._approve(request)
        return {"decision": await decision if inspect.isawaitable(decision) else decision}

    def on_notification(self, method: str, params: Any) -> None:
        if method.split("/")[:2] == ["codex", "event"]:
            conversation = self._conversations.get(params["conversationId"])
            if conversation is not None:
                conversation.deliver(read_event(params))

    def on_malformed(self, fault: MalformedMessage) -> None:
        log.warning("the server sent a line that is no message: %s", fault.reason)

    def on_bug(self, error: Exception) -> None:
        log.error("a notification of the server could not be handled", exc_info=error)

    def to_rpc_error(self, error: Exception) -> RpcError:
        log.error("an approval callback failed", exc_info=error)
        return RpcError(INTERNAL_ERROR, f"{type(error).__name__}: {error}")


Trace: TypeAlias = Callable[[str, bytes], None] | None


@asynccontextmanager
async def connect_client(
    receive: ByteReceiveStream,
    send: ByteSendStream,
    *,
    approve: Approve = _deny,
    mcp: bool = False,
    name: str = "codex-mcp-client",
    version: str = __version__,
    trace: Trace = None,
) -> AsyncIterator[CodexClient]:
    """Talk to a server over two byte streams.

    `approve` answers approvals; it may be a coroutine function. `mcp` opens the connection in the MCP dialect.
    `trace` sees every line: `<` and what came, `>` and what goes.
    """
    client = CodexClient(receive, send, approve, trace)
    failure: Exception | None = None
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(client.run)
        try:
            await client.handshake(name, version, mcp=mcp)
            yield client
        except Exception as error:  # raised outside of the task group, so that callers see it and not a group
            failure = error
        tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure
