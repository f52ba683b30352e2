// What meeting.py does, on the TypeScript SDK. Arguments: the line of the SDK (1 or 2), node_modules that hold it, and
// the plan, as in meeting.py.

import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";

const [line, modules, plan] = process.argv.slice(2);
const { command, environment, workspace } = JSON.parse(plan);
const resolve = createRequire(path.join(modules, "x.js")).resolve;
const load = (name) => import(pathToFileURL(resolve(name)));

const names = ["codex", "codex-reply"];
names.push(...["threads", "read", "interrupt", "archive", "fork", "start", "wait", "answer"].map((verb) => `codex-${verb}`));

const check = (what, passed, detail = "") => console.log(JSON.stringify({ check: what, passed: Boolean(passed), detail }));

const answer = async ({ params }) =>
  params.message.includes("approved.txt") ? { action: "accept", content: {} } : { action: "decline" };

// A client that can answer approvals; `mode` is how line 2 agrees on the protocol.
async function connect(mode) {
  const capabilities = { elicitation: { form: {} } };
  const about = { name: "interop", version: "1" };
  let client, Transport;
  if (line === "1") {
    const { Client } = await load("@modelcontextprotocol/sdk/client/index.js");
    ({ StdioClientTransport: Transport } = await load("@modelcontextprotocol/sdk/client/stdio.js"));
    const { ElicitRequestSchema } = await load("@modelcontextprotocol/sdk/types.js");
    client = new Client(about, { capabilities });
    client.setRequestHandler(ElicitRequestSchema, answer);
  } else {
    const { Client } = await load("@modelcontextprotocol/client");
    ({ StdioClientTransport: Transport } = await load("@modelcontextprotocol/client/stdio"));
    client = new Client(about, { capabilities, versionNegotiation: { mode } });
    client.setRequestHandler("elicitation/create", answer);
  }
  client.onerror = (error) => console.error(`WARNING: ${error}`);
  client.events = 0;
  client.fallbackNotificationHandler = async () => void (client.events += 1);
  const [program, ...args] = command;
  // what the server logs is no warning of the library
  await client.connect(new Transport({ command: program, args, env: environment, cwd: workspace, stderr: "ignore" }));
  return client;
}

const call = (client, tool, values, options = {}) =>
  line === "1"
    ? client.callTool({ name: tool, arguments: values }, undefined, options)
    : client.callTool({ name: tool, arguments: values }, options);

async function meet(client) {
  const { tools } = await client.listTools();
  check("list tools", names.every((name) => tools.some((tool) => tool.name === name)));

  let result = await call(client, "codex", { prompt: "interop greet", "approval-policy": "never" });
  const said = result.structuredContent.content;
  check("codex", result.content[0].text === said && said === "Hello from the script.", said);
  const threadId = result.structuredContent.threadId;
  result = await call(client, "codex-reply", { threadId, prompt: "interop again" });
  const same = result.structuredContent.threadId === threadId;
  check("codex-reply", same && result.content[0].text === "Hello again.", result.content[0].text);

  for (const [word, wanted] of [["approve", true], ["decline", false]]) {
    const prompt = `interop ${word}`;
    result = await call(client, "codex", { prompt, "approval-policy": "on-request", sandbox: "read-only" });
    const { status, deniedApprovals } = result.structuredContent;
    const ran = existsSync(path.join(workspace, `${word}d.txt`));
    check(`approval: ${word}`, ran === wanted && status === "completed", deniedApprovals?.[0].because);
  }

  const heard = [];
  const onprogress = (progress) => heard.push(progress);
  await call(client, "codex", { prompt: "interop work", "approval-policy": "never" }, { onprogress });
  const rising = heard.length > 1 && heard.every(({ progress }, n) => n === 0 || progress > heard[n - 1].progress);
  check("progress", rising, heard.map(({ message }) => message).join("; "));

  result = await call(client, "codex", { prompt: "interop fail" });
  check("a failure is a result with isError", result.isError && result.content[0].text.includes("the provider said no"));

  const { prompts } = await client.listPrompts();
  const { resources } = await client.listResources();
  const { resourceTemplates } = await client.listResourceTemplates();
  // the two resources that there always are, and one for each thread
  check("prompts, resources, templates", prompts.length === 3 && resources.length > 2 && resourceTemplates.length >= 3);

  await cancel(client);
}

// Gives a call up while its command runs; the server must be usable at once.
async function cancel(client) {
  const given = new AbortController();
  const values = { prompt: "interop wait", "approval-policy": "never", sandbox: "workspace-write" };
  const call_ = call(client, "codex", values, { signal: given.signal }).then(
    () => false,
    () => true,
  );
  const end = Date.now() + 20_000;
  while (!existsSync(path.join(workspace, "waiting.txt")) && Date.now() < end) await sleep(20);
  given.abort("not wanted any more");
  const rejected = await call_;
  const result = await call(client, "codex", { prompt: "hello" });
  check("cancel a call", rejected && result.content[0].text === "Done.", result.content[0].text);
}

const client = await connect("legacy");
check("connect", client.getServerVersion().name === "codex-mcp-server");
await meet(client);
const silent = command.includes("off");
check("codex/event goes to the fallback handler", silent ? client.events === 0 : client.events > 0, `${client.events} events`);
const began = Date.now();
await client.close();
const took = Date.now() - began;
// after two seconds it would have sent a signal
check("the server ends with its input", took < 2000, `${took} ms`);
if (line === "2") {
  const other = await connect("auto");
  const result = await call(other, "codex", { prompt: "hello" });
  check("codex, with the protocol agreed on by discovery", result.content[0].text === "Done.");
  await other.close();
}
