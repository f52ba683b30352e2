"""What an engine can send, by its own schema, against what this server knows of.

    python -m tests.drift [ENGINE]

Exits with 1 and names what is neither translated nor dropped on purpose. ENGINE is a binary; without one, the engine
in use is looked at.
"""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import tempfile
from dataclasses import dataclass

from codex_mcp.bridge.events import (
    DROPPED_ITEMS,
    DROPPED_NOTIFICATIONS,
    ITEMS_COMPLETED,
    ITEMS_STARTED,
    NOTIFICATIONS,
)
from codex_mcp.bridge.questions import REFUSED_REQUESTS, REQUESTS
from codex_mcp.engine.locate import find_engines
from codex_mcp.wire.messages import JsonObject

# Sent although no schema names them.
HIDDEN = frozenset({"rawResponse/completed", "rawResponseItem/completed"})


@dataclass(frozen=True)
class Vocabulary:
    """Names of what is sent to a client."""

    notifications: frozenset[str]
    items: frozenset[str]
    requests: frozenset[str]


def known() -> Vocabulary:
    """What this server translates, serves, drops or refuses."""
    return Vocabulary(
        notifications=frozenset(NOTIFICATIONS).union(*DROPPED_NOTIFICATIONS.values()),
        items=frozenset(ITEMS_STARTED) | frozenset(ITEMS_COMPLETED) | DROPPED_ITEMS,
        requests=frozenset(REQUESTS) | frozenset(REFUSED_REQUESTS),
    )


def of_engine(binary: str) -> Vocabulary:
    """What an engine can send."""
    with tempfile.TemporaryDirectory() as directory:
        command = [binary, "app-server", "generate-json-schema", "--experimental", "--out", directory]
        subprocess.run(command, check=True, capture_output=True, env={"CODEX_HOME": directory, "PATH": ""})
        written = pathlib.Path(directory)
        notifications = json.loads((written / "ServerNotification.json").read_text())
        requests = json.loads((written / "ServerRequest.json").read_text())
    return Vocabulary(
        notifications=_names(notifications, "method") | HIDDEN,
        items=_names(notifications["definitions"]["ThreadItem"], "type"),
        requests=_names(requests, "method"),
    )


def unknown_to_us(binary: str) -> list[str]:
    """What an engine can send that this server has no word for."""
    theirs, ours = of_engine(binary), known()
    return [
        *(f"notification {name}" for name in sorted(theirs.notifications - ours.notifications)),
        *(f"item {name}" for name in sorted(theirs.items - ours.items)),
        *(f"request {name}" for name in sorted(theirs.requests - ours.requests)),
    ]


def _names(schema: JsonObject, tag: str) -> frozenset[str]:
    """The values of the tag that tells the variants apart."""
    return frozenset(name for variant in schema["oneOf"] for name in variant["properties"][tag]["enum"])


def main() -> int:
    binary = sys.argv[1] if len(sys.argv) > 1 else find_engines(None)[0].path
    unknown = unknown_to_us(binary)
    sys.stdout.write("".join(f"unknown: {name}\n" for name in unknown) or "nothing unknown\n")
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
