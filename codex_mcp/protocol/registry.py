"""Every method, server request and notification of the interface, with its models.

The one list: the dispatcher, the schema export, the generated reference and the typed client read it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from codex_mcp.protocol import account, approvals, conversations, servers, session, settings, utilities
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
LIST_CONVERSATIONS = Method(
    "listConversations",
    conversations.ListConversationsParams,
    conversations.ListConversationsResult,
    "Lists conversations that have a user message, newest first.",
)
GET_CONVERSATION_SUMMARY = Method(
    "getConversationSummary",
    conversations.GetConversationSummaryParams,
    conversations.GetConversationSummaryResult,
    "Describes one conversation, by id or by the path of its rollout.",
)
RESUME_CONVERSATION = Method(
    "resumeConversation",
    conversations.ResumeConversationParams,
    conversations.ResumeConversationResult,
    "Goes on with a conversation; `sessionConfigured` comes first. Listeners have to be added again.",
)
ARCHIVE_CONVERSATION = Method(
    "archiveConversation",
    conversations.ArchiveConversationParams,
    Empty,
    "Moves a conversation to the archive and closes it.",
)

GET_USER_SAVED_CONFIG = Method(
    "getUserSavedConfig", Empty, settings.GetUserSavedConfigResult, "Shows what config.toml says."
)
SET_DEFAULT_MODEL = Method(
    "setDefaultModel",
    settings.SetDefaultModelParams,
    Empty,
    "Writes model and effort to config.toml, under the active profile if there is one; comments are kept.",
)
MODEL_LIST = Method("model/list", settings.ModelListParams, settings.ModelListResult, "Lists the models.")

LOGIN_API_KEY = Method("loginApiKey", account.LoginApiKeyParams, Empty, "Signs in with an API key.")
LOGIN_CHAT_GPT = Method("loginChatGpt", Empty, account.LoginChatGptResult, "Begins a sign-in with ChatGPT.")
CANCEL_LOGIN_CHAT_GPT = Method(
    "cancelLoginChatGpt", account.CancelLoginChatGptParams, Empty, "Gives up a sign-in with ChatGPT."
)
LOGOUT_CHAT_GPT = Method("logoutChatGpt", Empty, Empty, "Signs out, whatever the user was signed in with.")
GET_AUTH_STATUS = Method(
    "getAuthStatus", account.GetAuthStatusParams, account.GetAuthStatusResult, "Says how the user is signed in."
)
USER_INFO = Method("userInfo", Empty, account.UserInfoResult, "Says who the user claims to be.")
ACCOUNT_RATE_LIMITS_READ = Method(
    "account/rateLimits/read", Empty, account.RateLimitsResult, "Asks for the limits of a ChatGPT account."
)

GIT_DIFF_TO_REMOTE = Method(
    "gitDiffToRemote",
    utilities.GitDiffToRemoteParams,
    utilities.GitDiffToRemoteResult,
    "Compares a working tree with its remote.",
)
EXEC_ONE_OFF_COMMAND = Method(
    "execOneOffCommand",
    utilities.ExecOneOffCommandParams,
    utilities.ExecOneOffCommandResult,
    "Runs a command in the sandbox.",
)
FUZZY_FILE_SEARCH = Method(
    "fuzzyFileSearch", utilities.FuzzyFileSearchParams, utilities.FuzzyFileSearchResult, "Finds files by name."
)

MCP_SERVER_STATUS_LIST = Method(
    "mcpServerStatus/list",
    servers.McpServerStatusListParams,
    servers.McpServerStatusListResult,
    "The MCP servers that Codex uses, each with its state and what to do about it; waits for those that are starting.",
)
MCP_SERVER_OAUTH_LOGIN = Method(
    "mcpServer/oauth/login",
    servers.McpServerOauthLoginParams,
    servers.McpServerOauthLoginResult,
    "Begins a sign-in to an MCP server.",
)
MCP_SERVER_OAUTH_CANCEL = Method(
    "mcpServer/oauth/cancel",
    servers.McpServerOauthCancelParams,
    Empty,
    "Forgets a sign-in; its end is told as `cancelled`.",
)
MCP_SERVER_OAUTH_LOGOUT = Method(
    "mcpServer/oauth/logout",
    servers.McpServerName,
    servers.McpServerSignedOut,
    "Removes the stored sign-in of an MCP server. The server is not told.",
)
MCP_SERVER_RESOURCE_READ = Method(
    "mcpServer/resource/read",
    servers.McpResourceReadParams,
    servers.McpResourceReadResult,
    "Reads a resource of an MCP server.",
)
MCP_SERVER_TOOL_CALL = Method(
    "mcpServer/tool/call",
    servers.McpToolCallParams,
    servers.McpToolCallResult,
    "Calls a tool of an MCP server. One that is not declared as read-only is asked for by `execCommandApproval` first.",
)
MCP_SERVER_RELOAD = Method(
    "config/mcpServer/reload",
    Empty,
    Empty,
    "Has loaded conversations connect to servers whose configuration has changed.",
)
MCP_SERVER_ADD = Method(
    "mcpServer/add",
    servers.McpServerAddParams,
    servers.McpServerStatus,
    "Writes an MCP server into config.toml, and says its state.",
)
MCP_SERVER_REMOVE = Method(
    "mcpServer/remove",
    servers.McpServerName,
    servers.McpServerSignedOut,
    "Takes an MCP server out of config.toml, its stored sign-in first.",
)
MCP_SERVER_SET_ENABLED = Method(
    "mcpServer/setEnabled", servers.McpServerSetEnabledParams, Empty, "Switches an MCP server on or off."
)
PLUGIN_LIST = Method("plugin/list", Empty, servers.PluginListResult, "Plugins, installed and available.")
PLUGIN_INSTALLED = Method("plugin/installed", Empty, servers.PluginListResult, "Plugins that are installed.")
PLUGIN_READ = Method("plugin/read", servers.PluginReadParams, servers.PluginReadResult, "What a plugin brings.")
MARKETPLACE_LIST = Method(
    "marketplace/list", Empty, servers.MarketplaceListResult, "Marketplaces with their sources and fingerprints."
)
MARKETPLACE_UPGRADE = Method(
    "marketplace/upgrade",
    servers.MarketplaceUpgradeParams,
    servers.MarketplaceUpgradeResult,
    "Upgrades Git marketplaces and the plugins that are installed from them, and says what that replaced.",
)
HOOKS_LIST = Method("hooks/list", servers.HooksListParams, servers.HooksListResult, "Hooks, with hashes and trust.")

METHODS: dict[str, Method[Any, Any]] = {
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
        LIST_CONVERSATIONS,
        GET_CONVERSATION_SUMMARY,
        RESUME_CONVERSATION,
        ARCHIVE_CONVERSATION,
        GET_USER_SAVED_CONFIG,
        SET_DEFAULT_MODEL,
        MODEL_LIST,
        LOGIN_API_KEY,
        LOGIN_CHAT_GPT,
        CANCEL_LOGIN_CHAT_GPT,
        LOGOUT_CHAT_GPT,
        GET_AUTH_STATUS,
        USER_INFO,
        ACCOUNT_RATE_LIMITS_READ,
        GIT_DIFF_TO_REMOTE,
        EXEC_ONE_OFF_COMMAND,
        FUZZY_FILE_SEARCH,
        MCP_SERVER_STATUS_LIST,
        MCP_SERVER_OAUTH_LOGIN,
        MCP_SERVER_OAUTH_CANCEL,
        MCP_SERVER_OAUTH_LOGOUT,
        MCP_SERVER_RESOURCE_READ,
        MCP_SERVER_TOOL_CALL,
        MCP_SERVER_RELOAD,
        MCP_SERVER_ADD,
        MCP_SERVER_REMOVE,
        MCP_SERVER_SET_ENABLED,
        PLUGIN_LIST,
        PLUGIN_INSTALLED,
        PLUGIN_READ,
        MARKETPLACE_LIST,
        MARKETPLACE_UPGRADE,
        HOOKS_LIST,
    )
}
"""What a client may ask."""

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

SERVER_REQUESTS: dict[str, Method[Any, Any]] = {
    method.name: method for method in (EXEC_COMMAND_APPROVAL, APPLY_PATCH_APPROVAL)
}
"""What the server asks the client."""

EVENT = NotificationType(
    "codex/event",
    session.EventNotification,
    "An event of a conversation. In the app-server dialect the method is `codex/event/<type>`.",
)
SESSION_CONFIGURED = NotificationType(
    "sessionConfigured", session.SessionConfigured, "A conversation was resumed; comes before the answer."
)
AUTH_STATUS_CHANGE = NotificationType(
    "authStatusChange", account.AuthStatusChange, "The user signed in or out; comes after the answer."
)
LOGIN_CHAT_GPT_COMPLETE = NotificationType(
    "loginChatGptComplete", account.LoginChatGptComplete, "A sign-in with ChatGPT ended."
)
RATE_LIMITS_UPDATED = NotificationType(
    "account/rateLimits/updated", account.RateLimitsUpdated, "Limits of the account, after each `token_count`."
)
MCP_SERVER_STARTUP_UPDATED = NotificationType(
    "mcpServer/startupStatus/updated",
    servers.McpServerStartupUpdated,
    "An MCP server of a conversation, or of its sub-agent, starts; to clients that have used a method of MCP servers.",
)
MCP_SERVER_OAUTH_LOGIN_COMPLETED = NotificationType(
    "mcpServer/oauthLogin/completed",
    servers.McpServerOauthLoginCompleted,
    "A sign-in to an MCP server has ended; to clients that have used a method of MCP servers.",
)

NOTIFICATIONS: dict[str, NotificationType[Any]] = {
    notification.name: notification
    for notification in (
        EVENT,
        SESSION_CONFIGURED,
        AUTH_STATUS_CHANGE,
        LOGIN_CHAT_GPT_COMPLETE,
        RATE_LIMITS_UPDATED,
        MCP_SERVER_STARTUP_UPDATED,
        MCP_SERVER_OAUTH_LOGIN_COMPLETED,
    )
}
"""What the server tells the client."""
