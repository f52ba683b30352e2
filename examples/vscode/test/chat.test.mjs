/** The logic of the extension, against the real server with a scripted model. CODEX_HOME is the test's own. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Chat, question } from "../dist/chat.mjs";

/** Start a chat that plays a script; `decide` answers questions. */
async function open(replies, decide = () => "approved") {
  const cwd = mkdtempSync(join(process.env.TEST_ROOT, "chat-"));
  const script = join(cwd, "script.json");
  writeFileSync(script, JSON.stringify(replies));
  const seen = { questions: [], busy: [], idle: undefined };
  let wake;
  seen.turnOver = () => new Promise((resolve) => (wake = resolve));
  const host = {
    show() {},
    log() {},
    busy(running) {
      seen.busy.push(running);
      if (!running) wake?.();
    },
    async ask(asked) {
      seen.questions.push(asked);
      return decide(asked);
    },
  };
  const settings = { command: "codex-mcp-server", args: ["--offline", script], cwd, sandbox: "workspace-write", approvalPolicy: "untrusted" };
  const chat = await Chat.start(host, settings);
  return { chat, cwd, seen };
}

async function say({ chat, seen }, text) {
  const over = seen.turnOver();
  await chat.send(text);
  await over;
}

const texts = (chat, kind) => chat.entries.filter((entry) => entry.kind === kind).map((entry) => entry.text);

test("messages, a plan, a command and a patch become entries", async () => {
  const patch = "*** Begin Patch\n*** Add File: a.txt\n+new\n*** End Patch\n";
  const open_ = await open([
    [{ plan: [{ step: "Look", status: "completed" }, { step: "Write", status: "pending" }] }],
    [{ say: "I look.", pieces: 3 }, { run: "echo seen; exit 3" }],
    [{ patch }],
    [{ say: "Done." }],
  ]);
  await say(open_, "go");
  const { chat, cwd, seen } = open_;
  assert.deepEqual(texts(chat, "user"), ["go"]);
  assert.deepEqual(texts(chat, "codex"), ["I look.", "Done."]);
  assert.deepEqual(texts(chat, "plan"), ["✓ Look\n· Write"]);
  assert.match(texts(chat, "command")[0], /echo seen; exit 3\nseen\s+\(exit status 3\)$/);
  assert.match(texts(chat, "patch")[0], /^new .*a\.txt\nnew/);
  assert.equal(readFileSync(join(cwd, "a.txt"), "utf8"), "new\n");
  assert.equal(seen.questions.length, 2);
  assert.match(seen.questions[0].detail, /echo seen; exit 3\n\nin /);
  assert.deepEqual(seen.busy, [true, false]);
  await chat.dispose();
});

test("a dismissed question is a no", async () => {
  const opened = await open([[{ run: "touch made.txt" }], [{ say: "Not done." }]], () => undefined);
  await say(opened, "go");
  assert.equal(existsSync(join(opened.cwd, "made.txt")), false);
  assert.deepEqual(texts(opened.chat, "codex"), ["Not done."]);
  await opened.chat.dispose();
});

test("an interrupt ends the turn and is shown", async () => {
  const opened = await open([[{ say: "working" }, { wait: 60 }]]);
  const over = opened.seen.turnOver();
  await opened.chat.send("go");
  await opened.chat.interrupt();
  await over;
  assert.deepEqual(texts(opened.chat, "notice"), ["Interrupted."]);
  await opened.chat.dispose();
});

test("a failure of the provider is shown, and the chat goes on", async () => {
  const opened = await open([[{ fail: 400, message: "no credit left" }], [{ say: "Back." }]]);
  await say(opened, "go");
  assert.match(texts(opened.chat, "error")[0], /no credit left/);
  await say(opened, "again");
  assert.deepEqual(texts(opened.chat, "codex"), ["Back."]);
  await opened.chat.dispose();
});

test("a server that does not start says why", async () => {
  const host = { show() {}, log() {}, busy() {}, ask: async () => undefined };
  const settings = { command: "codex-mcp-server", args: ["--nonsense"], cwd: process.env.TEST_ROOT, sandbox: "read-only", approvalPolicy: "never" };
  await assert.rejects(Chat.start(host, settings), /status 2.*nonsense/);
  await assert.rejects(Chat.start(host, { ...settings, command: "/nowhere" }), /cannot be started/);
});

test("a question shows everything that is to be decided", () => {
  const params = {
    conversationId: "c", callId: "1", reason: "to fix it", grantRoot: "/elsewhere",
    fileChanges: {
      "/new": { add: { content: "text\n" } },
      "/old": { delete: { content: "" } },
      "/here": { update: { unified_diff: "-a\n+b\n", move_path: "/there" } },
    },
  };
  const { detail } = question({ method: "applyPatchApproval", params });
  for (const part of ["new /new\ntext", "delete /old", "/here → /there\n-a\n+b", "/elsewhere", "to fix it"]) assert.ok(detail.includes(part), part);
});
