"""A session of Claude Code on a terminal: one question to its model, one approval answered with the keyboard.

The first argument is a JSON object with `command`, `environment`, `workspace` and `answer` ("Accept" or "Decline"). Checks
go to stdout, one JSON object each.
"""

from __future__ import annotations

import json
import sys
import time

import pexpect
import pyte

PLAN = json.loads(sys.argv[1])
WIDTH, HEIGHT = 120, 45
DOWN, RIGHT, ENTER = "\x1b[B", "\x1b[C", "\r"


def check(what: str, passed: bool, detail: str = "") -> None:
    print(json.dumps({"check": what, "passed": passed, "detail": detail}), flush=True)


class Terminal:
    """The program, and what its screen shows."""

    def __init__(self) -> None:
        self._screen = pyte.Screen(WIDTH, HEIGHT)
        self._stream = pyte.ByteStream(self._screen)
        environment = {**PLAN["environment"], "TERM": "xterm-256color"}
        program, *arguments = PLAN["command"]
        self._child = pexpect.spawn(
            program, arguments, cwd=PLAN["workspace"], env=environment, dimensions=(HEIGHT, WIDTH)
        )

    def press(self, *keys: str) -> None:
        for key in keys:
            self._child.send(key)

    def wait_for(self, text: str, *, pressing: str = "") -> str:
        """Read until a line of the screen has the text; that line. `pressing` is a key to press every second."""
        end = time.monotonic() + 30
        pressed = 0.0
        while True:
            for line in self._screen.display:
                if text in line.replace("\xa0", " "):
                    return str(line).strip()
            if pressing and time.monotonic() > pressed + 1:
                self.press(pressing)
                pressed = time.monotonic()
            if time.monotonic() > end:
                raise TimeoutError(f"no {text!r} on the screen:\n" + "\n".join(filter(str.strip, self._screen.display)))
            try:
                self._stream.feed(self._child.read_nonblocking(65536, timeout=1))
            except pexpect.TIMEOUT:
                continue

    def close(self) -> None:
        self._child.sendeof()
        self._child.sendeof()
        self._child.expect(pexpect.EOF, timeout=20)
        self._child.close(force=True)


def main() -> None:
    terminal = Terminal()
    terminal.wait_for("❯")
    terminal.press("Have Codex do it.")
    terminal.wait_for("❯ Have Codex do it.")
    terminal.press(ENTER)
    check("its session asks for the approval", True, terminal.wait_for("Allow Codex to run"))
    check("and shows progress", True, terminal.wait_for("Waiting for approval"))
    terminal.wait_for("❯ ✔ Decision")
    terminal.press(DOWN)
    terminal.wait_for("❯ Accept")
    if PLAN["answer"] == "Decline":
        terminal.press(RIGHT)
        terminal.wait_for("❯ Decline")
    # a dialog that has just come up takes no answer yet
    check(f"{PLAN['answer']} ends the question", True, terminal.wait_for("It is done.", pressing=ENTER))
    terminal.close()


if __name__ == "__main__":
    main()
