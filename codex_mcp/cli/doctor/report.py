"""What the doctor found: a check after the other, as lines or as JSON, without secrets and without the user's name."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
from typing import Any, Literal

from codex_mcp.cli.output import say
from codex_mcp.redaction import redact

Verdict = Literal["ok", "note", "fail"]


@dataclasses.dataclass(frozen=True)
class Check:
    """`what` was looked at, what was found, and what to do about it."""

    what: str
    verdict: Verdict
    detail: str
    advice: str | None = None


class Report:
    """Collects the checks; shows each at once, unless it is for JSON."""

    def __init__(self, *, as_json: bool) -> None:
        self.checks: list[Check] = []
        self._as_json = as_json
        self._home = str(pathlib.Path.home())
        self._stand_ins: dict[str, str] = {}

    def ok(self, what: str, detail: str) -> None:
        self._add(Check(what, "ok", detail))

    def note(self, what: str, detail: str, advice: str | None = None) -> None:
        """Something to know that keeps nobody from working."""
        self._add(Check(what, "note", detail, advice))

    def fail(self, what: str, detail: str, advice: str | None = None) -> None:
        """Something that keeps clients from working here."""
        self._add(Check(what, "fail", detail, advice))

    def show_for(self, folder: pathlib.Path, real: pathlib.Path) -> None:
        """Say `real` wherever `folder`, its copy, would be named."""
        self._stand_ins[str(folder)] = str(real)

    @property
    def failed(self) -> bool:
        return any(check.verdict == "fail" for check in self.checks)

    def end(self) -> int:
        """Show what is left to be shown; the exit status."""
        if self._as_json:
            checks: list[dict[str, Any]] = [dataclasses.asdict(check) for check in self.checks]
            say(json.dumps({"ok": not self.failed, "checks": checks}, indent=2, ensure_ascii=False) + "\n")
        return 1 if self.failed else 0

    def _add(self, check: Check) -> None:
        texts = (self._clean(check.detail), check.advice and self._clean(check.advice))
        check = Check(self._clean(check.what), check.verdict, *texts)
        self.checks.append(check)
        if not self._as_json:
            verdict = "FAIL" if check.verdict == "fail" else check.verdict
            say(f"{verdict:4}  {check.what}: {check.detail}\n")
            if check.advice:
                say(f"      -> {check.advice}\n")

    def _clean(self, text: str) -> str:
        """For a bug report: no secrets, and `~` for the home, which has the user's name in it."""
        line = " ".join(redact(text).split())
        for folder, real in self._stand_ins.items():
            line = line.replace(folder, real)
        return line.replace(self._home + os.sep, "~" + os.sep) if len(self._home) > 1 else line
