"""A scripted engine for faults that the real one does not show on demand: it dies, stalls, talks garbage.

`write_engine` makes an executable of it. It answers the handshake and the calls of a plain turn; `faults` (a
comma-separated list) says what goes wrong. Tests on the real engine stand beside every test with this one.
"""

from __future__ import annotations

import pathlib
import random
import stat
import sys
import textwrap

_ENGINE = """
import itertools, json, os, sys, time

FAULTS = {faults!r}
VERSION = {version!r}
STARTS = {starts!r}
WORD = {word!r}

with open(STARTS, "a") as log:
    log.write("started\\n")
started = len(open(STARTS).readlines())


def send(message):
    sys.stdout.write(json.dumps(message) + "\\n")
    sys.stdout.flush()


def notify(method, **params):
    send({{"method": method, "params": params}})


if "dies-at-start" in FAULTS or ("dies-at-first-start" in FAULTS and started == 1):
    print("scripted engine: cannot start", file=sys.stderr)
    if "tells-secrets" in FAULTS:
        print("Authorization: Bearer sk-proj-0123456789abcdefghij", file=sys.stderr)
        print("token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx.c2lnbmF0dXJl", file=sys.stderr)
    if "tells-frames" in FAULTS:
        for frame in range(50):
            print(f"{{frame:4}}: a frame", file=sys.stderr)
    sys.exit(3)
if "leaves-helpers" in FAULTS:
    import subprocess
    for own_session in (False, True):
        subprocess.Popen(["sleep", WORD], env={{}}, start_new_session=own_session, stdin=subprocess.DEVNULL)
if "silent" in FAULTS or ("silent-at-second-start" in FAULTS and started == 2):
    time.sleep(60)
turns = itertools.count()
late = []  # turns that are taken when somebody asks for the models
for line in sys.stdin:
    message = json.loads(line)
    method, id, params = message.get("method"), message.get("id"), message.get("params") or {{}}
    if "garbage" in FAULTS:
        sys.stdout.write("this is not json\\n[]\\n")
    if method == "initialize":
        send({{"id": id, "result": {{"userAgent": f"scripted/{{VERSION}} (test)"}}}})
    elif method == "thread/start":
        thread = f"00000000-0000-7000-8000-{{started:012d}}"
        result = {{"thread": {{"id": thread, "path": "/nowhere"}}, "model": "scripted", "modelProvider": "scripted", "cwd": os.getcwd()}}
        if "speaks-early" in FAULTS:
            notify("warning", threadId="another", message="of a thread of nobody")
            notify("warning", threadId=thread, message="early")
        send({{"id": id, "result": result}})
    elif method == "thread/resume":
        result = {{"thread": {{"id": params["threadId"], "path": "/nowhere"}}, "model": "scripted", "modelProvider": "scripted", "cwd": os.getcwd()}}
        send({{"id": id, "result": result}})
    elif method == "turn/start":
        turn = f"turn-{{next(turns)}}"
        about = {{"threadId": params["threadId"], "turnId": turn}}
        if "hangs-in-turn" in FAULTS and started == 1:
            time.sleep(600)
        if "ignores-turns" in FAULTS:
            continue
        if "takes-turns-late" in FAULTS:
            late.append((id, turn))
            continue
        send({{"id": id, "result": {{"turn": {{"id": turn}}}}}})
        if "dies-after-accepting" in FAULTS and started == 1:
            os._exit(9)
        notify("turn/started", threadId=params["threadId"], turn={{"id": turn}})
        if "dies-in-turn" in FAULTS and started == 1:
            os._exit(9)
        if "never-ends-turn" in FAULTS:
            continue
        item = {{"type": "agentMessage", "id": "m", "text": ""}}
        notify("item/started", item=item, **about)
        if "unknown-kinds" in FAULTS:
            notify("item/started", item={{"type": "hologram", "id": "h"}}, **about)
            notify("item/completed", item={{"type": "hologram", "id": "h"}}, **about)
            notify("turn/teleported", **about)
        notify("item/agentMessage/delta", itemId="m", delta="hello", **about)
        if "malformed-item" in FAULTS:
            notify("item/started", item={{"type": "commandExecution", "id": "c"}}, **about)
        notify("item/completed", item={{**item, "text": "hello"}}, **about)
        notify("turn/completed", threadId=params["threadId"], turn={{"id": turn, "status": "completed"}})
    elif method == "model/list":
        for late_id, turn in late:
            send({{"id": late_id, "result": {{"turn": {{"id": turn}}}}}})
        send({{"id": id, "result": {{"data": []}}}})
    elif method == "config/read":
        send({{"id": id, "result": {{"config": {{}}}}}})
    elif method == "account/read" and "signed-in" in FAULTS:
        send({{"id": id, "result": {{"account": {{"type": "apiKey"}}, "requiresOpenaiAuth": True}}}})
    elif method == "getAuthStatus" and "no-hidden-methods" in FAULTS:
        send({{"id": id, "error": {{"code": -32600, "message": "Invalid request: unknown variant `getAuthStatus`"}}}})
    elif id is not None:
        send({{"id": id, "result": {{}}}})
"""


class ScriptedEngine:
    """`path` is the executable."""

    def __init__(self, directory: pathlib.Path, *faults: str, version: str = "0.163.0") -> None:
        self._starts = directory / "starts"
        self._starts.touch()
        self.path = directory / "scripted-codex"
        self.word = f"{random.randrange(10**9)}s"
        """An argument of what it leaves behind (a time that `sleep` takes)."""
        script = textwrap.dedent(_ENGINE).format(
            faults=faults, version=version, starts=str(self._starts), word=self.word
        )
        self.path.write_text(f"#!{sys.executable}\n{script}")
        self.path.chmod(self.path.stat().st_mode | stat.S_IXUSR)

    @property
    def starts(self) -> int:
        """How often it was started."""
        return len(self._starts.read_text().splitlines())
