"""Which entries are dead, which are ours, and which flags they have."""

from __future__ import annotations

from typing import Any

import pytest

from codex_mcp.cli.install.entries import Found, judge


def entry(*words: str, **more: Any) -> dict[str, Any]:
    return {"command": words[0], "args": list(words[1:]), **more}


@pytest.mark.requirement("install:repairs")
@pytest.mark.parametrize(
    ("words", "flags"),
    [
        (["codex", "mcp-server"], []),
        (["codex", "mcp"], []),
        (["codex", "mcp-server", "-c", "model=o3"], ["-c", "model=o3"]),
        (["codex", "--yolo", "mcp-server", "--strict-config"], ["--yolo", "--strict-config"]),
        (["/opt/homebrew/bin/codex", "-s", "read-only", "mcp-server"], ["-s", "read-only"]),
        (["C:\\Users\\me\\AppData\\Roaming\\npm\\codex.cmd", "mcp-server"], []),
        (["npx", "-y", "@openai/codex", "mcp-server"], []),
        (["npx", "-y", "@openai/codex@latest", "mcp-server", "-m", "o3"], ["-m", "o3"]),
        (["npx", "-y", "@openai/codex@0.153.4", "mcp-server"], []),
        (["npx", "-p", "@openai/codex", "codex", "mcp-server"], []),
        (["bunx", "@openai/codex", "mcp-server"], []),
        (["pnpm", "dlx", "@openai/codex", "mcp-server"], []),
        (["cmd", "/c", "npx", "-y", "@openai/codex", "mcp-server"], []),
        (["cmd.exe", "/C", "codex", "mcp-server"], []),
        (["bash", "-lc", "codex mcp-server -m o3"], ["-m", "o3"]),
        (["zsh", "-c", "exec codex mcp-server"], []),
        (["node", "/usr/lib/node_modules/@openai/codex/bin/codex.js", "mcp-server"], []),
    ],
    ids=" ".join,
)
def test_every_way_of_running_the_old_command_is_known(words: list[str], flags: list[str]) -> None:
    assert judge(entry(*words)) == Found("dead", tuple(flags))


@pytest.mark.parametrize("form", ["nested", "list"])
def test_older_forms_of_entries_are_read_too(form: str) -> None:
    words = ["codex", "mcp-server", "-m", "o3"]
    command: Any = {"path": words[0], "args": words[1:]} if form == "nested" else words
    assert judge({"command": command, "source": "custom"}) == Found("dead", ("-m", "o3"))


@pytest.mark.parametrize(
    ("words", "flags"),
    [
        (["codex-mcp-server", "mcp-server", "-m", "o3"], ["-m", "o3"]),
        (["/home/me/.local/bin/codex-mcp-server"], []),
        (["C:\\Tools\\codex-mcp-server.exe", "--tools", "all"], ["--tools", "all"]),
        (["uvx", "--from", "/src", "codex-mcp-server", "-s", "read-only"], ["-s", "read-only"]),
        (["/venv/bin/python", "-m", "codex_mcp", "--events", "off"], ["--events", "off"]),
    ],
    ids=" ".join,
)
def test_our_own_entries_are_known(words: list[str], flags: list[str]) -> None:
    assert judge(entry(*words)) == Found("ours", tuple(flags))


@pytest.mark.requirement("install:refuses")
@pytest.mark.parametrize(
    "words",
    [
        ["docker", "run", "-i", "node", "codex", "mcp-server"],
        ["wsl", "codex", "mcp-server"],
        ["bash", "-c", "source ~/.profile && codex mcp-server"],
        ["ssh", "host", "codex mcp-server"],
    ],
    ids=" ".join,
)
def test_the_old_command_inside_of_something_else_is_not_touched(words: list[str]) -> None:
    assert judge(entry(*words)).kind == "unclear"


@pytest.mark.parametrize(
    "other",
    [
        entry("npx", "-y", "@modelcontextprotocol/server-filesystem", "/codex"),
        entry("codex", "exec", "hello"),
        entry("codex", "mcp", "list"),
        entry("python", "-m", "my_codex_thing"),
        {"url": "https://example.com/codex/mcp"},
        {"command": 3},
        {"command": []},
        "codex mcp-server",
        None,
    ],
)
def test_other_entries_are_none_of_our_business(other: Any) -> None:
    assert judge(other) == Found("other")
