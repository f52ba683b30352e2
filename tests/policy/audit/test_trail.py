"""The trail: what was changed is found, what was interrupted is said, several processes do not disturb each other."""

from __future__ import annotations

import json
import os
import pathlib
import resource
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from codex_mcp.policy.audit import files
from codex_mcp.policy.audit.record import Actor, Fields, Outcome
from codex_mcp.policy.audit.trail import AuditFailed, Trail
from codex_mcp.policy.audit.verify import verify


def write(folder: pathlib.Path, count: int = 5) -> pathlib.Path:
    trail = Trail(folder, "digest")
    for number in range(count):
        trail.append(Fields(event="decided", kind="command", target=f"touch {number}", decision="allow"), sync=True)
    trail.close()
    return trail.path


def whats(folder: pathlib.Path) -> list[tuple[str, int]]:
    return [(finding.file, finding.seq) for finding in verify(folder).findings]


def test_a_trail_that_nobody_touched_verifies(tmp_path: pathlib.Path) -> None:
    write(tmp_path)
    write(tmp_path)
    report = verify(tmp_path)
    assert report.findings == []
    assert (report.files, report.records, report.checkpoints) == (2, 14, 4)
    assert {oct(path.stat().st_mode & 0o777) for path in tmp_path.iterdir()} <= {"0o600"}
    assert tmp_path.stat().st_mode & 0o777 == 0o700


@pytest.mark.requirement("policy:audit:fields")
def test_a_record_has_the_published_fields(tmp_path: pathlib.Path) -> None:
    trail = Trail(tmp_path, "digest")
    fields = Fields(
        event="ended", actor=Actor(1, "u", "c", "2"), thread="t", parent="p", turn="n", call="i", kind="command",
        target="ls", args_sha256="ab", impact=("production",), decision="approved", rule="r", approver="elicitation",
        sandbox="read-only", outcome=Outcome("completed", 0, 3), masked={"mail": 1},
    )  # fmt: skip
    trail.append(fields)
    record = json.loads(trail.path.read_bytes().splitlines()[-1])
    assert set(record) == {
        *("v", "seq", "time", "prev", "event", "policy", "server", "actor", "thread", "parent", "turn", "call", "kind"),
        *("target", "args_sha256", "impact", "decision", "rule", "approver", "sandbox", "outcome", "masked"),
    }
    assert set(record["server"]) == {"version", "pid"}
    assert set(record["actor"]) == {"uid", "user", "client", "client_version"}
    assert set(record["outcome"]) == {"status", "exit", "ms"}


def change_byte(lines: list[bytes]) -> None:
    lines[2] = lines[2].replace(b"touch 1", b"touch 9")


def remove_line(lines: list[bytes]) -> None:
    del lines[2]


def swap_lines(lines: list[bytes]) -> None:
    lines[2], lines[3] = lines[3], lines[2]


def insert_line(lines: list[bytes]) -> None:
    lines.insert(3, lines[2])


def cut_tail(lines: list[bytes]) -> None:
    del lines[-2:]


@pytest.mark.requirement("policy:P-21")
@pytest.mark.parametrize(
    ("tamper", "seq"), [(change_byte, 4), (remove_line, 3), (swap_lines, 3), (insert_line, 4), (cut_tail, 6)]
)
def test_a_changed_file_is_named_with_the_record(
    tmp_path: pathlib.Path, tamper: Callable[[list[bytes]], None], seq: int
) -> None:
    path = write(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    tamper(lines)
    path.write_bytes(b"".join(lines))
    assert (path.name, seq) in whats(tmp_path)
    command = [sys.executable, "-m", "codex_mcp", "audit", "verify", "--dir", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert f"{path.name}:{seq}:" in done.stdout


@pytest.mark.requirement("policy:P-21")
def test_a_removed_file_is_named(tmp_path: pathlib.Path) -> None:
    first = write(tmp_path)
    write(tmp_path)
    first.unlink()
    assert (first.name, 0) in whats(tmp_path)


@pytest.mark.requirement("policy:P-21")
def test_checkpoints_can_be_neither_removed_nor_made(tmp_path: pathlib.Path) -> None:
    write(tmp_path)
    checkpoints = tmp_path / files.CHECKPOINTS
    kept = checkpoints.read_bytes()
    checkpoints.write_bytes(kept.replace(b'"reason":"closed"', b'"reason":"opened"'))
    assert (files.CHECKPOINTS, 2) in whats(tmp_path)
    checkpoints.write_bytes(kept.splitlines(keepends=True)[1])
    assert (files.CHECKPOINTS, 1) in whats(tmp_path)
    checkpoints.unlink()
    assert (files.CHECKPOINTS, 0) in whats(tmp_path)


@pytest.mark.requirement("policy:audit:anchor")
def test_what_was_rewritten_with_the_key_is_found_by_what_was_kept_elsewhere(tmp_path: pathlib.Path) -> None:
    kept: list[bytes] = []
    folder = tmp_path / "audit"
    trail = Trail(folder, "digest", kept.append)
    trail.append(Fields(event="decided", target="rm -rf"))
    trail.close()
    for path in (trail.path, folder / files.CHECKPOINTS):
        path.unlink()
    write(folder)  # somebody with the key writes another history
    assert verify(folder).findings == []
    assert [finding.file for finding in verify(folder, anchors=kept).findings] == [trail.path.name] * 2


@pytest.mark.requirement("policy:P-22")
def test_a_process_that_is_killed_in_mid_line_leaves_a_trail_that_verifies(tmp_path: pathlib.Path) -> None:
    """Four processes write at once; one is killed, and its last line was not finished."""
    program = (
        "import sys, pathlib\n"
        "from codex_mcp.policy.audit.record import Fields\n"
        "from codex_mcp.policy.audit.trail import Trail\n"
        "trail = Trail(pathlib.Path(sys.argv[1]), 'digest')\n"
        "for n in range(200): trail.append(Fields(event='decided', target=str(n)))\n"
        "print(trail.path, flush=True)\n"
        "sys.stdin.read(); trail.close()\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    writers = [subprocess.Popen(command, **pipes) for _ in range(4)]  # type: ignore[call-overload]
    paths = [pathlib.Path(writer.stdout.readline().decode().strip()) for writer in writers]
    assert verify(tmp_path).findings == []
    writers[0].send_signal(signal.SIGKILL)
    writers[0].communicate()
    with paths[0].open("ab") as file:
        file.write(b'{"v":1,"seq":')
    assert (paths[0].name, 202) in whats(tmp_path)
    for writer in writers[1:]:
        writer.communicate()
        assert writer.returncode == 0
    later = write(tmp_path)
    assert verify(tmp_path).findings == []
    recovered = json.loads(later.read_bytes().splitlines()[1])
    assert recovered["event"] == "log.recovered"
    assert recovered["detail"]["file"] == paths[0].name
    assert recovered["detail"]["bytes"] == 13


@pytest.mark.requirement("policy:P-23")
def test_a_full_disk_is_an_error_and_the_next_record_goes_to_a_file_that_says_so(tmp_path: pathlib.Path) -> None:
    trail = Trail(tmp_path, "digest")
    trail.append(Fields(event="decided", target="fits"))
    first = trail.path
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (first.stat().st_size + 100, limits[1]))
    try:
        with pytest.raises(AuditFailed, match="could not be written"):
            trail.append(Fields(event="decided", target="x" * 1000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    trail.append(Fields(event="decided", target="fits again"))
    trail.close()
    assert trail.path != first
    assert b"log.recovered" in trail.path.read_bytes()
    assert verify(tmp_path).findings == []


def test_a_long_trail_goes_on_in_another_file(tmp_path: pathlib.Path) -> None:
    trail = Trail(tmp_path, "digest", max_bytes=2000)
    for number in range(20):
        trail.append(Fields(event="decided", target=str(number)))
    trail.close()
    assert len(files.trails(tmp_path)) > 2
    assert verify(tmp_path).findings == []


def test_names_sort_by_time_and_are_never_the_same() -> None:
    names = [files.new_name() for _ in range(100)]
    assert len(set(names)) == 100
    assert all(len(name) == len("2026-11-21-") + 26 + len(".jsonl") for name in names)


def test_the_keys_are_kept(tmp_path: pathlib.Path) -> None:
    write(tmp_path)
    before = {name: (tmp_path / name).read_bytes() for name in ("signing.key", "signing.pub")}
    write(tmp_path)
    assert before == {name: (tmp_path / name).read_bytes() for name in before}
    assert os.path.exists(tmp_path / "signing.pub")
