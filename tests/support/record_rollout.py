"""Records a rollout file of a Codex release for `tests/data/rollouts`: a real engine, the offline model, one conversation.

    python -m tests.support.record_rollout 0.53.0 /path/to/codex > tests/data/rollouts/0.53.jsonl

Releases before 0.144 serve the v1 interface themselves; later ones run behind this server. What is long and says
nothing to a reader (instructions, skills) is cut; directories become `/project` and `/home/user`.
"""

from __future__ import annotations

import json
import pathlib
import sys
import tempfile
from typing import Any

import anyio

from codex_mcp.client import ClientConversation, start_client
from codex_mcp.offline import OfflineModel
from codex_mcp.protocol import events as ev
from codex_mcp.protocol.input_items import ImageData, ImageItem, InputItem, text
from tests.support.home import Home

DOT_URL = (
    "data:image/png;base64,"
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
DOT: InputItem = ImageItem(data=ImageData(image_url=DOT_URL))
SCRIPT: list[Any] = [
    [{"think": ["**Looking**", "**Answering**"], "raw": "hm"}, {"say": "It greets."}],
    [{"say": "A dot."}],
    [{"say": "First a look."}, {"run": "echo hi", "id": "call_1"}],
    [{"patch": "*** Begin Patch\n*** Add File: a.txt\n+hello\n*** End Patch\n", "id": "call_2"}],
    [{"say": "Done."}],
    [{"say": "A part"}, {"wait": 30}],
    [{"say": "The end."}],
]


async def play(conversation: ClientConversation) -> None:
    """Five turns; the fourth is interrupted."""
    for message in ([text("What does it do?")], [text("And this?"), DOT], [text("Write a file.")]):
        async for _ in conversation.turn(message):
            pass
    async for event in conversation.turn("Wait."):
        if isinstance(event.msg, ev.AgentMessage):
            await conversation.interrupt()
    async for _ in conversation.turn("And now?"):
        pass


def normalized(line: str, home: Home) -> str:
    """The line without the recording machine's directories and without long texts."""
    entry = json.loads(line.replace(str(home.workspace), "/project").replace(str(home.path), "/home/user/.codex"))
    payload = entry["payload"]
    if "base_instructions" in payload:
        payload["base_instructions"] = {"text": "(instructions)"}
    if payload.get("role") == "developer":
        payload["content"] = [{"type": "input_text", "text": "(instructions)"}]
    if entry["type"] == "world_state" and "host_skills" in payload["state"]:
        payload["state"]["host_skills"]["body"] = "(skills)"
    return json.dumps(entry, ensure_ascii=False)


async def record(version: str, codex: str) -> None:
    """Write the rollout file to stdout."""
    cache = pathlib.Path.home() / ".cache" / "codex-mcp-server"  # not in the temporary directory: see Home
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as root, OfflineModel(SCRIPT) as model:
        home = Home(pathlib.Path(root), model)
        home.configure("show_raw_agent_reasoning = true")
        serves_v1 = tuple(map(int, version.split("."))) < (0, 144)
        command = (codex, "app-server") if serves_v1 else (sys.executable, "-m", "codex_mcp", "--codex", codex)
        async with start_client(command=command, cwd=home.workspace, env=home.environment()) as client:
            conversation = await client.new_conversation(approval_policy="never", sandbox="danger-full-access")
            await play(conversation)
        for line in pathlib.Path(conversation.info.rollout_path).read_text(encoding="utf-8").splitlines():
            sys.stdout.write(normalized(line, home) + "\n")


if __name__ == "__main__":
    anyio.run(record, sys.argv[1], sys.argv[2])
