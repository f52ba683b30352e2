"""examples/openai_agents.py, with the SDK in an environment of its own; both models are scripted."""

from __future__ import annotations

import pytest

from tests.interop.sdks import run_example
from tests.interop.stage import Report, stage


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.requirement("examples:agents-sdk")
def test_an_agent_hands_its_work_to_codex(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIP_CONSTRAINT", raising=False)  # the SDK needs another release of `mcp`
    report = Report()
    with stage() as on:
        run_example(on, report)
    assert report.end() == 0
