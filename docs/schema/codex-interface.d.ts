// The Codex JSON-RPC interface, version 1.2.0.
// Written by `codex-mcp-server schema --typescript`; do not change it by hand.

/** `{"add": …}`. */
export interface Add {
  add: AddedFile;
}

/** Ask for the events of a conversation. */
export interface AddConversationListenerParams {
  conversationId: string;
  /** Also send `raw_response_item` events. */
  experimentalRawEvents?: boolean;
}

/** The id to remove the listener by. */
export interface AddConversationListenerResult {
  subscriptionId: string;
}

/** A file that the patch creates. */
export interface AddedFile {
  content: string;
}

/** `{"Text": …}`. */
export interface AgentContent {
  Text: AgentText;
}

/** A complete message of the agent. */
export interface AgentMessage {
  type: "agent_message";
  message: string;
}

/** What the agent answers; empty when it starts. */
export interface AgentMessageBody {
  id: string;
  content: Array<AgentContent>;
}

/** A piece of an AgentMessage item; `agent_message_delta` with the same text follows. */
export interface AgentMessageContentDelta {
  type: "agent_message_content_delta";
  thread_id: string;
  turn_id: string;
  item_id: string;
  delta: string;
}

/** A piece of a message of the agent. */
export interface AgentMessageDelta {
  type: "agent_message_delta";
  delta: string;
}

/** `{"AgentMessage": …}`. */
export interface AgentMessageItem {
  AgentMessage: AgentMessageBody;
}

/** A complete section of the reasoning summary. */
export interface AgentReasoning {
  type: "agent_reasoning";
  text: string;
}

/** A piece of the reasoning summary. */
export interface AgentReasoningDelta {
  type: "agent_reasoning_delta";
  delta: string;
}

/** The complete raw reasoning; only with `show_raw_agent_reasoning = true`. */
export interface AgentReasoningRawContent {
  type: "agent_reasoning_raw_content";
  text: string;
}

/** A piece of the raw reasoning. */
export interface AgentReasoningRawContentDelta {
  type: "agent_reasoning_raw_content_delta";
  delta: string;
}

/** A section of the reasoning summary begins. */
export interface AgentReasoningSectionBreak {
  type: "agent_reasoning_section_break";
}

/** A piece of text. */
export interface AgentText {
  text: string;
}

/** May this patch be applied? Preceded by the event `apply_patch_approval_request` of the same call. */
export interface ApplyPatchApprovalParams {
  conversationId: string;
  callId: string;
  /** By absolute path. */
  fileChanges: Record<string, FileChange>;
  reason: string | null;
  /** A directory for which write access is asked for the rest of the session. */
  grantRoot: string | null;
}

/** The request `applyPatchApproval` follows. */
export interface ApplyPatchApprovalRequest {
  type: "apply_patch_approval_request";
  call_id: string;
  changes: Record<string, FileChange>;
  reason?: string | null;
  grant_root?: string | null;
}

/** When Codex asks before it acts. */
export type ApprovalPolicy = "untrusted" | "on-failure" | "on-request" | "never";

/** The client's answer. Anything that is not one of these, an error included, is a denial. */
export interface ApprovalResult {
  decision: Decision;
}

/** Put a conversation away; both have to name the same one. */
export interface ArchiveConversationParams {
  conversationId: string;
  rolloutPath: string;
}

/** The user signed in or out. */
export interface AuthStatusChange {
  authMethod: "apikey" | "chatgpt" | null;
}

/** Something to know that is no error. */
export interface BackgroundEvent {
  type: "background_event";
  message: string;
}

/** Give up a sign-in that is under way. */
export interface CancelLoginChatGptParams {
  loginId: string;
}

/** Who connects. */
export interface ClientInfo {
  name: string;
  title?: string | null;
  version: string;
}

/** What a list shows of a conversation. */
export interface ConversationSummary {
  conversationId: string;
  path: string;
  /** The user's first message. */
  preview: string;
  /** When it was begun, RFC 3339, UTC. */
  timestamp: string | null;
  modelProvider: string;
}

/** The answer to an approval; `allow` and `deny` mean `approved` and `denied`. */
export type Decision = "approved" | "approved_for_session" | "denied" | "abort" | "allow" | "deny";

/** `{"delete": …}`. */
export interface Delete {
  delete: DeletedFile;
}

/** A file that the patch removes, with what it held. */
export interface DeletedFile {
  content: string;
}

/** Something the user relies on is no longer what it was. */
export interface DeprecationNotice {
  type: "deprecation_notice";
  summary: string;
  details?: string | null;
}

/** A span of time. */
export interface Duration {
  secs: number;
  nanos: number;
}

/** `{}`. */
export type Empty = Record<string, never>;

/** A review begins. */
export interface EnteredReviewMode {
  type: "entered_review_mode";
  prompt: string;
  user_facing_hint: string;
}

/** The turn failed (`task_complete` follows), or something of the session did (event id `""`). */
export interface ErrorEvent {
  type: "error";
  message: string;
}

/** An event of a conversation. */
export type EventMsg = ErrorEvent | TaskStarted | TaskComplete | TurnAborted | TokenCount | UserMessage | AgentMessage | AgentMessageDelta | AgentReasoning | AgentReasoningDelta | AgentReasoningRawContent | AgentReasoningRawContentDelta | AgentReasoningSectionBreak | SessionConfiguredEvent | McpToolCallBegin | McpToolCallEnd | WebSearchEnd | ExecCommandBegin | ExecCommandOutputDelta | ExecCommandEnd | ViewImageToolCall | ExecApprovalRequest | ApplyPatchApprovalRequest | DeprecationNotice | BackgroundEvent | StreamError | PatchApplyBegin | PatchApplyEnd | TurnDiff | PlanUpdate | ShutdownComplete | EnteredReviewMode | ExitedReviewMode | RawResponseItem | ItemStarted | ItemCompleted | AgentMessageContentDelta | ReasoningContentDelta | ReasoningRawContentDelta;

/** An event of a conversation. `id` is the number of the turn's submission, `""` for the session itself. */
export interface EventNotification {
  id: string;
  msg: EventMsg;
  conversationId: string;
}

/** The request `execCommandApproval` follows. */
export interface ExecApprovalRequest {
  type: "exec_approval_request";
  call_id: string;
  command: Array<string>;
  cwd: string;
  reason?: string | null;
  parsed_cmd: Array<ParsedCommand>;
}

/** May this command run? Preceded by the event `exec_approval_request` of the same call. */
export interface ExecCommandApprovalParams {
  conversationId: string;
  callId: string;
  command: Array<string>;
  cwd: string;
  reason: string | null;
  /** Always null: the engine rates no risks. */
  risk: unknown;
  parsedCmd: Array<ParsedCommand>;
}

/** A command is about to run; an approval may be asked first. */
export interface ExecCommandBegin {
  type: "exec_command_begin";
  call_id: string;
  command: Array<string>;
  cwd: string;
  parsed_cmd: Array<ParsedCommand>;
  is_user_shell_command: boolean;
}

/** A command ended. The exit code is -1 when it was rejected or killed, 124 when it was left running. */
export interface ExecCommandEnd {
  type: "exec_command_end";
  call_id: string;
  stdout: string;
  stderr: string;
  aggregated_output: string;
  exit_code: number;
  duration: Duration;
  formatted_output: string;
}

/** Output of a command, base64. */
export interface ExecCommandOutputDelta {
  type: "exec_command_output_delta";
  call_id: string;
  stream: "stdout" | "stderr";
  chunk: string;
}

/** A command outside of any conversation, in the sandbox. Its stdin is empty. */
export interface ExecOneOffCommandParams {
  command: Array<string>;
  /** 10,000 if not given. */
  timeoutMs?: number | null;
  cwd?: string | null;
  /** The configured one if not given. */
  sandboxPolicy?: SandboxPolicy | null;
}

/** How it ended and all that it printed; bytes that are no UTF-8 become U+FFFD. */
export interface ExecOneOffCommandResult {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** A review ended. */
export interface ExitedReviewMode {
  type: "exited_review_mode";
  review_output: unknown;
}

/** What a patch does to a file: exactly one key, which names the kind. */
export type FileChange = Add | Delete | Update;

/** No sandbox. */
export interface FullAccessPolicy {
  mode: "danger-full-access";
}

/** A file: `indices` are the positions of the letters in `path`, which is relative to `root`. */
export interface FuzzyFileMatch {
  root: string;
  path: string;
  file_name: string;
  score: number;
  indices: Array<number> | null;
}

/** Files below `roots` whose path contains the letters of `query` in order. */
export interface FuzzyFileSearchParams {
  query: string;
  roots: Array<string>;
  /** A newer search with the same token ends an older one. */
  cancellationToken?: string | null;
}

/** Best first. */
export interface FuzzyFileSearchResult {
  files: Array<FuzzyFileMatch>;
}

/** The token is given only if it is asked for. */
export interface GetAuthStatusParams {
  includeToken?: boolean | null;
  refreshToken?: boolean | null;
}

/** Everything null if the provider needs no OpenAI account, even when signed in. */
export interface GetAuthStatusResult {
  authMethod: "apikey" | "chatgpt" | null;
  authToken: string | null;
  requiresOpenaiAuth: boolean | null;
}

/** One of both; the path wins. A relative path is relative to CODEX_HOME. */
export interface GetConversationSummaryParams {
  rolloutPath?: string | null;
  conversationId?: string | null;
}

/** The conversation asked for. */
export interface GetConversationSummaryResult {
  summary: ConversationSummary;
}

/** The saved configuration. */
export interface GetUserSavedConfigResult {
  config: UserSavedConfig;
}

/** The working tree of `cwd` against the nearest commit that a remote knows. */
export interface GitDiffToRemoteParams {
  cwd: string;
}

/** That commit, and the diff: commits ahead, changes, untracked files below `cwd`. */
export interface GitDiffToRemoteResult {
  sha: string;
  diff: string;
}

/** Directories; the server's own if not given. */
export interface HooksListParams {
  cwds?: Array<string> | null;
}

/** The engine's own, an entry for each directory. */
export interface HooksListResult {
  data: Array<Record<string, unknown>>;
}

/** `data` of an image item: a data URL or an https URL. Both spellings of the key are taken. */
export interface ImageData {
  image_url: string;
}

/** Image of a user message, by URL. */
export interface ImageInput {
  type: "image";
  image_url: string;
}

/** An image by URL. */
export interface ImageItem {
  type: "image";
  data: ImageData;
}

/** The first request of a connection. With a `protocolVersion` beside it, it is MCP's initialize instead. */
export interface InitializeParams {
  clientInfo: ClientInfo;
}

/** A part of what the user sends. */
export type InputItem = TextItem | ImageItem | LocalImageItem;

/** Stop what is running. */
export interface InterruptConversationParams {
  conversationId: string;
}

/** Answered after the `turn_aborted` event, at once when nothing runs. */
export interface InterruptConversationResult {
  abortReason: "interrupted" | "replaced" | "review_ended";
}

/** An item of the turn is complete. */
export interface ItemCompleted {
  type: "item_completed";
  thread_id: string;
  turn_id: string;
  item: TurnItem;
}

/** An item of the turn begins. */
export interface ItemStarted {
  type: "item_started";
  thread_id: string;
  turn_id: string;
  item: TurnItem;
}

/** Page through the conversations of the user's Codex, newest first. */
export interface ListConversationsParams {
  /** 25 if not given. */
  pageSize?: number | null;
  /** `nextCursor` of the page before. */
  cursor?: string | null;
  /** Of these providers; null: of the default one; `[]`: of all. */
  modelProviders?: Array<string> | null;
}

/** A page. */
export interface ListConversationsResult {
  items: Array<ConversationSummary>;
  nextCursor: string | null;
}

/** Part of a command that lists files. */
export interface ListFilesCommand {
  type: "list_files";
  cmd: string;
  path: string | null;
}

/** `data` of a local image item: a path on this machine. */
export interface LocalImageData {
  path: string;
}

/** Image of a user message, by path. */
export interface LocalImageInput {
  type: "local_image";
  path: string;
}

/** An image file of this machine. One that cannot be read is no error: the model is told so. */
export interface LocalImageItem {
  type: "localImage";
  data: LocalImageData;
}

/** Sign in with an API key; it is kept in auth.json (mode 0600) or the keyring, as the engine is configured. */
export interface LoginApiKeyParams {
  apiKey: string;
}

/** A ChatGPT sign-in ended. */
export interface LoginChatGptComplete {
  loginId: string;
  success: boolean;
  error: string | null;
}

/** Send the user to `authUrl`; `loginChatGptComplete` tells how it ended. */
export interface LoginChatGptResult {
  loginId: string;
  authUrl: string;
}

/** With source and fingerprint. */
export interface MarketplaceListResult {
  marketplaces: Array<Record<string, unknown>>;
  errors: Array<Record<string, unknown>>;
}

/** One Git marketplace, or all. */
export interface MarketplaceUpgradeParams {
  marketplaceName?: string | null;
}

/** The engine's evidence as it came, and what is different now. */
export interface MarketplaceUpgradeResult {
  selectedMarketplaces: Array<string>;
  upgradedRoots: Array<string>;
  errors: Array<Record<string, unknown>>;
  replaced: Array<Record<string, unknown>>;
}

/** A call of a tool of another MCP server. */
export interface McpInvocation {
  server: string;
  tool: string;
  arguments: unknown;
}

/** A resource of a server. */
export interface McpResourceReadParams {
  threadId?: string | null;
  conversationId?: string | null;
  server: string;
  uri: string;
}

/** As the server gives it. */
export interface McpResourceReadResult {
  contents: Array<Record<string, unknown>>;
}

/** A server by `url`, or a `command`. Keys stay in variables. */
export interface McpServerAddParams {
  name: string;
  url?: string | null;
  command?: string | null;
  args?: Array<string> | null;
  env?: Record<string, string> | null;
  bearerTokenEnvVar?: string | null;
  httpHeaders?: Record<string, string> | null;
  envHttpHeaders?: Record<string, string> | null;
  clientId?: string | null;
  scopes?: Array<string> | null;
  required?: boolean | null;
  replace?: boolean | null;
}

/** A configured server. */
export interface McpServerName {
  name: string;
}

/** A sign-in that is under way. */
export interface McpServerOauthCancelParams {
  loginId: string;
}

/** A sign-in has ended. */
export interface McpServerOauthLoginCompleted {
  name: string;
  loginId: string | null;
  success: boolean;
  error: string | null;
}

/** Sign in by OAuth; 300 seconds for the user if not given. */
export interface McpServerOauthLoginParams {
  name: string;
  scopes?: Array<string> | null;
  timeoutSecs?: number | null;
}

/** Send the user to `authorizationUrl`; `mcpServer/oauthLogin/completed` tells the end. Engine 0.144 has no id. */
export interface McpServerOauthLoginResult {
  authorizationUrl: string;
  loginId: string | null;
}

/** Switch a server on or off. */
export interface McpServerSetEnabledParams {
  name: string;
  enabled: boolean;
}

/** Whether a sign-in was stored. */
export interface McpServerSignedOut {
  signedOut: boolean;
}

/** A server of a conversation, or of one of its sub-agents, starts, is ready, or is not. */
export interface McpServerStartupUpdated {
  threadId: string;
  parentThreadId: string | null;
  name: string;
  status: "starting" | "ready" | "failed" | "cancelled";
  error: string | null;
  failureReason: string | null;
  state: string;
  advice: string | null;
}

/** What the engine says of a server, and what that means. */
export interface McpServerStatus {
  name: string;
  state: string;
  advice: string | null;
  detail: string | null;
  runtimeStatus: string | null;
  authStatus: string | null;
  pluginId: string | null;
  httpOrigin: string | null;
  serverInfo: Record<string, unknown> | null;
  tools: Record<string, unknown>;
  toolsError: string | null;
}

/** As a conversation has them; without one, as they are configured: then they are started for it. */
export interface McpServerStatusListParams {
  threadId?: string | null;
  conversationId?: string | null;
  serverName?: string | null;
  timeoutSecs?: number | null;
}

/** All of them: there is one page. */
export interface McpServerStatusListResult {
  data: Array<McpServerStatus>;
  nextCursor: null;
}

/** A tool of another MCP server is called. */
export interface McpToolCallBegin {
  type: "mcp_tool_call_begin";
  call_id: string;
  invocation: McpInvocation;
}

/** It answered: `result` is `{"Ok": …}` or `{"Err": "…"}`. */
export interface McpToolCallEnd {
  type: "mcp_tool_call_end";
  call_id: string;
  invocation: McpInvocation;
  duration: Duration;
  result: Record<string, unknown>;
}

/** A tool of a server of a conversation. */
export interface McpToolCallParams {
  threadId?: string | null;
  conversationId?: string | null;
  server: string;
  tool: string;
  arguments?: Record<string, unknown> | null;
}

/** As the server gives it. */
export interface McpToolCallResult {
  content: Array<Record<string, unknown>>;
  structuredContent: unknown;
  isError: boolean | null;
}

/** A model. */
export interface Model {
  id: string;
  model: string;
  displayName: string;
  description: string;
  supportedReasoningEfforts: Array<ReasoningEffortOption>;
  defaultReasoningEffort: string;
  isDefault: boolean;
}

/** Page through the models; `limit` is another word for `pageSize`. */
export interface ModelListParams {
  pageSize?: number | null;
  limit?: number | null;
  /** `nextCursor` of the page before: the index of the first model. */
  cursor?: string | null;
}

/** A page. */
export interface ModelListResult {
  items: Array<Model>;
  nextCursor: string | null;
}

/** Everything is optional. Typed fields beat `config`, which beats `profile`, which beats config.toml. */
export interface NewConversationParams {
  model?: string | null;
  modelProvider?: string | null;
  profile?: string | null;
  /** Relative to the server's own; need not exist. */
  cwd?: string | null;
  approvalPolicy?: ApprovalPolicy | null;
  sandbox?: SandboxMode | null;
  /** Settings of config.toml by dotted key. */
  config?: Record<string, unknown> | null;
  baseInstructions?: string | null;
  developerInstructions?: string | null;
  compactPrompt?: string | null;
  /** On unless `false`. */
  includePlanTool?: boolean | null;
  /** Taken and without effect: whether a model has the patch tool is the model's own property today. */
  includeApplyPatchTool?: boolean | null;
}

/** The conversation that was begun. */
export interface NewConversationResult {
  conversationId: string;
  model: string;
  reasoningEffort: string | null;
  /** The file that keeps the conversation. It is written with the first turn. */
  rolloutPath: string;
}

/** What a part of a command does. */
export type ParsedCommand = ReadCommand | ListFilesCommand | SearchCommand | UnknownCommand;

/** A patch is applied. */
export interface PatchApplyBegin {
  type: "patch_apply_begin";
  call_id: string;
  auto_approved: boolean;
  changes: Record<string, FileChange>;
}

/** A patch was applied, or could not be. */
export interface PatchApplyEnd {
  type: "patch_apply_end";
  call_id: string;
  stdout: string;
  stderr: string;
  success: boolean;
}

/** A step of the plan. */
export interface PlanStep {
  step: string;
  status: "pending" | "in_progress" | "completed";
}

/** The agent's plan changed. */
export interface PlanUpdate {
  type: "plan_update";
  explanation: string | null;
  plan: Array<PlanStep>;
}

/** The engine's own. */
export interface PluginListResult {
  marketplaces: Array<Record<string, unknown>>;
  marketplaceLoadErrors: Array<Record<string, unknown>>;
}

/** A plugin of a marketplace. */
export interface PluginReadParams {
  pluginName: string;
  marketplacePath?: string | null;
}

/** The engine's own: summary, skills, hooks, names of MCP servers, apps. */
export interface PluginReadResult {
  plugin: Record<string, unknown>;
}

/** `[profiles.NAME]`. */
export interface Profile {
  model: string | null;
  modelProvider: string | null;
  approvalPolicy: ApprovalPolicy | null;
  modelReasoningEffort: string | null;
  modelReasoningSummary: ReasoningSummary | null;
  modelVerbosity: Verbosity | null;
  chatgptBaseUrl: string | null;
}

/** How much of a limit is used. `window_minutes` is its length, `resets_at` a Unix time in seconds. */
export interface RateLimitWindow {
  used_percent: number;
  window_minutes: number | null;
  resets_at: number | null;
}

/** The account's limits, as far as the provider tells. */
export interface RateLimits {
  primary: RateLimitWindow | null;
  secondary: RateLimitWindow | null;
}

/** The account's limits. */
export interface RateLimitsResult {
  rateLimits: RateLimits;
}

/** The account's limits, after each model call that told them. */
export interface RateLimitsUpdated {
  primary: RateLimitWindow | null;
  secondary: RateLimitWindow | null;
}

/** An item of the model's conversation as the provider sees it; only for listeners with raw events. */
export interface RawResponseItem {
  type: "raw_response_item";
  item: unknown;
}

/** Part of a command that reads a file. */
export interface ReadCommand {
  type: "read";
  cmd: string;
  name: string;
  path: string;
}

/** Nothing may be written, no network. */
export interface ReadOnlyPolicy {
  mode: "read-only";
}

/** What the agent thinks; empty when it starts. */
export interface ReasoningBody {
  id: string;
  summary_text: Array<string>;
  raw_content: Array<string>;
}

/** A piece of a Reasoning item; `agent_reasoning_delta` with the same text follows. */
export interface ReasoningContentDelta {
  type: "reasoning_content_delta";
  thread_id: string;
  turn_id: string;
  item_id: string;
  delta: string;
}

/** How much the model reasons. */
export type ReasoningEffort = "none" | "minimal" | "low" | "medium" | "high" | "xhigh" | "max" | "ultra";

/** An effort that a model supports. */
export interface ReasoningEffortOption {
  reasoningEffort: string;
  description: string;
}

/** `{"Reasoning": …}`. */
export interface ReasoningItem {
  Reasoning: ReasoningBody;
}

/** A piece of raw reasoning; `agent_reasoning_raw_content_delta` with the same text follows. */
export interface ReasoningRawContentDelta {
  type: "reasoning_raw_content_delta";
  thread_id: string;
  turn_id: string;
  item_id: string;
  delta: string;
}

/** How much of the reasoning is told. */
export type ReasoningSummary = "auto" | "concise" | "detailed" | "none";

/** Give a listener up. */
export interface RemoveConversationListenerParams {
  subscriptionId: string;
}

/** Go on with a conversation: by the path of its rollout, by id, or with a history of response items. The path wins over the id, the id over the history. */
export interface ResumeConversationParams {
  path?: string | null;
  conversationId?: string | null;
  history?: Array<unknown> | null;
  overrides?: NewConversationParams | null;
}

/** The conversation, with what was said in it so far, as events. */
export interface ResumeConversationResult {
  conversationId: string;
  model: string;
  initialMessages: Array<EventMsg>;
  rolloutPath: string;
}

/** What commands may touch, in a word. */
export type SandboxMode = "read-only" | "workspace-write" | "danger-full-access";

/** What commands may touch, in detail. */
export type SandboxPolicy = ReadOnlyPolicy | WorkspaceWritePolicy | FullAccessPolicy;

/** `[sandbox_workspace_write]`. */
export interface SandboxSettings {
  writableRoots: Array<string>;
  networkAccess: boolean | null;
  excludeTmpdirEnvVar: boolean | null;
  excludeSlashTmp: boolean | null;
}

/** Part of a command that searches. */
export interface SearchCommand {
  type: "search";
  cmd: string;
  query: string | null;
  path: string | null;
}

/** Send a message with the settings the conversation has. While a turn runs, the message joins it. */
export interface SendUserMessageParams {
  conversationId: string;
  items: Array<InputItem>;
}

/** Send a message with settings for this turn and those after it. While a turn runs, the message joins it and the settings count from the next turn. */
export interface SendUserTurnParams {
  conversationId: string;
  items: Array<InputItem>;
  cwd: string;
  approvalPolicy: ApprovalPolicy;
  sandboxPolicy: SandboxPolicy;
  model: string;
  effort?: ReasoningEffort | null;
  summary: ReasoningSummary;
}

/** A conversation was resumed; sent before the answer to the request. */
export interface SessionConfigured {
  sessionId: string;
  model: string;
  reasoningEffort: string | null;
  historyLogId: number;
  historyEntryCount: number;
  initialMessages: Array<EventMsg> | null;
  rolloutPath: string;
}

/** A thread of the tools `codex` and `codex-reply` is ready. Not sent for conversations of the v1 methods. */
export interface SessionConfiguredEvent {
  type: "session_configured";
  session_id: string;
  thread_id: string;
  model: string;
  model_provider_id: string;
  approval_policy?: string | null;
  cwd: string;
  reasoning_effort?: string | null;
  history_log_id: number;
  history_entry_count: number;
  initial_messages?: Array<unknown> | null;
  rollout_path: string;
}

/** The model and effort of later conversations. A key that is missing or null is removed from the file. */
export interface SetDefaultModelParams {
  model?: string | null;
  reasoningEffort?: ReasoningEffort | null;
}

/** The conversation was closed. */
export interface ShutdownComplete {
  type: "shutdown_complete";
}

/** The model's stream broke and is tried again. */
export interface StreamError {
  type: "stream_error";
  message: string;
}

/** A turn ended by itself: the last of its events. */
export interface TaskComplete {
  type: "task_complete";
  last_agent_message: string | null;
}

/** A turn begins. */
export interface TaskStarted {
  type: "task_started";
  model_context_window: number | null;
}

/** `data` of a text item. */
export interface TextData {
  text: string;
}

/** Text of a user message. */
export interface TextInput {
  type: "text";
  text: string;
}

/** Text of the user. */
export interface TextItem {
  type: "text";
  data: TextData;
}

/** Tokens used and limits left, after a model call. */
export interface TokenCount {
  type: "token_count";
  info: TokenUsageInfo | null;
  rate_limits: RateLimits | null;
}

/** Tokens of one or more model calls. */
export interface TokenUsage {
  input_tokens: number;
  cached_input_tokens: number;
  output_tokens: number;
  reasoning_output_tokens: number;
  total_tokens: number;
}

/** Tokens of the conversation and of its last model call. */
export interface TokenUsageInfo {
  total_token_usage: TokenUsage;
  last_token_usage: TokenUsage;
  model_context_window: number | null;
}

/** `[tools]`. */
export interface Tools {
  webSearch: boolean | null;
  viewImage: boolean | null;
}

/** A turn was ended: the last of its events. */
export interface TurnAborted {
  type: "turn_aborted";
  reason: "interrupted" | "replaced" | "review_ended";
}

/** All changes of the turn so far. */
export interface TurnDiff {
  type: "turn_diff";
  unified_diff: string;
}

/** An item of a turn: exactly one key, which names the kind. */
export type TurnItem = UserMessageItem | AgentMessageItem | ReasoningItem | WebSearchItem;

/** Any other part of a command. */
export interface UnknownCommand {
  type: "unknown";
  cmd: string;
}

/** `{"update": …}`. */
export interface Update {
  update: UpdatedFile;
}

/** A file that the patch changes, and moves if `move_path` is set. */
export interface UpdatedFile {
  unified_diff: string;
  move_path: string | null;
}

/** `codex_cli_rs/<release of the interface> (<system>; <architecture>) <terminal> (<client>; <version>)`. */
export interface UserAgentResult {
  userAgent: string;
}

/** The address that the sign-in claims; null with an API key. */
export interface UserInfoResult {
  allegedUserEmail: string | null;
}

/** A part of what the user sent. */
export type UserInput = TextInput | ImageInput | LocalImageInput;

/** What the user sent, taken up by the turn. */
export interface UserMessage {
  type: "user_message";
  message: string;
  images?: Array<string> | null;
}

/** What the user sent. */
export interface UserMessageBody {
  id: string;
  content: Array<UserInput>;
}

/** `{"UserMessage": …}`. */
export interface UserMessageItem {
  UserMessage: UserMessageBody;
}

/** What config.toml says; null where it says nothing. */
export interface UserSavedConfig {
  approvalPolicy: ApprovalPolicy | null;
  sandboxMode: SandboxMode | null;
  sandboxSettings: SandboxSettings | null;
  forcedChatgptWorkspaceId: string | null;
  forcedLoginMethod: "chatgpt" | "api" | null;
  model: string | null;
  modelReasoningEffort: string | null;
  modelReasoningSummary: ReasoningSummary | null;
  modelVerbosity: Verbosity | null;
  tools: Tools | null;
  profile: string | null;
  profiles: Record<string, Profile>;
}

/** How much the model says. */
export type Verbosity = "low" | "medium" | "high";

/** The agent looks at an image file. */
export interface ViewImageToolCall {
  type: "view_image_tool_call";
  call_id: string;
  path: string;
}

/** A search. */
export interface WebSearchBody {
  id: string;
  query: string;
}

/** A search was made. */
export interface WebSearchEnd {
  type: "web_search_end";
  call_id: string;
  query: string;
}

/** `{"WebSearch": …}`. */
export interface WebSearchItem {
  WebSearch: WebSearchBody;
}

/** The working directory and `writable_roots` may be written; the temporary directories too, unless excluded. */
export interface WorkspaceWritePolicy {
  mode: "workspace-write";
  writable_roots?: Array<string>;
  network_access?: boolean;
  exclude_tmpdir_env_var?: boolean;
  exclude_slash_tmp?: boolean;
}

/** What a client may ask. */
export interface Methods {
  /** Opens the connection in the app-server dialect; must come first, once. */
  "initialize": { params: InitializeParams; result: UserAgentResult; };
  /** Says who answers, as `initialize` did. */
  "getUserAgent": { params: Empty; result: UserAgentResult; };
  /** Begins a conversation. */
  "newConversation": { params: NewConversationParams; result: NewConversationResult; };
  /** Asks for the events of a conversation. Events that waited for a listener are sent at once. */
  "addConversationListener": { params: AddConversationListenerParams; result: AddConversationListenerResult; };
  /** Gives a listener up. Without one, events and approvals wait. */
  "removeConversationListener": { params: RemoveConversationListenerParams; result: Empty; };
  /** Sends a message; answered before the events of its turn. */
  "sendUserMessage": { params: SendUserMessageParams; result: Empty; };
  /** Sends a message with settings for this and later turns; answered before the events of its turn. */
  "sendUserTurn": { params: SendUserTurnParams; result: Empty; };
  /** Stops the running turn and its commands; answered after its `turn_aborted`. */
  "interruptConversation": { params: InterruptConversationParams; result: InterruptConversationResult; };
  /** Lists conversations that have a user message, newest first. */
  "listConversations": { params: ListConversationsParams; result: ListConversationsResult; };
  /** Describes one conversation, by id or by the path of its rollout. */
  "getConversationSummary": { params: GetConversationSummaryParams; result: GetConversationSummaryResult; };
  /** Goes on with a conversation; `sessionConfigured` comes first. Listeners have to be added again. */
  "resumeConversation": { params: ResumeConversationParams; result: ResumeConversationResult; };
  /** Moves a conversation to the archive and closes it. */
  "archiveConversation": { params: ArchiveConversationParams; result: Empty; };
  /** Shows what config.toml says. */
  "getUserSavedConfig": { params: Empty; result: GetUserSavedConfigResult; };
  /** Writes model and effort to config.toml, under the active profile if there is one; comments are kept. */
  "setDefaultModel": { params: SetDefaultModelParams; result: Empty; };
  /** Lists the models. */
  "model/list": { params: ModelListParams; result: ModelListResult; };
  /** Signs in with an API key. */
  "loginApiKey": { params: LoginApiKeyParams; result: Empty; };
  /** Begins a sign-in with ChatGPT. */
  "loginChatGpt": { params: Empty; result: LoginChatGptResult; };
  /** Gives up a sign-in with ChatGPT. */
  "cancelLoginChatGpt": { params: CancelLoginChatGptParams; result: Empty; };
  /** Signs out, whatever the user was signed in with. */
  "logoutChatGpt": { params: Empty; result: Empty; };
  /** Says how the user is signed in. */
  "getAuthStatus": { params: GetAuthStatusParams; result: GetAuthStatusResult; };
  /** Says who the user claims to be. */
  "userInfo": { params: Empty; result: UserInfoResult; };
  /** Asks for the limits of a ChatGPT account. */
  "account/rateLimits/read": { params: Empty; result: RateLimitsResult; };
  /** Compares a working tree with its remote. */
  "gitDiffToRemote": { params: GitDiffToRemoteParams; result: GitDiffToRemoteResult; };
  /** Runs a command in the sandbox. */
  "execOneOffCommand": { params: ExecOneOffCommandParams; result: ExecOneOffCommandResult; };
  /** Finds files by name. */
  "fuzzyFileSearch": { params: FuzzyFileSearchParams; result: FuzzyFileSearchResult; };
  /** The MCP servers that Codex uses, each with its state and what to do about it; waits for those that are starting. */
  "mcpServerStatus/list": { params: McpServerStatusListParams; result: McpServerStatusListResult; };
  /** Begins a sign-in to an MCP server. */
  "mcpServer/oauth/login": { params: McpServerOauthLoginParams; result: McpServerOauthLoginResult; };
  /** Forgets a sign-in; its end is told as `cancelled`. */
  "mcpServer/oauth/cancel": { params: McpServerOauthCancelParams; result: Empty; };
  /** Removes the stored sign-in of an MCP server. The server is not told. */
  "mcpServer/oauth/logout": { params: McpServerName; result: McpServerSignedOut; };
  /** Reads a resource of an MCP server. */
  "mcpServer/resource/read": { params: McpResourceReadParams; result: McpResourceReadResult; };
  /** Calls a tool of an MCP server. One that is not declared as read-only is asked for by `execCommandApproval` first. */
  "mcpServer/tool/call": { params: McpToolCallParams; result: McpToolCallResult; };
  /** Has loaded conversations connect to servers whose configuration has changed. */
  "config/mcpServer/reload": { params: Empty; result: Empty; };
  /** Writes an MCP server into config.toml, and says its state. */
  "mcpServer/add": { params: McpServerAddParams; result: McpServerStatus; };
  /** Takes an MCP server out of config.toml, its stored sign-in first. */
  "mcpServer/remove": { params: McpServerName; result: McpServerSignedOut; };
  /** Switches an MCP server on or off. */
  "mcpServer/setEnabled": { params: McpServerSetEnabledParams; result: Empty; };
  /** Plugins, installed and available. */
  "plugin/list": { params: Empty; result: PluginListResult; };
  /** Plugins that are installed. */
  "plugin/installed": { params: Empty; result: PluginListResult; };
  /** What a plugin brings. */
  "plugin/read": { params: PluginReadParams; result: PluginReadResult; };
  /** Marketplaces with their sources and fingerprints. */
  "marketplace/list": { params: Empty; result: MarketplaceListResult; };
  /** Upgrades Git marketplaces and the plugins that are installed from them, and says what that replaced. */
  "marketplace/upgrade": { params: MarketplaceUpgradeParams; result: MarketplaceUpgradeResult; };
  /** Hooks, with hashes and trust. */
  "hooks/list": { params: HooksListParams; result: HooksListResult; };
}

/** What the server asks the client. */
export interface ServerRequests {
  /** Asks the client whether a command may run. */
  "execCommandApproval": { params: ExecCommandApprovalParams; result: ApprovalResult; };
  /** Asks the client whether a patch may be applied. */
  "applyPatchApproval": { params: ApplyPatchApprovalParams; result: ApprovalResult; };
}

/** What the server tells. */
export interface Notifications {
  /** An event of a conversation. In the app-server dialect the method is `codex/event/<type>`. */
  "codex/event": { params: EventNotification; };
  /** A conversation was resumed; comes before the answer. */
  "sessionConfigured": { params: SessionConfigured; };
  /** The user signed in or out; comes after the answer. */
  "authStatusChange": { params: AuthStatusChange; };
  /** A sign-in with ChatGPT ended. */
  "loginChatGptComplete": { params: LoginChatGptComplete; };
  /** Limits of the account, after each `token_count`. */
  "account/rateLimits/updated": { params: RateLimitsUpdated; };
  /** An MCP server of a conversation, or of its sub-agent, starts; to clients that have used a method of MCP servers. */
  "mcpServer/startupStatus/updated": { params: McpServerStartupUpdated; };
  /** A sign-in to an MCP server has ended; to clients that have used a method of MCP servers. */
  "mcpServer/oauthLogin/completed": { params: McpServerOauthLoginCompleted; };
}

export type Method = keyof Methods;
export type Params<M extends Method> = Methods[M]["params"];
export type Result<M extends Method> = Methods[M]["result"];

/** An event by its type: `EventOf<"agent_message">`. */
export type EventOf<T extends EventMsg["type"]> = Extract<EventMsg, { type: T }>;

/** The method of an event in the app-server dialect; in MCP it is `codex/event`. */
export type EventMethod = `codex/event/${EventMsg["type"]}`;

/** The `error` member of an answer. `data.code` is stable, `message` is for people. */
export interface ErrorObject {
  code: number;
  message: string;
  data?: { code: string; [key: string]: unknown };
}
