"""Reads a trail for people and for other systems: chosen records as they are, as CSV, OTLP or OCSF."""

from __future__ import annotations

import csv
import datetime
import io
import json
import pathlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from codex_mcp.policy.audit import files

Record = dict[str, Any]

_COLUMNS = ("time", "event", "decision", "rule", "approver", "kind", "target", "impact", "thread", "call", "outcome")


@dataclass(frozen=True)
class Chosen:
    """Which records: all that is given must fit."""

    since: str = ""
    """A time, or a beginning of one: `2026-11-21T14`."""
    thread: str | None = None
    decision: str | None = None
    event: str | None = None
    kind: str | None = None
    category: str | None = None
    client: str | None = None

    def fits(self, record: Record) -> bool:
        """Whether a record is one of them."""
        wanted = (("thread", self.thread), ("decision", self.decision), ("event", self.event), ("kind", self.kind))
        return (
            record.get("time", "") >= self.since
            and all(value is None or record.get(name) == value for name, value in wanted)
            and (self.category is None or self.category in record.get("impact", ()))
            and (self.client is None or record.get("actor", {}).get("client") == self.client)
        )


def read(folder: pathlib.Path, chosen: Chosen) -> Iterator[Record]:
    """The chosen records, by file, oldest first; `file` is added. What is no record is left out. Raises OSError."""
    for path in files.trails(folder):
        for line, whole in files.lines(path):
            record = files.parsed(line) if whole else None
            if record is not None and chosen.fits(record):
                yield {**record, "file": path.name}


def as_table(records: Iterable[Record]) -> Iterator[str]:
    """A line per record, for a terminal."""
    for record in records:
        decision = record.get("decision") or record.get("outcome", {}).get("status", "")
        who = record.get("approver", "")
        rule = f"  [{record['rule']}]" if record.get("rule") else ""
        target = " ".join(str(record.get("target", "")).split())
        what = f"{record['event']:<12} {decision:<9} {who:<11} {record.get('kind', ''):<9} {target:.80}{rule}"
        yield f"{record['time'][:19]}  {what}"


def as_csv(records: Iterable[Record]) -> Iterator[str]:
    """With a header; lists and tables as JSON."""
    yield _row(("file", "seq", *_COLUMNS, "user", "client", "policy"))
    for record in records:
        actor = record.get("actor", {})
        cells = [record.get(name, "") for name in _COLUMNS]
        yield _row(
            [record["file"], record["seq"], *cells, actor.get("user", ""), actor.get("client", ""), record["policy"]]
        )


def _row(cells: Iterable[Any]) -> str:
    out = io.StringIO()
    plain = (json.dumps(cell) if isinstance(cell, dict | list) else str(cell) for cell in cells)
    # a spreadsheet would run what begins like a formula
    csv.writer(out, lineterminator="").writerow(f"'{cell}" if cell[:1] in "=+-@" else cell for cell in plain)
    return out.getvalue()


def as_json(records: Iterable[Record]) -> Iterator[str]:
    """The records, one object per line."""
    return map(json.dumps, records)


def as_otlp(records: Iterable[Record]) -> Iterator[str]:
    """An OTLP/JSON `ExportLogsServiceRequest` per record, with the names of OpenTelemetry's GenAI conventions."""
    for record in records:
        named = {
            "event.name": f"codex_mcp.audit.{record['event']}",
            "gen_ai.conversation.id": record.get("thread"),
            "gen_ai.tool.call.id": record.get("call"),
            "gen_ai.tool.name": record.get("kind"),
            "enduser.id": record.get("actor", {}).get("user"),
            "codex_mcp.decision": record.get("decision"),
            "codex_mcp.rule": record.get("rule"),
            "codex_mcp.approver": record.get("approver"),
        }
        attributes = [{"key": key, "value": {"stringValue": value}} for key, value in named.items() if value]
        log = {
            "timeUnixNano": str(round(_when(record).timestamp() * 1e6) * 1000),
            "severityNumber": 13 if record.get("decision") in ("deny", "declined", "timeout") else 9,
            "body": {"stringValue": json.dumps(record)},
            "attributes": attributes,
        }
        service = [{"key": "service.name", "value": {"stringValue": "codex-mcp-server"}}]
        scope = {"scope": {"name": "codex_mcp.audit"}, "logRecords": [log]}
        yield json.dumps({"resourceLogs": [{"resource": {"attributes": service}, "scopeLogs": [scope]}]})


def as_ocsf(records: Iterable[Record]) -> Iterator[str]:
    """An OCSF event of the class API Activity (6003) per line and record."""
    for record in records:
        decision = record.get("decision")
        refused = decision in ("deny", "declined", "timeout", "withdrawn")
        actor = record.get("actor", {})
        yield json.dumps(
            {
                "class_uid": 6003,
                "class_name": "API Activity",
                "category_uid": 6,
                "category_name": "Application Activity",
                "activity_id": 99,
                "activity_name": record["event"],
                "type_uid": 600399,
                "time": round(_when(record).timestamp() * 1000),
                "severity_id": 3 if refused else 1,
                "status_id": 2 if refused else 1,
                "status_detail": record.get("rule", ""),
                "message": f"{decision or record['event']}: {record.get('target', '')}",
                "actor": {"user": {"name": actor.get("user", ""), "uid": str(actor.get("uid", ""))}},
                "api": {"operation": record.get("kind") or record["event"], "request": {"uid": record.get("call", "")}},
                "src_endpoint": {"name": actor.get("client", "")},
                "metadata": {
                    "version": "1.3.0",
                    "product": {"name": "codex-mcp-server", "version": record["server"]["version"]},
                    "uid": f"{record['file']}:{record['seq']}",
                },
                "unmapped": record,
            }
        )


def _when(record: Record) -> datetime.datetime:
    return datetime.datetime.fromisoformat(record["time"])


FORMATS: dict[str, Callable[[Iterable[Record]], Iterator[str]]] = {
    "jsonl": as_json,
    "csv": as_csv,
    "otlp": as_otlp,
    "ocsf": as_ocsf,
}
