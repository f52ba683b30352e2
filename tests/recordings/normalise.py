"""What differs from run to run, made the same: ids, paths, times, ports."""

from __future__ import annotations

import json
import pathlib
import re
import sys
from typing import Any

from codex_mcp.wire.messages import JsonObject
from tests.support.home import Home

_REPOSITORY = pathlib.Path(__file__).parent.parent.parent
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TIME = re.compile(r".*(At|Ms|_ms|_at)$")
_PATTERNS = [
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:1"),
    (re.compile(r"sessions/[\d/]+/rollout-[\dT-]{19}-"), "sessions/rollout-"),
    (re.compile(r"Wall time: [\d.]+"), "Wall time: 0"),
    (re.compile(r"Chunk ID: \w+"), "Chunk ID: 0"),
    (re.compile(r"Process running with session ID \d+|process \d+"), "process 1"),
]
_LONG = 400  # texts of the engine's own prompts are longer; what scenarios say is shorter


class Normaliser:
    """For one scenario: the same id becomes the same number throughout."""

    def __init__(self, home: Home) -> None:
        self._paths = {
            str(home.workspace): "/workspace",
            str(home.path): "/codex-home",
            str(home.root): "/home",
            sys.executable: "python",
            str(_REPOSITORY): "/repository",
        }
        self._ids: dict[str, str] = {}

    def __call__(self, direction: str, line: bytes) -> JsonObject:
        text = line.decode()
        for path, name in self._paths.items():
            text = text.replace(path, name)
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        text = _UUID.sub(lambda found: self._number(found[0]), text)
        message = json.loads(text)
        message.pop("emittedAtMs", None)
        raw = message.get("method") == "rawResponseItem/completed"
        return {direction: _steady(message, "", _LONG if raw else 10 * _LONG)}

    def _number(self, uuid: str) -> str:
        return self._ids.setdefault(uuid, f"00000000-0000-7000-8000-{len(self._ids) + 1:012d}")


def _steady(value: Any, key: str, longest: int) -> Any:
    if isinstance(value, dict):
        return {name: _steady(inner, name, longest) for name, inner in value.items()}
    if isinstance(value, list):
        return [_steady(inner, key, longest) for inner in value]
    if isinstance(value, str):
        if key == "processId":
            return "1"
        if key == "cliVersion":
            return "0.0.0"
        return value if len(value) <= longest else f"{value[:40]}… ({len(value)} characters)"
    if isinstance(value, int | float) and not isinstance(value, bool) and _TIME.match(key) and key != "resetsAt":
        return 0
    return value
