"""Keeps checkpoints elsewhere: in the system's log, at an OTLP collector, or wherever a command puts them.

In a thread of its own: a slow or missing place holds nothing up, and is told in our log.
"""

from __future__ import annotations

import json
import logging
import queue
import shlex
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable

log = logging.getLogger(__name__)

_TIME_LIMIT = 10.0  # seconds for one checkpoint


class Anchor:
    """Sends lines to the place that `where` names: `syslog`, `otlp:URL` or `command:ARGV`."""

    def __init__(self, where: str) -> None:
        self._send = _sender(where)
        self._where = where
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="audit-anchor", daemon=True)
        self._thread.start()

    def __call__(self, line: bytes) -> None:
        self._lines.put(line)

    def close(self) -> None:
        """Send what waits, for as long as one line may take."""
        self._lines.put(None)
        self._thread.join(_TIME_LIMIT)

    def _run(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                self._send(line)
            except (OSError, subprocess.SubprocessError, ValueError) as error:
                log.error("a checkpoint could not be kept at %s: %s", self._where, error)


def _sender(where: str) -> Callable[[bytes], None]:
    kind, _, rest = where.partition(":")
    if kind == "syslog":
        return _to_syslog
    if kind == "otlp":
        return lambda line: _to_collector(rest, line)
    command = shlex.split(rest)
    return lambda line: _to_command(command, line)


def _to_syslog(line: bytes) -> None:
    if sys.platform == "win32":  # untested
        raise OSError("there is no syslog on this system")
    import syslog

    syslog.openlog("codex-mcp-server", 0, syslog.LOG_AUTHPRIV if hasattr(syslog, "LOG_AUTHPRIV") else syslog.LOG_AUTH)
    syslog.syslog(syslog.LOG_NOTICE, line.decode())


def _to_collector(url: str, line: bytes) -> None:
    attributes = [{"key": "event.name", "value": {"stringValue": "codex_mcp.audit.checkpoint"}}]
    record = {
        "timeUnixNano": str(time.time_ns()),
        "severityNumber": 9,
        "body": {"stringValue": line.decode()},
        "attributes": attributes,
    }
    service = [{"key": "service.name", "value": {"stringValue": "codex-mcp-server"}}]
    body = {
        "resourceLogs": [
            {
                "resource": {"attributes": service},
                "scopeLogs": [{"scope": {"name": "codex_mcp.audit"}, "logRecords": [record]}],
            }
        ]
    }
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=_TIME_LIMIT):
        pass


def _to_command(command: list[str], line: bytes) -> None:
    subprocess.run(command, input=line + b"\n", stdout=subprocess.DEVNULL, timeout=_TIME_LIMIT, check=True)
