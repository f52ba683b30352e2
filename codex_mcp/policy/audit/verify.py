"""Checks a trail, without the processes that wrote it: every edit, removal and insertion is found, and a cut tail down
to the last checkpoint. Against one who has the key, and rewrites everything, only checkpoints kept elsewhere help.
"""

from __future__ import annotations

import pathlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from codex_mcp.policy.audit import files, keys
from codex_mcp.policy.audit.checkpoints import signed_part


@dataclass(frozen=True)
class Finding:
    """Something is wrong at a record (0: with the whole file)."""

    file: str
    seq: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.seq}: {self.what}"


@dataclass
class Report:
    """What was looked at, and what was found."""

    files: int = 0
    records: int = 0
    checkpoints: int = 0
    findings: list[Finding] = field(default_factory=list)


def verify(folder: pathlib.Path, *, key: pathlib.Path | None = None, anchors: Iterable[bytes] = ()) -> Report:
    """Check every file of the folder. `key`: the public key to trust in place of the one that lies there; `anchors`:
    checkpoint lines that were kept elsewhere. Raises OSError, ValueError (no key)."""
    report = Report()
    heads: dict[str, list[str]] = {}
    named: list[tuple[str, str, Any]] = []
    recovered: dict[str, str] = {}
    torn: dict[str, tuple[int, bytes]] = {}
    for path in files.trails(folder):
        report.files += 1
        heads[path.name] = _check_file(path, report, named, recovered, torn)
    for name, (seq, rest) in torn.items():
        if recovered.get(name) != files.digest(rest) and not files.is_written(folder / name):
            report.findings.append(Finding(name, seq, "the last line is unfinished, and no later file says so"))
    for source, name, head in named:
        _check_head(report, heads, name, head.get("seq", 0), head.get("head"), f"as {source} says")
    _check_checkpoints(folder, report, heads, key or folder / keys.PUBLIC)
    for line in anchors:
        facts = _decoded(line.strip())
        if facts:
            _check_head(report, heads, facts.get("file", "?"), facts.get("seq", 0), facts.get("head"), "as was kept")
    return report


def _check_file(
    path: pathlib.Path,
    report: Report,
    named: list[tuple[str, str, Any]],
    recovered: dict[str, str],
    torn: dict[str, tuple[int, bytes]],
) -> list[str]:
    """Follow the chain of one file; the digests of its lines."""
    digests: list[str] = []
    for line, whole in files.lines(path):
        seq, prev = len(digests) + 1, digests[-1] if digests else ""
        if not whole:
            torn[path.name] = (seq, line)
            break
        record = files.parsed(line)
        digests.append(files.digest(line))
        report.records += 1
        if record is None:
            report.findings.append(Finding(path.name, seq, "is no record"))
        elif record["seq"] != seq:
            report.findings.append(Finding(path.name, seq, f"has the number {record['seq']}"))
            break  # what follows is out of step, too
        elif record.get("prev") != prev:
            report.findings.append(Finding(path.name, seq, "does not follow from the record before it"))
        else:
            detail = record.get("detail") or {}
            named += [(path.name, name, head) for name, head in (detail.get("heads") or {}).items()]
            if record.get("event") == "log.recovered":
                recovered[detail.get("file", "")] = detail.get("sha256", "")
    return digests


def _check_head(report: Report, heads: dict[str, list[str]], name: str, seq: int, head: Any, source: str) -> None:
    if name not in heads:
        report.findings.append(Finding(name, 0, f"is missing, {source}"))
    elif len(heads[name]) < seq:
        report.findings.append(Finding(name, len(heads[name]) + 1, f"is cut off here: there were {seq}, {source}"))
    elif seq < 1 or heads[name][seq - 1] != head:
        report.findings.append(Finding(name, seq, f"was changed, {source}"))


def _check_checkpoints(folder: pathlib.Path, report: Report, heads: dict[str, list[str]], key: pathlib.Path) -> None:
    from cryptography.exceptions import InvalidSignature

    path = folder / files.CHECKPOINTS
    if not path.exists():
        if heads:
            report.findings.append(Finding(files.CHECKPOINTS, 0, "is missing"))
        return
    public = keys.public_key(key)
    last, seen = "", set[str]()
    for number, (line, _) in enumerate(files.lines(path), 1):
        facts = _decoded(line)
        if facts is None:
            if last:  # a line of a process that was killed in it
                continue
            report.findings.append(Finding(files.CHECKPOINTS, number, "is no checkpoint"))
            continue
        report.checkpoints += 1
        try:
            public.verify(bytes.fromhex(facts.get("signature", "")), signed_part(facts))
        except (InvalidSignature, ValueError):
            report.findings.append(Finding(files.CHECKPOINTS, number, "is not signed by the key"))
        if facts.get("prev") != last:
            report.findings.append(Finding(files.CHECKPOINTS, number, "does not follow from the checkpoint before it"))
        last = files.digest(line)
        seen.add(facts.get("file", ""))
        _check_head(
            report, heads, facts.get("file", "?"), facts.get("seq", 0), facts.get("head"), "as a checkpoint says"
        )
    for name in heads.keys() - seen:
        report.findings.append(Finding(name, 0, "has no checkpoint"))


def _decoded(line: bytes) -> dict[str, Any] | None:
    try:
        facts = msgspec.json.decode(line)
    except msgspec.DecodeError:
        return None
    return facts if isinstance(facts, dict) else None
