"""Reading the trail: filters, a table, and formats of other systems."""

from __future__ import annotations

import csv
import io
import json
import pathlib
import subprocess
import sys

import pytest

from codex_mcp.policy.audit.record import Actor, Fields, Outcome
from codex_mcp.policy.audit.trail import Trail


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> pathlib.Path:
    trail = Trail(tmp_path, "digest")
    actor = Actor(1000, "jane", "ide", "2")
    trail.append(
        Fields(
            event="decided",
            actor=actor,
            thread="t1",
            call="c1",
            kind="command",
            target="git push",
            impact=("production",),
            decision="declined",
            rule="high_impact.production",
            approver="elicitation",
        )
    )
    trail.append(
        Fields(
            event="ended", actor=actor, thread="t2", call="c2", kind="command", target="=1+1",
            outcome=Outcome("completed", 0, 12),
        )
    )  # fmt: skip
    trail.close()
    return tmp_path


def run(folder: pathlib.Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "codex_mcp", "audit", *arguments, "--dir", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.requirement("policy:audit:export")
def test_records_are_shown_and_filtered(folder: pathlib.Path) -> None:
    assert "git push" in run(folder, "show")
    assert run(folder, "show", "--decision", "declined").count("\n") == 1
    assert run(folder, "show", "--thread", "t2", "--kind", "command").count("\n") == 1
    assert run(folder, "show", "--category", "money") == ""
    assert run(folder, "show", "--since", "9999") == ""
    assert run(folder, "verify").endswith("nothing was changed\n")


@pytest.mark.requirement("policy:audit:export")
def test_records_are_exported(folder: pathlib.Path) -> None:
    exported = [json.loads(line) for line in run(folder, "export", "--client", "ide").splitlines()]
    assert [record["target"] for record in exported] == ["git push", "=1+1"]
    rows = list(csv.DictReader(io.StringIO(run(folder, "export", "--format", "csv", "--client", "ide"))))
    assert [row["target"] for row in rows] == ["git push", "'=1+1"]
    otlp = json.loads(run(folder, "export", "--format", "otlp", "--decision", "declined"))
    [log] = otlp["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
    assert {"key": "gen_ai.conversation.id", "value": {"stringValue": "t1"}} in log["attributes"]
    ocsf = json.loads(run(folder, "export", "--format", "ocsf", "--decision", "declined"))
    assert (ocsf["class_uid"], ocsf["status_id"], ocsf["actor"]["user"]["name"]) == (6003, 2, "jane")
