"""What pages show runs as it stands, against the real engine with a scripted model."""

from __future__ import annotations

import json
import pathlib
import re
import shutil
import subprocess
import sys
import tomllib
from typing import NamedTuple

import pytest

from codex_mcp.offline import parse_script
from codex_mcp.protocol.conversations import NewConversationParams
from codex_mcp.testing import OfflineCodex, say
from tests.support.node import EXAMPLES

ROOT = pathlib.Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
# `<!-- not run: REASON -->` before a block leaves it out
_BLOCK = re.compile(
    r'(?P<mark><!-- not run: [^>]+ -->\n)?^```(?P<language>\w+)(?: title="(?P<title>[^"]+)")?\n(?P<text>.*?)^```$',
    re.DOTALL | re.MULTILINE,
)


class Block(NamedTuple):
    """Code in a page: a file if it has a title, else a program."""

    page: str
    language: str
    title: str | None
    text: str
    run: bool


def blocks() -> list[Block]:
    return [
        Block(str(page.relative_to(ROOT)), found["language"], found["title"], found["text"], found["mark"] is None)
        for page in PAGES
        for found in _BLOCK.finditer(page.read_text(encoding="utf-8"))
    ]


PROGRAMS = [block for block in blocks() if block.language == "python" and block.run and block.title is None]
FILES = [block for block in blocks() if block.language == "python" and block.run and block.title is not None]


@pytest.mark.slow
@pytest.mark.requirement("docs:code")
@pytest.mark.parametrize("block", PROGRAMS, ids=[f"{block.page}-{i}" for i, block in enumerate(PROGRAMS)])
def test_a_program_in_a_page_runs_as_it_stands(playground: pathlib.Path, block: Block) -> None:
    with OfflineCodex(playground / "page") as codex:
        for _ in range(3):
            codex.turn(say("A repository."))
        done = subprocess.run(
            [sys.executable, "-c", block.text],
            cwd=codex.workspace,
            env=codex.environment,
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, f"{block.page}:\n{block.text}\n{done.stderr}"


@pytest.mark.requirement("docs:code")
@pytest.mark.slow
def test_the_files_of_the_page_about_tests_pass(playground: pathlib.Path) -> None:
    assert [block.title for block in FILES] == ["conftest.py", "test_my_bot.py"]
    folder = playground / "files"
    folder.mkdir()
    shutil.copy(EXAMPLES / "testing" / "my_bot.py", folder)
    for block in FILES:
        (folder / str(block.title)).write_text(block.text)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert "1 passed" in done.stdout, done.stdout


@pytest.mark.requirement("docs:code")
def test_json_and_toml_in_pages_can_be_read() -> None:
    for block in blocks():
        if block.run and block.language == "json":
            json.loads(block.text)
        elif block.run and block.language == "toml":
            tomllib.loads(block.text)


def test_a_script_in_the_page_of_the_offline_model_is_one() -> None:
    (script,) = [block for block in blocks() if block.page == "docs/offline.md" and block.language == "json"]
    assert len(parse_script(json.loads(script.text))) == 3


def test_the_page_of_the_client_names_every_setting() -> None:
    page = (ROOT / "docs" / "client.md").read_text(encoding="utf-8").split("## Settings")[1].split("## ")[0]
    assert set(re.findall(r"`(\w+)`", page)) >= set(NewConversationParams.model_fields)


def test_the_commands_that_contributors_are_told_of_are_there() -> None:
    page, makefile = ((ROOT / name).read_text(encoding="utf-8") for name in ("CONTRIBUTING.md", "Makefile"))
    told = set(re.findall(r"\bmake ([a-z-]+)", page))
    assert {"setup", "test", "test-one", "check", "docs"} <= told
    assert told <= set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    for folder in re.findall(r"`(tests/\w+)`", page):
        assert (ROOT / folder).exists(), folder
