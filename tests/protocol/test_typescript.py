"""The TypeScript declarations: complete, up to date, and true of what is sent."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
import sys

import pytest

from codex_mcp.protocol import registry, typescript
from codex_mcp.protocol.schema import definitions
from tests.support.node import npm_tool, run

ROOT = pathlib.Path(__file__).parents[2]

USE = """
import type {
  ApprovalPolicy, EventMsg, EventMethod, EventNotification, EventOf, FileChange, InputItem, Method, Methods,
  Notifications, Params, Result, SandboxPolicy, ServerRequests,
} from "./codex-interface.js";

declare function call<M extends Method>(method: M, params: Params<M>): Promise<Result<M>>;

async function use(event: EventNotification, change: FileChange): Promise<string> {
  const { conversationId } = await call("newConversation", { sandbox: "read-only" });
  const items: InputItem[] = [{ type: "text", data: { text: "hi" } }];
  await call("sendUserMessage", { conversationId, items });
  // @ts-expect-error a misspelt field
  await call("newConversation", { sandboxx: "read-only" });
  // @ts-expect-error a word that is none
  const policy: ApprovalPolicy = "sometimes";
  // @ts-expect-error a policy has a mode
  const sandbox: SandboxPolicy = { writable_roots: [] };
  // @ts-expect-error no such method
  const nothing: Method = "nothing";
  const method: EventMethod = "codex/event/agent_message";
  const whole: EventOf<"agent_message">["message"] = "whole";
  const question: ServerRequests["applyPatchApproval"]["params"]["fileChanges"] = { "/a": change };
  const told: Notifications["codex/event"]["params"] = event;
  if ("update" in change) return change.update.unified_diff;
  switch (event.msg.type) {
    case "agent_message": return event.msg.message;
    case "exec_command_end": return event.msg.exit_code.toFixed();
    // @ts-expect-error no such event
    case "no_such_event": return "";
    default: return [policy, sandbox, nothing, method, whole, question, told].join();
  }
}
"""


@pytest.mark.requirement("schema:typescript")
def test_every_type_and_method_is_declared_once_and_the_committed_copy_is_up_to_date() -> None:
    text = typescript.render()
    declared = re.findall(r"^export (?:interface|type) (\w+)", text, re.MULTILINE)
    assert len(declared) == len(set(declared))
    assert set(definitions()) < set(declared)
    for name in (*registry.METHODS, *registry.SERVER_REQUESTS, *registry.NOTIFICATIONS):
        assert text.count(f'\n  "{name}": {{ params: ') == 1
    assert (ROOT / "docs" / "schema" / "codex-interface.d.ts").read_text() == text
    printed = subprocess.run([sys.executable, "-m", "codex_mcp", "schema", "--typescript"], capture_output=True)
    assert printed.stdout.decode() == text


@pytest.mark.requirement("schema:typescript")
@pytest.mark.slow
def test_strict_typescript_takes_it_and_every_event_that_was_recorded(tmp_path: pathlib.Path) -> None:
    tsc = npm_tool("node", "tsc")
    (tmp_path / "codex-interface.d.ts").write_text(typescript.render())
    (tmp_path / "use.ts").write_text(USE)
    recorded = {
        json.dumps(json.loads(line)["msg"], ensure_ascii=False)
        for path in (ROOT / "tests" / "data" / "events").glob("*.jsonl")
        for line in path.read_text(encoding="utf-8").splitlines()
        if "msg" in json.loads(line)
    }
    assert len(recorded) > 100
    events = 'import type { EventMsg } from "./codex-interface.js";\nexport const events: EventMsg[] = [\n'
    (tmp_path / "events.ts").write_text(events + ",\n".join(sorted(recorded)) + "\n];\n", encoding="utf-8")
    options = ["--strict", "--exactOptionalPropertyTypes", "--noEmit", "--module", "nodenext", "--target", "es2022"]
    run([tsc, *options, "use.ts", "events.ts", "codex-interface.d.ts"], tmp_path)
