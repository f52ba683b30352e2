"""The server as a process: how it comes up, what it takes on its input, how it goes."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import pytest

from codex_mcp.offline import OfflineModel
from tests.support.home import Home
from tests.support.processes import commands, until_gone
from tests.support.raw import INITIALIZE, MCP_INITIALIZE, RawServer, lines


@pytest.mark.requirement("process:eof:idle")
@pytest.mark.parametrize("opened", [True, False])
def test_the_end_of_its_input_ends_it_with_status_0_and_nothing_is_left(home: Home, opened: bool) -> None:
    with RawServer(home) as server:
        if opened:
            server.begin_conversation()
        assert server.end() == 0
        until_gone(home)


@pytest.mark.requirement("process:eof:in-turn")
def test_the_end_of_its_input_in_a_turn_ends_the_command_too(home: Home, model: OfflineModel) -> None:
    model.add([{"run": "for i in $(seq 1000); do echo $i; sleep 0.1; done", "yield_ms": 30000}])
    with RawServer(home) as server:
        conversation = server.begin_conversation(approvalPolicy="never", sandbox="danger-full-access")
        server.say(conversation)
        server.event("exec_command_output_delta")
        assert server.end() == 0
        until_gone(home)


@pytest.mark.requirement("process:eof:in-flight")
def test_what_is_in_flight_at_the_end_of_its_input_is_answered(home: Home) -> None:
    with RawServer(home) as server:
        server.send(INITIALIZE, {"id": 2, "method": "newConversation", "params": {}})
        assert server.process.stdin is not None
        server.process.stdin.close()
        answers = {m["id"]: m for m in server.rest()}
        assert "conversationId" in answers[2]["result"]
        assert server.process.wait(timeout=10) == 0


@pytest.mark.requirement("process:eof:half-line")
@pytest.mark.parametrize(("tail", "answered"), [(b'{"id":7,"method":"getUserAgent"}', True), (b'{"id":7,"meth', False)])
def test_a_last_line_without_newline_is_served_if_it_is_complete(home: Home, tail: bytes, answered: bool) -> None:
    with RawServer(home) as server:
        server.send(INITIALIZE)
        server.answer(1)
        server.write(tail)
        assert server.end() == 0
        assert [m["id"] for m in server.rest()] == ([7] if answered else [])


@pytest.mark.requirement("process:regular-file")
def test_a_regular_file_as_input_is_worked_through_to_the_end(home: Home, model: OfflineModel) -> None:
    model.add([{"say": "slowly", "pieces": 3, "delay": 0.8}])
    calls = home.root / "calls.jsonl"
    calls.write_bytes(lines(MCP_INITIALIZE, {"jsonrpc": "2.0", "id": 2, "method": "newConversation", "params": {}}))
    with calls.open("rb") as stdin, RawServer(home, stdin=stdin) as server:
        answers = server.rest()
        assert [m["id"] for m in answers if "id" in m] == [1, 2]
        assert server.process.wait(timeout=10) == 0


@pytest.mark.requirement("process:signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("state", ["fresh", "in-turn"])
def test_a_signal_ends_it_within_a_second_and_nothing_is_left(
    home: Home, model: OfflineModel, number: signal.Signals, state: str
) -> None:
    model.add([{"run": "for i in $(seq 1000); do echo $i; sleep 0.1; done", "yield_ms": 30000}])
    with RawServer(home) as server:
        if state == "in-turn":
            conversation = server.begin_conversation(approvalPolicy="never", sandbox="danger-full-access")
            server.say(conversation)
            server.event("exec_command_output_delta")
        else:
            server.send(INITIALIZE)
            server.answer(1)
        server.process.send_signal(number)
        status = server.process.wait(timeout=1)
        assert status in (128 + number, -number)
        until_gone(home)


@pytest.mark.requirement("process:killed")
def test_killed_it_leaves_no_engine_and_no_command_behind(home: Home, model: OfflineModel) -> None:
    model.add([{"run": "for i in $(seq 1000); do echo $i; sleep 0.1; done", "yield_ms": 30000}])
    with RawServer(home) as server:
        conversation = server.begin_conversation(approvalPolicy="never", sandbox="danger-full-access")
        server.say(conversation)
        server.event("exec_command_output_delta")
        server.process.kill()
        server.process.wait()
        until_gone(home)


@pytest.mark.requirement("process:broken-pipe")
def test_a_client_that_closed_its_end_of_the_output_ends_it(home: Home) -> None:
    with RawServer(home) as server:
        server.send(INITIALIZE)
        server.answer(1)
        server.stop_reading()
        server.send({"id": 2, "method": "getUserAgent"})
        assert server.process.wait(timeout=10) == 0
        until_gone(home)


@pytest.mark.requirement("wire:malformed")
def test_malformed_lines_are_ignored_by_the_app_server_dialect(home: Home) -> None:
    with RawServer(home) as server:
        server.send(INITIALIZE)
        server.answer(1)
        server.write(b'nonsense\n\xff\xfe\n\n[]\n{"id":5}\n{"id":null,"method":"getUserAgent"}\n' + b"[" * 5000 + b"\n")
        server.send({"id": 2, "method": "getUserAgent"})
        assert server.read()["id"] == 2


@pytest.mark.requirement("wire:malformed")
def test_malformed_lines_are_answered_in_mcp_with_the_reason(home: Home) -> None:
    with RawServer(home) as server:
        server.send(MCP_INITIALIZE)
        server.answer(1)
        server.write(b"nonsense\n\xff\xfe\n[]\n")
        codes = [(m["id"], m["error"]["code"], m["jsonrpc"]) for m in (server.read() for _ in range(3))]
        assert codes == [(None, -32700, "2.0"), (None, -32700, "2.0"), (None, -32600, "2.0")]
        server.send({"jsonrpc": "2.0", "id": "é☃", "method": "ping"})
        assert server.read() == {"jsonrpc": "2.0", "id": "é☃", "result": {}}


@pytest.mark.requirement("wire:long-lines")
def test_lines_up_to_64_mb_are_taken_and_longer_ones_refused(home: Home) -> None:
    with RawServer(home) as server:
        server.send(MCP_INITIALIZE)
        server.answer(1)
        params = {"conversationId": "00000000-0000-0000-0000-000000000001", "items": [], "x": "y" * 60_000_000}
        server.send({"jsonrpc": "2.0", "id": 2, "method": "sendUserMessage", "params": params})
        assert "not found" in server.read()["error"]["message"]
        server.write(b"x" * (65 * 1024 * 1024) + b"\n")
        assert server.read()["error"]["code"] == -32700
        server.send({"jsonrpc": "2.0", "id": 3, "method": "ping"})
        assert server.read()["id"] == 3


@pytest.mark.requirement("wire:stray-prints")
def test_a_stray_print_never_reaches_the_wire(home: Home) -> None:
    code = (
        "import os, sys; from codex_mcp.wire.stdio import claim_stdio, write_all;"
        "wire_in, wire_out = claim_stdio(); print('stray', flush=True); os.system('echo stray child');"
        "write_all(wire_out, b'protocol\\n'); assert sys.stdin.read() == ''; assert os.read(wire_in, 9) == b'input'"
    )
    done = subprocess.run([sys.executable, "-c", code], input=b"input", capture_output=True, check=True)
    assert done.stdout == b"protocol\n"
    assert done.stderr.count(b"stray") == 2


@pytest.mark.requirement("wire:slow-reader")
def test_an_interrupt_gets_through_while_the_client_does_not_read(home: Home, model: OfflineModel) -> None:
    model.add([{"say": "0123456789" * 20_000, "pieces": 20_000}, {"wait": 30}])
    with RawServer(home) as server:
        conversation = server.begin_conversation()
        server.say(conversation)
        server.event("agent_message_delta")
        server.send({"id": 9, "method": "interruptConversation", "params": {"conversationId": conversation}})
        while model.hung_up == 0:  # nothing has been read since
            time.sleep(0.01)
        assert server.answer(9)["result"] == {"abortReason": "interrupted"}


def test_wrong_arguments_are_refused_with_status_2() -> None:
    for arguments in (["--no-such-flag"], ["-c", "no-equals-sign"], ["-s", "nope"]):
        done = subprocess.run([sys.executable, "-m", "codex_mcp", *arguments], capture_output=True, check=False)
        assert done.returncode == 2, arguments
        assert done.stdout == b""
        assert arguments[-1].encode() in done.stderr


@pytest.mark.requirement("process:flags")
def test_server_flags_are_defaults_for_conversations_and_calls_beat_them(home: Home, model: OfflineModel) -> None:
    flags = ["-m", "flag-model", "mcp-server", "-c", 'model_reasoning_effort="high"', "-c", "model_verbosity=low"]
    with RawServer(home, *flags) as server:
        server.begin_conversation()
        params = {"model": "call-model", "config": {"model_reasoning_effort": "low"}}
        server.send({"id": 4, "method": "newConversation", "params": {}})
        first = server.answer(4)["result"]
        server.send({"id": 5, "method": "newConversation", "params": params})
        second = server.answer(5)["result"]
    assert (first["model"], first["reasoningEffort"]) == ("flag-model", "high")
    assert (second["model"], second["reasoningEffort"]) == ("call-model", "low")


@pytest.mark.requirement("process:offline")
def test_offline_plays_a_script_without_any_provider(home: Home) -> None:
    home.config.unlink()
    script = home.root / "script.json"
    script.write_text(json.dumps([[{"say": "from the script"}]]))
    with RawServer(home, "--offline", str(script)) as server:
        server.say(server.begin_conversation())
        assert server.event("agent_message")["message"] == "from the script"


def plain_home(home: Home) -> dict[str, str]:
    """The environment of a user who has not set CODEX_HOME, and whose ~/.codex holds a history."""
    home.path.rename(home.root / ".codex")
    environment = home.environment()
    del environment["CODEX_HOME"]
    return environment


@pytest.mark.requirement("process:offline:history")
def test_what_a_script_plays_does_not_get_into_the_user_s_history(home: Home) -> None:
    script = home.root / "script.json"
    script.write_text(json.dumps([[{"say": "from the script"}]]))
    before = sorted(home.path.rglob("*"))
    environment = plain_home(home)
    command = [sys.executable, "-m", "codex_mcp", "--offline", str(script)]
    calls = [
        MCP_INITIALIZE,
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "codex", "arguments": {"prompt": "x"}}},
    ]
    (home.root / "calls.jsonl").write_bytes(lines(*calls))
    with (home.root / "calls.jsonl").open("rb") as stdin:
        done = subprocess.run(
            command, stdin=stdin, capture_output=True, check=True, env=environment, cwd=home.workspace
        )
    assert b"from the script" in done.stdout
    assert [path.relative_to(home.root / ".codex") for path in sorted((home.root / ".codex").rglob("*"))] == [
        path.relative_to(home.path) for path in before
    ]


@pytest.mark.requirement("process:offline:exhausted")
def test_a_script_that_has_nothing_left_to_say_is_an_error(home: Home) -> None:
    script = home.root / "script.json"
    script.write_text(json.dumps([[{"say": "all there is"}]]))
    with RawServer(home, "--offline", str(script)) as server:
        conversation = server.begin_conversation()
        server.say(conversation)
        assert server.event("agent_message")["message"] == "all there is"
        server.event("task_complete")
        server.say(conversation)
        assert server.event("error")["message"].startswith(f"offline model: of the 1 replies of {script} none is left")


def refused_script(script: pathlib.Path) -> str:
    """What the server says of a script that it does not take."""
    command = [sys.executable, "-m", "codex_mcp", "--offline", str(script)]
    done = subprocess.run(command, input=b"", capture_output=True, check=False, timeout=20)
    assert done.returncode == 1
    said = done.stderr.decode()
    assert "Traceback" not in said
    return said


@pytest.mark.requirement("process:offline")
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("nonsense", "not JSON"),
        ("{}", "no list"),
        ('[[{"sing": 1}]]', "sing"),
        ("[" * 100_000 + "]" * 100_000, "nested too deeply"),
        ('[[{"function": "f", "arguments": ' + '{"a":' * 100_000 + "1" + "}" * 100_003 + "]]", "nested too deeply"),
        ('[[{"wait": NaN}]]', "NaN"),
        ('[{"say": "x"}]', 'a reply is a list of steps, as in [[{"say": "x"}]]'),
    ],
    ids=["nonsense", "no list", "unknown step", "deep", "deep step", "no number", "step"],
)
def test_a_bad_script_is_refused_before_anything_starts(home: Home, text: str, reason: str) -> None:
    script = home.root / "script.json"
    script.write_text(text)
    assert reason in refused_script(script)


@pytest.mark.requirement("process:pipes")
def test_a_pipe_in_the_place_of_a_file_hangs_nothing(home: Home, model: OfflineModel) -> None:
    os.mkfifo(home.root / "pipe")
    assert "not a regular file" in refused_script(home.root / "pipe")
    home.config.unlink()
    os.mkfifo(home.config)
    with RawServer(home) as server:
        server.send(MCP_INITIALIZE, {"jsonrpc": "2.0", "id": 2, "method": "getUserSavedConfig"})
        error = server.answer(2)["error"]
        assert error["data"]["code"] == "config_error"
        assert "not a regular file" in error["message"]
        assert server.end() == 0
    until_gone(home)


@pytest.mark.requirement("process:input-closed")
def test_started_without_input_or_output_it_ends_quietly(home: Home) -> None:
    for closed in ("<&-", ">&-", "<&- >&- 2>&-"):
        command = f"exec {sys.executable} -m codex_mcp {closed}"
        done = subprocess.run(
            ["sh", "-c", command],
            input=b"",
            capture_output=True,
            cwd=home.workspace,
            env=home.environment(),
            timeout=20,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    until_gone(home)


@pytest.mark.requirement("process:end:mcp")
def test_in_mcp_nothing_but_answers_is_sent_once_its_input_has_ended(home: Home, model: OfflineModel) -> None:
    model.add([{"say": "done"}])
    call = {"name": "codex", "arguments": {"prompt": "go"}}
    messages = (MCP_INITIALIZE, {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call})
    done = subprocess.run(
        [sys.executable, "-m", "codex_mcp"],
        input=lines(*messages),
        capture_output=True,
        cwd=home.workspace,
        env=home.environment(),
        timeout=20,
    )
    received = [json.loads(line) for line in done.stdout.splitlines()]
    assert [message["id"] for message in received] == [1, 2]
    assert received[1]["result"]["content"][0]["text"] == "done"


@pytest.mark.requirement("process:end:mcp")
def test_in_mcp_a_call_that_does_not_end_by_itself_is_not_answered_after_the_end(
    home: Home, model: OfflineModel
) -> None:
    model.add([{"say": "begun", "unfinished": True}, {"wait": 30}])
    call = {"name": "codex", "arguments": {"prompt": "go"}}
    with RawServer(home) as server:
        server.send(MCP_INITIALIZE, {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call})
        server.event("agent_message_delta")
        assert server.end() == 0
        assert server.rest() == []
        until_gone(home)


@pytest.mark.requirement("process:cancelled")
def test_a_documented_method_that_is_cancelled_on_an_mcp_connection_is_stopped(home: Home) -> None:
    command = ["sh", "-c", "while sleep 0.1; do echo x >> ticks; done"]
    params = {"command": command, "timeoutMs": 60_000, "sandboxPolicy": {"mode": "danger-full-access"}}
    ticks = home.workspace / "ticks"
    with RawServer(home, stderr=subprocess.PIPE) as server:
        server.send(MCP_INITIALIZE)
        server.answer(1)
        cancelled = {"jsonrpc": "2.0", "method": "notifications/cancelled"}
        for id in ("at once", "running"):
            server.send({"jsonrpc": "2.0", "id": id, "method": "execOneOffCommand", "params": params})
            if id == "running":
                while not ticks.exists():
                    time.sleep(0.01)
            server.send({**cancelled, "params": {"requestId": id}})
        while commands(home, "echo x"):
            time.sleep(0.01)
        server.send({"jsonrpc": "2.0", "id": "ping", "method": "ping"})
        assert server.read()["id"] == "ping"
        server.end()
        assert server.process.stderr is not None
        assert server.process.stderr.read() == b""  # of work that never began, too


@pytest.mark.requirement("wire:batches")
@pytest.mark.parametrize("version", ["2025-03-26", "2025-06-18"])
def test_batches_are_served_where_the_version_that_was_agreed_on_has_them(home: Home, version: str) -> None:
    client = {"name": "raw", "version": "1"}
    params = {"protocolVersion": version, "capabilities": {}, "clientInfo": client}
    hello = {**MCP_INITIALIZE, "params": params}
    ping = {"jsonrpc": "2.0", "method": "ping"}
    with RawServer(home) as server:
        server.send(hello, [{**ping, "id": 2}, {**ping, "id": 3}])
        server.read()
        answer = server.read()
        if version == "2025-03-26":
            assert [entry["id"] for entry in answer] == [2, 3]
        else:
            assert answer["error"]["code"] == -32600


@pytest.mark.requirement("reliability:client:leaves")
@pytest.mark.parametrize("full", ["before the handshake is answered", "later on"])
@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_a_client_that_closed_our_input_and_does_not_read_ends_it(home: Home, full: str, kind: str) -> None:
    out, into = os.pipe() if kind == "pipe" else (end.detach() for end in socket.socketpair())
    os.set_blocking(into, False)
    if full == "before the handshake is answered":
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(into, b"x" * 512)
    os.set_blocking(into, True)
    process = subprocess.Popen(
        [sys.executable, "-m", "codex_mcp"],
        stdin=subprocess.PIPE,
        stdout=into,
        cwd=home.workspace,
        env=home.environment(),
    )
    os.close(into)
    assert process.stdin is not None
    process.stdin.write(lines(INITIALIZE, *({"id": id, "method": "x" * 1_000} for id in range(2_000))))
    process.stdin.close()
    try:
        assert process.wait(timeout=10) == 0
        until_gone(home)
    finally:
        process.kill()
        os.close(out)
