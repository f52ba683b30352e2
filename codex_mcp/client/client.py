"""The connection of a client: typed calls, approvals by callback, events by conversation."""

from __future__ import annotations

import inspect
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeAlias, TypeVar, Unpack

import anyio
from anyio.abc import ByteReceiveStream, ByteSendStream

from codex_mcp import __version__
from codex_mcp.client.conversation import ClientConversation, read_event, read_msg
from codex_mcp.client.errors import ServerEnded, ServerNotStarted
from codex_mcp.client.settings import ConversationSettings, to_params
from codex_mcp.protocol import registry
from codex_mcp.protocol.approvals import ApplyPatchApprovalParams, Decision, ExecCommandApprovalParams
from codex_mcp.protocol.base import WireModel
from codex_mcp.protocol.conversations import (
    AddConversationListenerParams,
    ArchiveConversationParams,
    ListConversationsParams,
    ListConversationsResult,
    NewConversationResult,
    ResumeConversationParams,
    ResumeConversationResult,
)
from codex_mcp.protocol.registry import Method
from codex_mcp.protocol.settings import Model, ModelListParams
from codex_mcp.wire.errors import INTERNAL_ERROR, METHOD_NOT_FOUND, PeerClosed, RpcError
from codex_mcp.wire.messages import JsonObject, MalformedMessage
from codex_mcp.wire.peer import IncomingCall, Peer

log = logging.getLogger(__name__)

P = TypeVar("P", bound=WireModel)
R = TypeVar("R", bound=WireModel)

ApprovalRequest: TypeAlias = ExecCommandApprovalParams | ApplyPatchApprovalParams
Approve: TypeAlias = Callable[[ApprovalRequest], Decision | Awaitable[Decision]]

Trace: TypeAlias = Callable[[str, bytes], None] | None
WhyEnded: TypeAlias = Callable[[], Awaitable[ServerEnded]]

_MCP_VERSION = "2025-06-18"
_HANDSHAKE_LIMIT = 30.0  # seconds; a server of this package needs about 0.1


def deny(_request: ApprovalRequest) -> Decision:
    """What answers approvals if nobody else does."""
    return "denied"


async def _connection_ended() -> ServerEnded:
    return ServerEnded("the server ended the connection", "Connect again and resume the conversation.")


class CodexClient:
    """A connection to a server, after the handshake. Made by `start_client` and `connect_client`.

    What waits for the server raises `RpcError` if it answers with an error, and `ServerEnded` if it is gone.
    """

    def __init__(
        self, receive: ByteReceiveStream, send: ByteSendStream, approve: Approve, trace: Trace, why_ended: WhyEnded
    ) -> None:
        self.user_agent = ""
        """Who answers: `codex_cli_rs/<release of the interface> (<system>) … (<client>; <version>)`."""
        self._approve = approve
        self._why_ended = why_ended
        self._conversations: dict[str, ClientConversation] = {}
        self._efforts: dict[str, str | None] = {}
        """Reasoning efforts of conversations that are being resumed; the answer does not have it."""
        self._peer = Peer(receive, send, jsonrpc=False, trace=trace)

    async def call(self, method: Method[P, R], params: P, on_result: Callable[[R], None] | None = None) -> R:
        """Call a method of `codex_mcp.protocol.registry`.

        `on_result` gets the result before anything that the server sent after it is looked at.
        """
        read: list[R] = []

        def take(result: Any) -> None:
            read.append(method.result.model_validate(result))
            if on_result is not None:
                on_result(read[0])

        await self._request(method.name, params.to_wire(), take)
        return read[0]

    async def request(self, method: str, params: JsonObject | None) -> Any:
        """Call any method with raw JSON."""
        return await self._request(method, params)

    async def _request(
        self, method: str, params: JsonObject | None, on_result: Callable[[Any], None] | None = None
    ) -> Any:
        try:
            return await self._peer.request(method, params, on_result)
        except PeerClosed:
            raise await self._why_ended() from None

    def notify(self, method: str, params: JsonObject | None = None) -> None:
        """Send a notification with raw JSON."""
        self._peer.notify(method, params)

    async def new_conversation(
        self, *, raw_events: bool = False, **settings: Unpack[ConversationSettings]
    ) -> ClientConversation:
        """Begin a conversation and listen to it.

        `raw_events`: have `raw_response_item` events, too. Without a setting, what the server was started with and
        config.toml count. A misspelt one is a TypeError.
        """
        begun: list[ClientConversation] = []

        def register(result: NewConversationResult) -> None:  # before any event of it is looked at
            begun.append(self._register(ClientConversation(self, result)))

        await self.call(registry.NEW_CONVERSATION, to_params(settings), register)
        return await self._listen(begun[0], raw_events)

    async def resume_conversation(
        self,
        conversation_id: str | None = None,
        *,
        path: str | None = None,
        raw_events: bool = False,
        **settings: Unpack[ConversationSettings],
    ) -> ClientConversation:
        """Go on with a conversation that is kept: by its id, or by the path of its rollout. What was said in it so far
        is its `history`. Settings replace those that it had."""
        params = ResumeConversationParams(
            conversation_id=conversation_id, path=path, overrides=to_params(settings) if settings else None
        )
        resumed: list[ClientConversation] = []

        def register(result: ResumeConversationResult) -> None:
            info = NewConversationResult(
                conversation_id=result.conversation_id,
                model=result.model,
                reasoning_effort=self._efforts.pop(result.conversation_id, None),
                rollout_path=result.rollout_path,
            )
            history = [read_msg(message) for message in result.initial_messages]
            resumed.append(self._register(ClientConversation(self, info, history)))

        await self.call(registry.RESUME_CONVERSATION, params, register)
        return await self._listen(resumed[0], raw_events)

    def _register(self, conversation: ClientConversation) -> ClientConversation:
        self._conversations[conversation.id] = conversation
        return conversation

    async def _listen(self, conversation: ClientConversation, raw_events: bool) -> ClientConversation:
        params = AddConversationListenerParams(conversation_id=conversation.id, experimental_raw_events=raw_events)
        await self.call(registry.ADD_CONVERSATION_LISTENER, params)
        return conversation

    async def list_conversations(
        self, *, page_size: int | None = None, cursor: str | None = None, model_providers: Sequence[str] | None = None
    ) -> ListConversationsResult:
        """A page of the conversations that are kept, newest first; `next_cursor` of the result is the next `cursor`.

        `page_size`: 25, if not given. `model_providers`: those of the default provider, if not given; `[]`: of all.
        """
        providers = None if model_providers is None else list(model_providers)
        params = ListConversationsParams(page_size=page_size, cursor=cursor, model_providers=providers)
        return await self.call(registry.LIST_CONVERSATIONS, params)

    async def archive_conversation(self, conversation_id: str, rollout_path: str) -> None:
        """Put a conversation away: what `list_conversations` shows of it has both."""
        params = ArchiveConversationParams(conversation_id=conversation_id, rollout_path=rollout_path)
        await self.call(registry.ARCHIVE_CONVERSATION, params)

    async def models(self) -> list[Model]:
        """The models that can be chosen."""
        found: list[Model] = []
        params = ModelListParams()
        while True:
            page = await self.call(registry.MODEL_LIST, params)
            found += page.items
            if page.next_cursor is None:
                return found
            params = ModelListParams(cursor=page.next_cursor)

    async def run(self) -> None:
        """Serve the connection until the server ends it."""
        await self._peer.run(self)
        reason = await self._why_ended()
        for conversation in self._conversations.values():
            conversation.close(reason)

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
        elif method == registry.SESSION_CONFIGURED.name:
            self._efforts[params["sessionId"]] = params["reasoningEffort"]

    def on_malformed(self, fault: MalformedMessage) -> None:
        log.warning("the server sent a line that is no message: %s", fault.reason)

    def on_bug(self, error: Exception) -> None:
        log.error("a notification of the server could not be handled", exc_info=error)

    def to_rpc_error(self, error: Exception) -> RpcError:
        log.error("an approval callback failed", exc_info=error)
        return RpcError(INTERNAL_ERROR, f"{type(error).__name__}: {error}")


@asynccontextmanager
async def connect_client(
    receive: ByteReceiveStream,
    send: ByteSendStream,
    *,
    approve: Approve = deny,
    mcp: bool = False,
    name: str = "codex-mcp-client",
    version: str = __version__,
    trace: Trace = None,
    why_ended: WhyEnded = _connection_ended,
) -> AsyncIterator[CodexClient]:
    """Talk to a server over two byte streams.

    Args:
        receive: What the server says.
        send: What it is told.
        approve: Answers approvals; may be a coroutine function. Without it everything is denied.
        mcp: Open the connection as MCP; the methods are the same.
        name: Who connects, for the user agent.
        version: Its version.
        trace: Sees every line: `<` and what came, `>` and what goes.
        why_ended: Asked for the reason when the server has ended the connection.

    Raises:
        ServerNotStarted: The server did not answer the handshake, or not as a server would.
        ServerEnded: It ended later, while something was waited for.
    """
    client = CodexClient(receive, send, approve, trace, why_ended)
    failure: Exception | None = None
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(client.run)
        try:
            await _open(client, name, version, mcp=mcp)
            yield client
        except Exception as error:  # raised outside of the task group, so that callers see it and not a group
            failure = error
        tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure


async def _open(client: CodexClient, name: str, version: str, *, mcp: bool) -> None:
    """The handshake. Raises ServerNotStarted."""
    advice = "Look at what the server wrote on stderr; `codex-mcp-server doctor` checks the set-up."
    try:
        with anyio.fail_after(_HANDSHAKE_LIMIT):
            await client.handshake(name, version, mcp=mcp)
    except ServerEnded as ended:
        raise ServerNotStarted(
            f"the server did not start: {ended.reason}", advice, status=ended.status, stderr=ended.stderr
        ) from None
    except TimeoutError:
        raise ServerNotStarted(f"the server did not answer within {_HANDSHAKE_LIMIT:.0f} seconds", advice) from None
    except (RpcError, KeyError, TypeError, AttributeError) as error:
        raise ServerNotStarted(f"the server did not take the handshake: {error}", advice) from error
