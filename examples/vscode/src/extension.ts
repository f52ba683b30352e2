/** The chat in VS Code: a panel, approvals as native dialogs. */
import { randomBytes } from "node:crypto";
import * as vscode from "vscode";
import type { ApprovalPolicy, Decision, SandboxMode } from "../../node/codex-interface.js";
import { Chat, type Entry, type Host, type Question, type Settings } from "./chat.js";

const CHOICES: Record<string, Decision> = {
  Allow: "approved",
  "Allow for This Session": "approved_for_session",
  "Deny and Stop": "abort",
};

export function activate(context: vscode.ExtensionContext): void {
  const panel = new Panel(context.extensionUri);
  context.subscriptions.push(
    panel,
    vscode.window.registerWebviewViewProvider("codexChat.panel", panel),
    vscode.commands.registerCommand("codexChat.new", () => panel.restart()),
    vscode.commands.registerCommand("codexChat.interrupt", () => panel.interrupt()),
  );
}

class Panel implements vscode.WebviewViewProvider, vscode.Disposable, Host {
  private readonly output = vscode.window.createOutputChannel("Codex chat");
  private view: vscode.WebviewView | undefined;
  private chat: Promise<Chat> | undefined;

  constructor(private readonly root: vscode.Uri) {}

  // -- the panel

  resolveWebviewView(view: vscode.WebviewView): void {
    this.view = view;
    view.webview.options = { enableScripts: true, localResourceRoots: [vscode.Uri.joinPath(this.root, "media")] };
    view.webview.onDidReceiveMessage((message) => this.onMessage(message));
    view.onDidDispose(() => (this.view = undefined));
    view.webview.html = this.html(view.webview);
  }

  private async onMessage(message: { type: "ready" | "send" | "interrupt"; text?: string }): Promise<void> {
    if (message.type === "ready") {
      const chat = await this.chat?.catch(() => undefined);
      for (const entry of chat?.entries ?? []) this.show(entry);
    } else if (message.type === "interrupt") {
      await this.interrupt();
    } else if (message.text) {
      this.chat ??= Chat.start(this, settings());
      try {
        await (await this.chat).send(message.text);
      } catch (error) {
        this.chat = undefined;
        this.show({ id: `failed-${Date.now()}`, kind: "error", text: String(error) });
      }
    }
  }

  private html(webview: vscode.Webview): string {
    const nonce = randomBytes(16).toString("base64");
    const file = (name: string) => webview.asWebviewUri(vscode.Uri.joinPath(this.root, "media", name));
    const policy = `default-src 'none'; style-src ${webview.cspSource}; script-src 'nonce-${nonce}'`;
    return `<!DOCTYPE html>
      <html lang="en">
        <head>
          <meta charset="UTF-8">
          <meta http-equiv="Content-Security-Policy" content="${policy}">
          <link rel="stylesheet" href="${file("panel.css")}">
        </head>
        <body>
          <div id="entries" role="log" aria-live="polite"></div>
          <form>
            <textarea rows="3" placeholder="Ask Codex" aria-label="Message"></textarea>
            <button type="submit">Send</button>
            <button type="button" id="stop" hidden>Stop</button>
          </form>
          <script nonce="${nonce}" src="${file("panel.js")}"></script>
        </body>
      </html>`;
  }

  // -- what the chat wants

  show(entry: Entry): void {
    void this.view?.webview.postMessage({ type: "entry", entry });
  }

  busy(running: boolean): void {
    void this.view?.webview.postMessage({ type: "busy", running });
  }

  async ask({ title, detail }: Question): Promise<Decision | undefined> {
    const choice = await vscode.window.showWarningMessage(title, { modal: true, detail }, ...Object.keys(CHOICES));
    return choice === undefined ? undefined : CHOICES[choice];
  }

  log(line: string): void {
    this.output.appendLine(line);
  }

  // -- commands

  async restart(): Promise<void> {
    this.dispose();
    await this.view?.webview.postMessage({ type: "clear" });
  }

  async interrupt(): Promise<void> {
    await (await this.chat)?.interrupt();
  }

  dispose(): void {
    const chat = this.chat;
    this.chat = undefined;
    void chat?.then((running) => running.dispose()).catch(() => undefined);
  }
}

function settings(): Settings {
  const configured = vscode.workspace.getConfiguration("codexChat");
  return {
    command: configured.get<string>("command", "codex-mcp-server"),
    args: configured.get<string[]>("arguments", []),
    cwd: vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? process.cwd(),
    sandbox: configured.get<SandboxMode>("sandbox", "workspace-write"),
    approvalPolicy: configured.get<ApprovalPolicy>("approvalPolicy", "on-request"),
  };
}
