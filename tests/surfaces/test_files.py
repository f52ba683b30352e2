"""Paths, ids and secrets: what a client may reach, and what is told to nobody."""

from __future__ import annotations

import json
import os
import pathlib
import stat
import subprocess
from typing import Any

import pytest

from tests.support.home import Home
from tests.support.processes import processes
from tests.support.raw import INITIALIZE, RawServer

ID = "01900000-0000-7000-8000-00000000f11e"
KEY = "plain-key-0123456789-that-no-pattern-knows"


def bait(home: Home, folder: pathlib.Path) -> pathlib.Path:
    """A rollout that Codex did not keep: what is said in it must not be told."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"rollout-2025-01-01T00-00-00-{ID}.jsonl"
    meta = {"id": ID, "timestamp": "2025-01-01T00:00:00Z", "cwd": "/", "originator": "x", "cli_version": "0.53.0"}
    lines = [("session_meta", meta), ("event_msg", {"type": "user_message", "message": "BAIT"})]
    text = [json.dumps({"timestamp": meta["timestamp"], "type": kind, "payload": body}) for kind, body in lines]
    path.write_text("\n".join(text) + "\n")
    return path


@pytest.fixture
def traps(home: Home) -> list[str]:
    """Ways to name a file that is none of the kept ones."""
    day = home.path / "sessions" / "2025" / "01" / "01"
    outside = bait(home, home.root / "elsewhere")
    day.mkdir(parents=True)
    link = day / outside.name
    link.symlink_to(outside)
    folder = home.path / "sessions" / "linked"
    folder.symlink_to(outside.parent)
    pipe = day / f"rollout-2025-01-02T00-00-00-{ID}.jsonl"
    os.mkfifo(pipe)
    return [
        str(outside),
        str(link),
        str(folder / outside.name),
        f"{home.path}/sessions/../../elsewhere/{outside.name}",
        f"sessions/../../elsewhere/{outside.name}",
        str(pipe),
        str(day),
        f"{home.path}/sessions",
        "",
    ]


@pytest.mark.requirement("reliability:files:paths")
def test_no_path_of_a_client_leads_out_of_the_kept_conversations(home: Home, traps: list[str]) -> None:
    before = {path: path.lstat().st_mtime_ns for path in home.root.rglob(f"*{ID}*")}
    with RawServer(home) as server:
        server.send(INITIALIZE)
        number = 1
        for path in traps:
            for method, params in (
                ("getConversationSummary", {"rolloutPath": path}),
                ("resumeConversation", {"path": path}),
                ("archiveConversation", {"conversationId": ID, "rolloutPath": path}),
            ):
                number += 1
                server.send({"id": number, "method": method, "params": params})
                answer = server.answer(number)
                assert "error" in answer, (method, path, answer)
                assert "BAIT" not in json.dumps(answer)
    assert {path: path.lstat().st_mtime_ns for path in home.root.rglob(f"*{ID}*")} == before


@pytest.mark.requirement("reliability:files:paths")
def test_no_id_of_a_client_leads_out_of_the_kept_conversations(home: Home, traps: list[str]) -> None:
    os.remove(traps[5])
    with RawServer(home) as server:
        server.send(INITIALIZE)
        for number, id in enumerate((ID, f"../{ID}", f"{ID}/../x", "*", "")):
            server.send({"id": 2 * number + 2, "method": "resumeConversation", "params": {"conversationId": id}})
            answer = server.answer(2 * number + 2)
            assert "error" in answer, answer
            assert "BAIT" not in json.dumps(answer)
            server.send(
                {
                    "id": 2 * number + 3,
                    "method": "archiveConversation",
                    "params": {"conversationId": id, "rolloutPath": traps[1]},
                }
            )
            assert "error" in server.answer(2 * number + 3)
    assert pathlib.Path(traps[1]).is_symlink()


@pytest.mark.requirement("reliability:files:modes")
def test_the_key_of_a_sign_in_is_kept_for_its_owner_alone(home: Home) -> None:
    umask = os.umask(0)  # of the server too
    try:
        with RawServer(home) as server:
            server.send(INITIALIZE, {"id": 2, "method": "loginApiKey", "params": {"apiKey": KEY}})
            assert "result" in server.answer(2)
    finally:
        os.umask(umask)
    kept = home.path / "auth.json"
    assert KEY in kept.read_text()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


@pytest.mark.requirement("reliability:secrets:key")
def test_a_key_is_told_to_the_client_that_asks_for_it_and_to_nobody_else(home: Home) -> None:
    home.configure('cli_auth_credentials_store="file"')
    with RawServer(home, "--log-level", "debug", stderr=subprocess.PIPE) as server:
        server.begin_conversation()
        calls: list[tuple[str, Any]] = [
            ("loginApiKey", {"apiKey": KEY}),
            ("getAuthStatus", {}),
            ("getAuthStatus", {"includeToken": False}),
            ("userInfo", {}),
            ("getUserSavedConfig", {}),
            ("account/rateLimits/read", {}),
            ("loginApiKey", {"apiKey": [KEY]}),
            ("loginApiKey", {"apiKey": KEY, KEY: 1}),
            ("noSuchMethod", {"apiKey": KEY}),
        ]
        for number, (method, params) in enumerate(calls, 10):
            server.send({"id": number, "method": method, "params": params})
            while True:
                message = server.read()
                assert KEY not in json.dumps(message), method
                if message.get("id") == number:
                    break
        for pid, command in processes(home).items():
            assert KEY not in " ".join(command)
            assert KEY.encode() not in pathlib.Path(f"/proc/{pid}/environ").read_bytes()
        server.send({"id": 99, "method": "getAuthStatus", "params": {"includeToken": True}})
        server.answer(99)
        server.end()
        assert server.process.stderr is not None
        logged = server.process.stderr.read().decode()
    assert "engine ready" in logged
    assert KEY not in logged
