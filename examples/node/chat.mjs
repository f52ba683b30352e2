/**
 * A conversation in the terminal: what Codex says as it says it, what it runs and changes, approvals by y or n.
 *
 *     node chat.mjs "What does this repository do?"
 *     node chat.mjs --offline ../hello.json "Hello"
 *
 * @import { EventMsg } from "./codex-interface.js"
 * @import { ApprovalRequest } from "./codex.mjs"
 */
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { Codex } from "./codex.mjs";

const { values, positionals } = parseArgs({ options: { offline: { type: "string" } }, allowPositionals: true });
const text = positionals.join(" ");
if (!text) {
  console.error('usage: node chat.mjs [--offline SCRIPT] "message"');
  process.exit(2);
}

const terminal = createInterface({ input: process.stdin });
const answers = terminal[Symbol.asyncIterator]();

/** @param {ApprovalRequest} request */
async function approve(request) {
  if (request.method === "execCommandApproval") {
    process.stdout.write(`\nMay this run in ${request.params.cwd}?\n  ${request.params.command.join(" ")}\n`);
  } else {
    process.stdout.write("\nMay this be changed?\n");
    for (const [path, change] of Object.entries(request.params.fileChanges)) {
      if ("add" in change) process.stdout.write(`  new ${path}\n${change.add.content}`);
      else if ("delete" in change) process.stdout.write(`  delete ${path}\n`);
      else process.stdout.write(`  ${path}\n${change.update.unified_diff}`);
    }
  }
  if (request.params.reason) process.stdout.write(`  because: ${request.params.reason}\n`);
  process.stdout.write("[y/N] ");
  const { value = "" } = await answers.next();
  return value.trim().toLowerCase() === "y" ? /** @type {const} */ ("approved") : /** @type {const} */ ("denied");
}

/** @param {EventMsg} msg */
function render(msg) {
  switch (msg.type) {
    case "agent_message_delta":
      process.stdout.write(msg.delta);
      break;
    case "agent_message":
      process.stdout.write("\n");
      break;
    case "plan_update":
      for (const { status, step } of msg.plan) console.log(`${status === "completed" ? "✓" : "·"} ${step}`);
      break;
    case "exec_command_begin":
      console.log(`$ ${msg.command.join(" ")}`);
      break;
    case "exec_command_output_delta":
      process.stdout.write(Buffer.from(msg.chunk, "base64"));
      break;
    case "exec_command_end":
      if (msg.exit_code !== 0) console.log(`exit status ${msg.exit_code}`);
      break;
    case "patch_apply_end":
      console.log(msg.success ? "changed" : `not changed: ${msg.stderr}`);
      break;
    case "stream_error":
    case "background_event":
    case "error":
      console.error(`${msg.type}: ${msg.message}`);
      break;
  }
}

/** @type {() => void} */ let endTurn;
const turnEnd = new Promise((resolve) => (endTurn = () => resolve(null)));

const codex = await Codex.start({
  args: values.offline ? ["--offline", values.offline] : [],
  clientInfo: { name: "node-example", version: "1.0.0" },
  approve,
  onEvent({ msg }) {
    render(msg);
    if (msg.type === "task_complete" || msg.type === "turn_aborted") endTurn();
  },
});
const { conversationId } = await codex.newConversation({
  cwd: process.cwd(),
  sandbox: "workspace-write",
  approvalPolicy: "on-request",
});
process.on("SIGINT", () => void codex.request("interruptConversation", { conversationId }));
await codex.request("sendUserMessage", { conversationId, items: [{ type: "text", data: { text } }] });
const reason = await Promise.race([turnEnd, codex.closed]);
if (reason) throw reason;
terminal.close();
await codex.close();
