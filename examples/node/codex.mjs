/**
 * A connection to codex-mcp-server: typed requests, approvals, events. Plain Node, no dependencies.
 *
 * @import {
 *   ApplyPatchApprovalParams, Decision, EventNotification, ExecCommandApprovalParams, Method, Params, Result
 * } from "./codex-interface.js"
 * @import { ChildProcessWithoutNullStreams } from "node:child_process"
 */
import { spawn } from "node:child_process";

/** @typedef {{ method: "execCommandApproval", params: ExecCommandApprovalParams }
 *         | { method: "applyPatchApproval", params: ApplyPatchApprovalParams }} ApprovalRequest */

/**
 * @typedef {object} Options
 * @property {string} [command] the server; `codex-mcp-server`
 * @property {string[]} [args] its options
 * @property {string} [cwd] its working directory
 * @property {NodeJS.ProcessEnv} [env] its environment
 * @property {{ name: string, version: string }} clientInfo who connects
 * @property {(event: EventNotification) => void} onEvent gets every event of every conversation
 * @property {(request: ApprovalRequest) => Promise<Decision>} approve answers approvals
 * @property {(line: string) => void} [onLog] gets what the server writes on stderr
 */

/** What the server answered instead of a result. `data.code` is stable. */
export class CodexError extends Error {
  /** @param {import("./codex-interface.js").ErrorObject} error */
  constructor(error) {
    super(error.message);
    this.code = error.code;
    this.data = error.data;
  }
}

export class Codex {
  /** @type {ChildProcessWithoutNullStreams} */ #server;
  /** @type {Map<number, { resolve: (result: any) => void, reject: (error: Error) => void }>} */ #waiting = new Map();
  /** @type {Options} */ #options;
  /** @type {Error | undefined} */ #ended;
  #lastLog = "";
  #next = 0;

  /** When the server is gone: the reason. @type {Promise<Error>} */
  closed;

  /** @param {Options} options */
  constructor(options) {
    this.#options = options;
    const { command = "codex-mcp-server", args = [], cwd, env = process.env } = options;
    this.#server = spawn(command, args, { cwd, env });
    // Not `readline`: it also ends a line at U+2028, which JSON may contain.
    eachLine(this.#server.stdout, (line) => this.#receive(JSON.parse(line)));
    eachLine(this.#server.stderr, (line) => {
      this.#lastLog = line;
      options.onLog?.(line);
    });
    this.#server.stdin.on("error", () => {}); // `close` tells the reason
    this.closed = new Promise((resolve) => {
      this.#server.on("error", (error) => resolve(this.#end(`${command} cannot be started: ${error.message}`)));
      this.#server.on("close", (code, signal) => {
        resolve(this.#end(`${command} ended (${signal ?? `status ${code}`}): ${this.#lastLog}`));
      });
    });
  }

  /** Start a server and open the connection. @param {Options} options */
  static async start(options) {
    const codex = new Codex(options);
    await codex.request("initialize", { clientInfo: options.clientInfo });
    codex.#send({ method: "initialized" });
    return codex;
  }

  /**
   * Call a method. Rejects with CodexError, or with the reason why the server is gone.
   * @template {Method} M
   * @param {M} method
   * @param {Params<M>} params
   * @returns {Promise<Result<M>>}
   */
  request(method, params) {
    return new Promise((resolve, reject) => {
      if (this.#ended) return reject(this.#ended);
      const id = this.#next++;
      this.#waiting.set(id, { resolve, reject });
      this.#send({ id, method, params });
    });
  }

  /** Begin a conversation and listen to it. @param {Params<"newConversation">} params */
  async newConversation(params) {
    const conversation = await this.request("newConversation", params);
    await this.request("addConversationListener", { conversationId: conversation.conversationId });
    return conversation;
  }

  /** End the connection, and wait until the server is gone. */
  async close() {
    this.#server.stdin.end();
    await this.closed;
  }

  /** @param {object} message */
  #send(message) {
    this.#server.stdin.write(JSON.stringify(message) + "\n");
  }

  /** @param {any} message */
  #receive(message) {
    if (message.method === undefined) {
      const waiting = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      if (message.error) waiting?.reject(new CodexError(message.error));
      else waiting?.resolve(message.result);
    } else if (message.id !== undefined) {
      void this.#decide(message);
    } else if (message.method.startsWith("codex/event/")) {
      this.#options.onEvent(message.params);
    }
  }

  /** @param {ApprovalRequest & { id: number | string }} request */
  async #decide(request) {
    /** @type {Decision} */ let decision = "denied";
    try {
      decision = await this.#options.approve(request);
    } finally {
      this.#send({ id: request.id, result: { decision } });
    }
  }

  /** @param {string} reason */
  #end(reason) {
    this.#ended ??= new Error(reason);
    for (const { reject } of this.#waiting.values()) reject(this.#ended);
    this.#waiting.clear();
    return this.#ended;
  }
}

/**
 * @param {import("node:stream").Readable} stream
 * @param {(line: string) => void} take
 */
function eachLine(stream, take) {
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (/** @type {string} */ chunk) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.trim()) take(line);
  });
}
