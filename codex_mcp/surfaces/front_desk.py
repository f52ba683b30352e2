"""Answers the handshake while the rest of the server is still being loaded.

A thread with plain blocking reads: it answers `initialize` and what else needs nothing but the `Handshake`, and ends
at the first message that needs more, or when a client does not read its answers. What it has read by then, that
message first, is `leftover` for the peer that takes the connection over; what it could not write is `unsent`.
"""

from __future__ import annotations

import os
import threading

from codex_mcp.surfaces.handshake import UNANSWERED
from codex_mcp.wire import codec
from codex_mcp.wire.errors import RpcError
from codex_mcp.wire.messages import MalformedMessage, Notification, Request
from codex_mcp.wire.stdio import room_in, write_all, write_what_fits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from codex_mcp.surfaces.handshake import Handshake

_CHUNK = 64 * 1024
_OPENING_NOTIFICATIONS = ("initialized", "notifications/initialized")


class FrontDesk:
    """Start it, do other things, `join` it."""

    def __init__(self, handshake: Handshake, wire_in: int, wire_out: int) -> None:
        self.leftover = b""
        self.unsent = b""
        self._handshake = handshake
        self._in = wire_in
        self._out = wire_out
        self._has_room = room_in(wire_out)
        self._first_answer = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="front-desk", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wait_for_first_answer(self, seconds: float) -> None:
        """Give the desk the interpreter for itself until it has answered, or nothing has come for that long."""
        self._first_answer.wait(seconds)

    def join(self) -> bytes:
        """Wait for the end of its work; returns `leftover`."""
        self._thread.join()
        return self.leftover

    def _serve(self) -> None:
        try:
            while chunk := os.read(self._in, _CHUNK):
                self.leftover += chunk
                while (end := self.leftover.find(b"\n")) >= 0:
                    if not self._answer(self.leftover[:end]):
                        return
                    self.leftover = self.leftover[end + 1 :]
                    if self.unsent:
                        return
                if len(self.leftover) >= _CHUNK:  # no handshake is that long
                    return
        except OSError:  # the client is gone: the peer will notice
            pass
        finally:
            self._first_answer.set()

    def _answer(self, line: bytes) -> bool:
        try:
            message = codec.decode(line)
        except MalformedMessage:
            return False
        if isinstance(message, Notification):
            return message.method in _OPENING_NOTIFICATIONS
        if not isinstance(message, Request):
            return False
        try:
            result = self._handshake.answer(message.method, message.params, jsonrpc=message.jsonrpc)
            if result is UNANSWERED:
                return False
            reply = codec.encode_result(message.id, result, jsonrpc=self._handshake.jsonrpc)
        except RpcError as error:
            reply = codec.encode_error(message.id, error, jsonrpc=self._handshake.jsonrpc)
        self._write(reply)
        self._first_answer.set()
        return True

    def _write(self, reply: bytes) -> None:
        """Wait for no client that may have left: a pipe or a socket tells when it is full."""
        if self._has_room is None:
            write_all(self._out, reply)
        else:
            self.unsent = write_what_fits(self._out, reply, self._has_room)
