"""Tests of the bot: the real server, engine, sandbox and approvals; only the model is scripted."""

import pytest
from my_bot import my_bot

from codex_mcp.client import TurnFailed
from codex_mcp.testing import OfflineCodex, fail, run, say, write_file


def test_the_answer_is_passed_on(offline_codex: OfflineCodex) -> None:
    offline_codex.turn(run("ls"), say("Nothing is here."))
    assert my_bot("What is here?") == "Nothing is here."


def test_it_may_write_markdown_and_nothing_else(offline_codex: OfflineCodex) -> None:
    offline_codex.turn(write_file("notes.md", "Noted."), write_file("evil.sh", "rm -rf /"), say("Done."))
    assert my_bot("Write both.") == "Done."
    assert (offline_codex.workspace / "notes.md").read_text() == "Noted.\n"
    assert not (offline_codex.workspace / "evil.sh").exists()


def test_a_failure_of_the_provider_is_told(offline_codex: OfflineCodex) -> None:
    offline_codex.turn(fail(400, "no credit left"))
    with pytest.raises(TurnFailed, match="no credit left"):
        my_bot("Hello?")
