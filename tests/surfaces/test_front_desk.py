"""The desk that answers before the rest is loaded, over real pipes."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from codex_mcp.surfaces.front_desk import FrontDesk
from codex_mcp.surfaces.handshake import Dialect, Handshake

INITIALIZE = b'{"id":1,"method":"initialize","params":{"clientInfo":{"name":"t","version":"1"}}}\n'
REAL = b'{"id":2,"method":"getUserSavedConfig"}\n'


class Desk:
    def __init__(self) -> None:
        self._in, self.write_to = os.pipe()
        self.read_from, self._out = os.pipe()
        self.handshake = Handshake()
        self.desk = FrontDesk(self.handshake, self._in, self._out)

    def write(self, data: bytes) -> None:
        os.write(self.write_to, data)

    def read(self) -> Any:
        return json.loads(os.read(self.read_from, 65536))

    def close(self) -> None:
        os.close(self.write_to)
        self.desk.join()
        for fd in (self._in, self._out, self.read_from):
            os.close(fd)


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    desk.desk.start()
    yield desk
    desk.close()


@pytest.mark.requirement("handshake:before-load")
def test_it_answers_the_handshake_and_leaves_the_first_real_request_to_the_room(desk: Desk) -> None:
    desk.write(INITIALIZE + b'{"method":"initialized"}\n')
    assert desk.read()["id"] == 1
    desk.write(REAL)
    assert desk.desk.join() == REAL
    assert desk.handshake.dialect is Dialect.APP_SERVER


@pytest.mark.requirement("handshake:before-load")
def test_it_says_who_answers_which_clients_ask_first(desk: Desk) -> None:
    desk.write(INITIALIZE)
    user_agent = desk.read()["result"]
    desk.write(b'{"id":2,"method":"getUserAgent"}\n')
    assert desk.read() == {"id": 2, "result": user_agent}


def test_what_a_client_does_not_read_is_left_to_the_room() -> None:
    into, wire_in = os.pipe()[::-1]
    out, wire_out = os.pipe()
    os.set_blocking(wire_out, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(wire_out, b"x" * 512)
    os.set_blocking(wire_out, True)
    desk = FrontDesk(Handshake(), wire_in, wire_out)
    desk.start()
    os.write(into, INITIALIZE + REAL)
    assert desk.join() == REAL
    assert json.loads(desk.unsent)["id"] == 1
    for fd in (into, wire_in, out, wire_out):
        os.close(fd)


def test_a_request_in_pieces_is_put_together(desk: Desk) -> None:
    desk.write(INITIALIZE[:20])
    desk.write(INITIALIZE[20:])
    assert desk.read()["id"] == 1


def test_what_came_behind_the_first_real_request_is_left_too(desk: Desk) -> None:
    desk.write(INITIALIZE + REAL + b"tail without end")
    assert desk.read()["id"] == 1
    assert desk.desk.join() == REAL + b"tail without end"


def test_errors_of_the_handshake_are_answered_by_the_desk(desk: Desk) -> None:
    desk.write(b'{"id":9,"method":"newConversation","params":{}}\n')
    error = {"code": -32600, "message": "Not initialized", "data": {"code": "not_initialized"}}
    assert desk.read() == {"id": 9, "error": error}
    desk.write(INITIALIZE)
    assert "result" in desk.read()


@pytest.mark.parametrize("line", [b"nonsense\n", b'{"id":1,"result":{}}\n', b'{"method":"notifications/cancelled"}\n'])
def test_what_is_not_its_business_is_left_to_the_room(desk: Desk, line: bytes) -> None:
    desk.write(line)
    assert desk.desk.join() == line


def test_it_ends_with_the_stream(desk: Desk) -> None:
    desk.write(b"half a line")
    os.close(desk.write_to)
    assert desk.desk.join() == b"half a line"
    desk.write_to = os.open(os.devnull, os.O_WRONLY)


@pytest.mark.requirement("handshake:before-load")
def test_answering_needs_none_of_the_heavy_modules() -> None:
    code = (
        "import sys; import codex_mcp.cli.serve, codex_mcp.cli.arguments, codex_mcp.surfaces.mcp.catalog;"
        "print(sorted({'asyncio','anyio','pydantic','mcp','typing','dataclasses','logging','subprocess','inspect'}"
        " & set(sys.modules)))"
    )
    out = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True, cwd=os.getcwd()
    )
    assert out.stdout.strip() == "[]"
