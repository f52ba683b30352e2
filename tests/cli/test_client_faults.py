"""Clients that leave at any point, do not read, answer wrongly, or ask too much at once; on the real engine."""

from __future__ import annotations

import json
import pathlib
import signal
import subprocess
import threading
import time
from typing import Any

import pytest

from codex_mcp.offline import OfflineModel
from tests.support.home import Home
from tests.support.processes import engines, until_gone
from tests.support.raw import INITIALIZE, MCP_INITIALIZE, RawServer, lines

UNKNOWN = "00000000-0000-0000-0000-000000000001"
LOOP = {"run": "for i in $(seq 1000); do echo $i; sleep 0.1; done", "id": "call", "yield_ms": 30000}


def bring_to(point: str, server: RawServer, model: OfflineModel) -> None:
    """Have the server do what the point says."""
    if point == "nothing sent":
        return
    if point == "half a handshake":
        server.write(lines(INITIALIZE)[:20])
        return
    server.send(INITIALIZE)
    server.answer(1)
    if point == "half a request":
        server.write(b'{"id":2,"method":"newConv')
    elif point == "a conversation begins":
        server.send({"id": 2, "method": "newConversation", "params": {}})
    elif point == "a turn begins":
        server.say(conversation_of(server))
    elif point == "a command runs":
        model.add([LOOP])
        server.say(conversation_of(server, approvalPolicy="never"))
        server.event("exec_command_output_delta")
    elif point == "a question is open":
        model.add([LOOP])
        server.say(conversation_of(server, approvalPolicy="untrusted"))
        server.request("execCommandApproval")
    elif point == "a flood is not read":
        model.add([{"say": "0123456789" * 200_000, "pieces": 20_000}, {"wait": 30}])
        server.say(conversation_of(server))
        server.event("agent_message_delta")
    else:
        assert point == "the handshake is done"


def conversation_of(server: RawServer, **params: Any) -> str:
    server.send({"id": 2, "method": "newConversation", "params": {"sandbox": "danger-full-access", **params}})
    conversation = server.answer(2)["result"]["conversationId"]
    server.send({"id": 3, "method": "addConversationListener", "params": {"conversationId": conversation}})
    server.answer(3)
    return str(conversation)


POINTS = [
    "nothing sent",
    "half a handshake",
    "the handshake is done",
    "half a request",
    "a conversation begins",
    "a turn begins",
    "a command runs",
    "a question is open",
    "a flood is not read",
]


@pytest.mark.requirement("reliability:client:leaves")
@pytest.mark.parametrize("point", POINTS)
def test_a_client_that_leaves_takes_everything_with_it(home: Home, model: OfflineModel, point: str) -> None:
    with RawServer(home, stderr=subprocess.PIPE) as server:
        bring_to(point, server, model)
        assert server.process.stdin is not None
        server.process.stdin.close()
        if point == "a flood is not read":
            server.stop_reading()
        assert server.process.wait(timeout=10) == 0
        until_gone(home)
        assert server.process.stderr is not None
        assert b"Traceback" not in server.process.stderr.read()


@pytest.mark.requirement("reliability:client:signals")
@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL], ids=lambda number: number.name
)
@pytest.mark.parametrize("point", ["the handshake is done", "a question is open", "a flood is not read"])
def test_a_signal_leaves_no_process_behind(home: Home, model: OfflineModel, number: signal.Signals, point: str) -> None:
    with RawServer(home) as server:
        bring_to(point, server, model)
        server.process.send_signal(number)
        server.process.wait(timeout=2)
        until_gone(home)


@pytest.mark.requirement("reliability:client:signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_a_signal_while_the_engine_starts_leaves_no_process_behind(home: Home, number: signal.Signals) -> None:
    with RawServer(home) as server:
        while not engines(home):
            time.sleep(0)
        server.process.send_signal(number)
        server.process.wait(timeout=2)
        until_gone(home)


@pytest.mark.requirement("reliability:client:does-not-read")
def test_a_flood_that_is_not_read_waits_in_the_engine_and_arrives_whole(home: Home, model: OfflineModel) -> None:
    text = "0123456789" * 600_000
    model.add([{"say": text, "pieces": 3_000}])
    with RawServer(home) as server:
        conversation = server.begin_conversation(sandbox="danger-full-access")
        before = resident_mb(server)
        server.say(conversation)
        until_still(server)
        assert resident_mb(server) - before < 6  # of the 12 MB that the events of the text are
        received = []
        while True:
            message = server.read()
            msg = (message.get("params") or {}).get("msg", {})
            if msg.get("type") == "agent_message_delta":
                received.append(msg["delta"])
            if msg.get("type") == "task_complete":
                break
    assert "".join(received) == text


def resident_mb(server: RawServer) -> float:
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def until_still(server: RawServer) -> None:
    """Wait until the server has begun to work, and then does nothing any more: its processor time stands still."""
    stat = pathlib.Path(f"/proc/{server.process.pid}/stat")
    seen: list[list[str]] = []
    while len(seen) < 5 or seen[-5:] != seen[-1:] * 5 or seen[-1] == seen[0]:
        seen.append(stat.read_text().rsplit(")", 1)[1].split()[11:13])
        time.sleep(0.1)


@pytest.mark.requirement("reliability:client:answers")
def test_only_the_first_answer_to_the_question_that_was_put_counts(home: Home, model: OfflineModel) -> None:
    model.add(
        [{"run": "echo one >> runs.txt", "id": "call_1"}],
        [{"run": "echo two >> runs.txt", "id": "call_2"}],
        [{"say": "done"}],
    )
    with RawServer(home) as server:
        server.say(server.begin_conversation(sandbox="danger-full-access", approvalPolicy="untrusted"))
        first = server.request("execCommandApproval")
        yes, no = {"decision": "approved"}, {"decision": "denied"}
        server.send(
            {"id": first + 100, "result": yes}, {"id": str(first), "result": yes}, {"id": first + 1, "result": yes}
        )
        server.send({"id": "x", "error": {"code": 1, "message": "?"}}, {"id": first, "result": no})
        server.send({"id": first, "result": yes})
        second = server.request("execCommandApproval")
        assert second != first
        server.send({"id": first, "result": yes}, {"id": second, "result": yes}, {"id": second, "result": yes})
        server.event("task_complete")
    assert (home.workspace / "runs.txt").read_text() == "two\n"


@pytest.mark.requirement("reliability:client:answers")
def test_a_question_that_is_never_answered_runs_nothing_and_blocks_nobody_else(home: Home, model: OfflineModel) -> None:
    model.add([{"run": "touch never.txt", "id": "call"}], [{"say": "the other goes on"}])
    with RawServer(home) as server:
        asking = server.begin_conversation(sandbox="danger-full-access", approvalPolicy="untrusted")
        server.say(asking)
        server.request("execCommandApproval")
        server.say(conversation_of(server))
        assert server.event("agent_message")["message"] == "the other goes on"
        server.send({"id": 9, "method": "interruptConversation", "params": {"conversationId": asking}})
        assert server.answer(9)["result"] == {"abortReason": "interrupted"}
        assert server.end() == 0
    assert not (home.workspace / "never.txt").exists()


@pytest.mark.requirement("reliability:client:ids")
@pytest.mark.parametrize("hello", [INITIALIZE, MCP_INITIALIZE], ids=["app-server", "mcp"])
def test_an_id_in_flight_is_refused_and_free_again_once_it_is_answered(home: Home, hello: Any) -> None:
    with RawServer(home) as server:
        server.send(hello)
        server.answer(1)
        for _ in range(2):
            server.send(*[{"jsonrpc": "2.0", "id": 7, "method": "newConversation", "params": {}}] * 2)
            refused, begun = server.answer(7), server.answer(7)
            assert "already used" in refused["error"]["message"]
            assert begun["result"]["conversationId"]


@pytest.mark.requirement("reliability:client:burst")
def test_ten_thousand_requests_at_once_are_all_answered_once(home: Home) -> None:
    count = 10_000
    kinds: list[tuple[str, dict[str, Any], str]] = [
        ("getUserAgent", {}, "result"),
        ("sendUserMessage", {"conversationId": UNKNOWN, "items": []}, "error"),
        ("noSuchMethod", {}, "error"),
        ("getUserAgent", {"unknown": 1}, "result"),
        ("listConversations", {"pageSize": 1, "modelProviders": []}, "result"),  # the engine is asked
    ]
    calls = [dict(zip(("id", "method", "params"), (n, *kinds[n % 5]), strict=False)) for n in range(2, count + 2)]
    with RawServer(home) as server:
        server.send(INITIALIZE)
        server.answer(1)
        writer = threading.Thread(target=server.send, args=calls)  # nothing is read before all of it is written
        writer.start()
        writer.join()
        answers = [server.read() for _ in range(count)]
        assert sorted(answer["id"] for answer in answers) == list(range(2, count + 2))
        assert all(kinds[answer["id"] % 5][2] in answer for answer in answers)


@pytest.mark.requirement("reliability:client:interrupts")
def test_interrupts_among_messages_end_each_turn_once(home: Home, model: OfflineModel) -> None:
    model.add({"when": "storm over", "steps": [{"say": "the last word"}]})
    model.add(*[[{"say": "part"}, {"wait": 30}]] * 20)
    with RawServer(home) as server:
        conversation = server.begin_conversation(sandbox="danger-full-access")
        about = {"conversationId": conversation}
        calls: list[Any] = []
        for number in range(100, 140, 2):
            items = [{"type": "text", "text": f"message {number}"}]
            calls.append({"id": number, "method": "sendUserMessage", "params": {**about, "items": items}})
            calls.append({"id": number + 1, "method": "interruptConversation", "params": about})
        server.send(*calls, {"id": 999, "method": "interruptConversation", "params": about})
        answers: dict[int, Any] = {}
        began: list[str] = []
        ended: list[str] = []
        while 1001 not in answers:
            message = server.read()
            if "method" not in message:
                assert message["id"] not in answers
                answers[message["id"]] = message
                if len(answers) == len(calls) + 1:
                    server.send({"id": 1001, "method": "interruptConversation", "params": about})
                continue
            turn, kind = message["params"]["id"], message["params"]["msg"]["type"]
            if kind == "task_started":
                began.append(turn)
            elif kind in ("turn_aborted", "task_complete"):
                ended.append(turn)
        assert all("result" in answer for id, answer in answers.items() if id % 2 == 1), answers
        assert began
        assert set(began) <= set(ended)
        assert len(set(ended)) == len(ended)
        server.say(conversation, "storm over")
        assert server.event("agent_message")["message"] == "the last word"
    assert json.dumps(model.requests[-1]["input"]).count("message 100") <= 1
