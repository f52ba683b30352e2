"""Checkpoints kept elsewhere."""

from __future__ import annotations

import http.server
import json
import pathlib
import shlex
import sys
import threading

import pytest

from codex_mcp.policy.audit.anchors import Anchor


@pytest.mark.requirement("policy:audit:anchor")
def test_a_command_gets_each_line(tmp_path: pathlib.Path) -> None:
    kept = tmp_path / "kept"
    program = f"import sys; open({str(kept)!r}, 'ab').write(sys.stdin.buffer.read())"
    anchor = Anchor(f"command:{shlex.join([sys.executable, '-c', program])}")
    anchor(b'{"seq":1}')
    anchor(b'{"seq":2}')
    anchor.close()
    assert kept.read_bytes() == b'{"seq":1}\n{"seq":2}\n'


@pytest.mark.requirement("policy:audit:anchor")
def test_a_collector_gets_each_line() -> None:
    bodies: list[bytes] = []

    class Collector(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            """Not wanted in the output of the tests."""

    with http.server.HTTPServer(("127.0.0.1", 0), Collector) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        anchor = Anchor(f"otlp:http://127.0.0.1:{server.server_port}/v1/logs")
        anchor(b'{"seq":1}')
        anchor.close()
        server.shutdown()
    [log] = json.loads(bodies[0])["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
    assert log["body"]["stringValue"] == '{"seq":1}'


def test_a_place_that_fails_is_told_in_the_log_and_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    anchor = Anchor("command:/does/not/exist")
    anchor(b"one")
    anchor(b"two")
    anchor.close()
    assert caplog.text.count("could not be kept") == 2
