/** A chat with Codex, without a word of VS Code: events become entries, approvals become questions. */
import { Codex, type ApprovalRequest } from "../../node/codex.mjs";
import type { ApprovalPolicy, Decision, EventMsg, FileChange, SandboxMode } from "../../node/codex-interface.js";

/** A piece of the chat. It is shown again, under the same id, whenever its text has grown. */
export interface Entry {
  id: string;
  kind: "user" | "codex" | "command" | "patch" | "plan" | "notice" | "error";
  text: string;
}

/** What the user has to decide: `title` in a line, all of it in `detail`. */
export interface Question {
  title: string;
  detail: string;
}

/** Where the chat is shown. */
export interface Host {
  show(entry: Entry): void;
  busy(running: boolean): void;
  /** Undefined if the user dismissed the question: that is a no. */
  ask(question: Question): Promise<Decision | undefined>;
  log(line: string): void;
}

export interface Settings {
  command: string;
  args: string[];
  cwd: string;
  sandbox: SandboxMode;
  approvalPolicy: ApprovalPolicy;
  env?: NodeJS.ProcessEnv;
}

export class Chat {
  #entries = new Map<string, Entry>();
  #number = 0;
  #message: Entry | undefined;
  #closing = false;

  private constructor(
    private readonly host: Host,
    private codex: Codex,
    private conversationId: string,
  ) {}

  /** Start a server and begin a conversation. */
  static async start(host: Host, settings: Settings): Promise<Chat> {
    const { command, args, cwd, sandbox, approvalPolicy, env = process.env } = settings;
    let chat: Chat | undefined;
    const codex = await Codex.start({
      command,
      args,
      cwd,
      env,
      clientInfo: { name: "codex-chat-example", version: "0.1.0" },
      onEvent: ({ msg }) => chat?.onEvent(msg),
      approve: async (request) => (await host.ask(question(request))) ?? "denied",
      onLog: (line) => host.log(line),
    });
    const { conversationId } = await codex.request("newConversation", { cwd, sandbox, approvalPolicy });
    chat = new Chat(host, codex, conversationId);
    await codex.request("addConversationListener", { conversationId });
    void codex.closed.then((reason) => chat.onClosed(reason));
    return chat;
  }

  /** Send a message; while Codex works, it joins what runs. */
  async send(text: string): Promise<void> {
    this.#show("user", text);
    const items = [{ type: "text" as const, data: { text } }];
    try {
      await this.codex.request("sendUserMessage", { conversationId: this.conversationId, items });
    } catch (error) {
      this.#show("error", String(error));
    }
  }

  /** Stop what runs. */
  async interrupt(): Promise<void> {
    await this.codex.request("interruptConversation", { conversationId: this.conversationId });
  }

  /** End the server. */
  async dispose(): Promise<void> {
    this.#closing = true;
    await this.codex.close();
  }

  /** Everything that was said, in order: for a panel that was hidden. */
  get entries(): Entry[] {
    return [...this.#entries.values()];
  }

  private onClosed(reason: Error): void {
    this.host.busy(false);
    if (!this.#closing) this.#show("error", reason.message);
  }

  private onEvent(msg: EventMsg): void {
    switch (msg.type) {
      case "task_started":
        this.host.busy(true);
        break;
      case "task_complete":
        this.host.busy(false);
        break;
      case "turn_aborted":
        this.#show("notice", "Interrupted.");
        this.host.busy(false);
        break;
      case "agent_message_delta":
        this.#message ??= this.#show("codex", "");
        this.#append(this.#message, msg.delta);
        break;
      case "agent_message":
        this.#message ??= this.#show("codex", "");
        this.#replace(this.#message, msg.message);
        this.#message = undefined;
        break;
      case "plan_update": {
        const marks = { completed: "✓", in_progress: "▸", pending: "·" };
        const steps = msg.plan.map(({ status, step }) => `${marks[status]} ${step}`);
        this.#show("plan", steps.join("\n"), "plan");
        break;
      }
      case "exec_command_begin":
        this.#show("command", `$ ${msg.command.join(" ")}\n`, msg.call_id);
        break;
      case "exec_command_output_delta": {
        const entry = this.#entries.get(msg.call_id);
        if (entry) this.#append(entry, Buffer.from(msg.chunk, "base64").toString());
        break;
      }
      case "exec_command_end": {
        const entry = this.#entries.get(msg.call_id);
        if (entry && msg.exit_code !== 0) this.#append(entry, `\n(exit status ${msg.exit_code})`);
        break;
      }
      case "patch_apply_begin":
        this.#show("patch", changesText(msg.changes), msg.call_id);
        break;
      case "patch_apply_end": {
        const entry = this.#entries.get(msg.call_id);
        if (entry && !msg.success) this.#append(entry, `\n(not applied: ${msg.stderr})`);
        break;
      }
      case "error":
        this.#show("error", msg.message);
        break;
      case "stream_error":
      case "background_event":
        this.#show("notice", msg.message);
        break;
    }
  }

  #show(kind: Entry["kind"], text: string, id = `entry-${this.#number++}`): Entry {
    const entry = { id, kind, text };
    this.#entries.set(id, entry);
    this.host.show(entry);
    return entry;
  }

  #append(entry: Entry, text: string): void {
    this.#replace(entry, entry.text + text);
  }

  #replace(entry: Entry, text: string): void {
    entry.text = text;
    this.host.show(entry);
  }
}

/** An approval in words; nothing of what is to be decided is left out. */
export function question(request: ApprovalRequest): Question {
  const because = request.params.reason ? `\n\nBecause: ${request.params.reason}` : "";
  if (request.method === "execCommandApproval") {
    const { command, cwd } = request.params;
    return { title: "May Codex run this command?", detail: `${command.join(" ")}\n\nin ${cwd}${because}` };
  }
  const { fileChanges, grantRoot } = request.params;
  const root = grantRoot ? `\n\nand write below ${grantRoot} for the rest of the session` : "";
  return { title: "May Codex make these changes?", detail: changesText(fileChanges) + root + because };
}

function changesText(changes: Record<string, FileChange>): string {
  return Object.entries(changes)
    .map(([path, change]) => {
      if ("add" in change) return `new ${path}\n${change.add.content}`;
      if ("delete" in change) return `delete ${path}`;
      const moved = change.update.move_path ? ` → ${change.update.move_path}` : "";
      return `${path}${moved}\n${change.update.unified_diff}`;
    })
    .join("\n");
}
