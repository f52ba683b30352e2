"""Every method, server request and notification of the interface, with its models.

The one list: the dispatcher, the schema export, the generated reference and the typed client read it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from codex_mcp.protocol import approvals, conversations, session
from codex_mcp.protocol.base import Empty, WireModel

P = TypeVar("P", bound=WireModel)
R = TypeVar("R", bound=WireModel)


@dataclass(frozen=True)
class Method(Generic[P, R]):
    """A request and its answer. `summary` says in a sentence what it does."""

    name: str
    params: type[P]
    result: type[R]
    summary: str


@dataclass(frozen=True)
class NotificationType(Generic[P]):
    """A message of the server that wants no answer."""

    name: str
    params: type[P]
    summary: str


INITIALIZE = Method(
    "initialize",
    session.InitializeParams,
    session.UserAgentResult,
    "Opens the connection in the app-server dialect; must come first, once.",
)
GET_USER_AGENT = Method("getUserAgent", Empty, session.UserAgentResult, "Says who answers, as `initialize` did.")
NEW_CONVERSATION = Method(
    "newConversation",
    conversations.NewConversationParams,
    conversations.NewConversationResult,
    "Begins a conversation.",
)
ADD_CONVERSATION_LISTENER = Method(
    "addConversationListener",
    conversations.AddConversationListenerParams,
    conversations.AddConversationListenerResult,
    "Asks for the events of a conversation. Events that waited for a listener are sent at once.",
)
REMOVE_CONVERSATION_LISTENER = Method(
    "removeConversationListener",
    conversations.RemoveConversationListenerParams,
    Empty,
    "Gives a listener up. Without one, events and approvals wait.",
)
SEND_USER_MESSAGE = Method(
    "sendUserMessage",
    conversations.SendUserMessageParams,
    Empty,
    "Sends a message; answered before the events of its turn.",
)
SEND_USER_TURN = Method(
    "sendUserTurn",
    conversations.SendUserTurnParams,
    Empty,
    "Sends a message with settings for this and later turns; answered before the events of its turn.",
)
INTERRUPT_CONVERSATION = Method(
    "interruptConversation",
    conversations.InterruptConversationParams,
    conversations.InterruptConversationResult,
    "Stops the running turn and its commands; answered after its `turn_aborted`.",
)

METHODS = {
    method.name: method
    for method in (
        INITIALIZE,
        GET_USER_AGENT,
        NEW_CONVERSATION,
        ADD_CONVERSATION_LISTENER,
        REMOVE_CONVERSATION_LISTENER,
        SEND_USER_MESSAGE,
        SEND_USER_TURN,
        INTERRUPT_CONVERSATION,
    )
}

EXEC_COMMAND_APPROVAL = Method(
    "execCommandApproval",
    approvals.ExecCommandApprovalParams,
    approvals.ApprovalResult,
    "Asks the client whether a command may run.",
)
APPLY_PATCH_APPROVAL = Method(
    "applyPatchApproval",
    approvals.ApplyPatchApprovalParams,
    approvals.ApprovalResult,
    "Asks the client whether a patch may be applied.",
)

SERVER_REQUESTS = {method.name: method for method in (EXEC_COMMAND_APPROVAL, APPLY_PATCH_APPROVAL)}

EVENT = NotificationType(
    "codex/event",
    session.EventNotification,
    "An event of a conversation. In the app-server dialect the method is `codex/event/<type>`.",
)

NOTIFICATIONS = {notification.name: notification for notification in (EVENT,)}
