"""The words of questions and answers, without a server."""

from __future__ import annotations

from typing import Any

import pytest

from codex_mcp.bridge.approvals import Approval, Decision, Kind
from codex_mcp.surfaces.mcp import elicitation
from codex_mcp.surfaces.mcp.wording import command_line, outline, shorten

pytestmark = pytest.mark.requirement("mcp:approval:question")


def approval(kind: Kind, **details: Any) -> Approval:
    details = {"reason": None, "grant_root": None, **details}
    call: Any = None
    return Approval(kind, "thread", "thread", call, "call_1", details, lambda _: None, lambda _, verdict: verdict)


def test_a_long_command_is_shortened_and_keeps_its_end() -> None:
    command = ["bash", "-lc", "echo " + "x" * 10_000 + " && rm -rf everything"]
    shown = elicitation.message(approval(Kind.COMMAND, command=command, cwd="/w"))
    assert len(shown) < 5000
    assert "rm -rf everything" in shown
    assert "characters left out" in shown


def test_a_long_patch_names_every_file() -> None:
    changes = {f"/w/{name}.txt": {"add": {"content": "line\n" * 2000}} for name in "abc"}
    shown = elicitation.message(approval(Kind.PATCH, changes=changes))
    for name in "abc":
        assert f"add /w/{name}.txt (+2000)" in shown
    assert len(shown) < 8000
    assert "(further diffs left out)" in shown


def test_a_patch_that_wants_a_root_says_what_that_allows() -> None:
    changes = {"/w/a": {"delete": {"content": "gone\n"}}}
    shown = elicitation.message(approval(Kind.PATCH, changes=changes, grant_root="/w", reason="cleaning"))
    assert "Reason: cleaning" in shown
    assert "anywhere under /w" in shown
    assert "delete /w/a (-1)" in shown


def test_a_move_shows_both_paths() -> None:
    change = {"update": {"unified_diff": "@@\n-a\n+b\n+c\n", "move_path": "/w/new"}}
    assert outline({"/w/old": change}, 1000)[0] == ["update /w/old -> /w/new (+2 -1)"]


def test_what_would_be_done_is_in_the_first_lines_none_of_them_long() -> None:
    script = f"echo {'a' * 64} {'b' * 66} && rm -rf important-directory"
    shown = elicitation.message(approval(Kind.COMMAND, command=["/bin/bash", "-lc", script], cwd="/w")).split("\n")
    assert shown == [
        f"Allow Codex to run: echo {'a' * 64} ",
        f"{'b' * 66} && rm -rf important-directory",
        "Directory: /w",
    ]
    unbroken = elicitation.message(approval(Kind.COMMAND, command=["x" * 250, "; rm"], cwd="/w")).split("\n")
    assert max(map(len, unbroken)) <= 100
    assert "rm" in unbroken[2]


def test_a_script_keeps_its_lines() -> None:
    shown = elicitation.message(approval(Kind.COMMAND, command=["/bin/sh", "-c", "cd /\n\n  rm -r *"], cwd="/w"))
    assert shown == "Allow Codex to run: cd /\n\n  rm -r *\nDirectory: /w"


def test_a_command_is_shown_as_people_write_it() -> None:
    assert command_line(["/bin/bash", "-lc", "ls | wc -l"]) == "ls | wc -l"
    assert command_line(["git", "commit", "-m", "a b"]) == "git commit -m 'a b'"
    assert command_line(["sh", "-c", "x", "y"]) == "sh -c x y"


@pytest.mark.parametrize("length", [0, 9, 10, 11, 500])
def test_shortened_text_keeps_its_ends_and_its_limit(length: int) -> None:
    text = ("0123456789" * 50)[:length]
    shown = shorten(text, 10)
    assert shown == text if length <= 10 else (shown.startswith(text[:6]) and shown.endswith(text[-4:]))


@pytest.mark.parametrize(
    ("answer", "decision"),
    [
        ({"action": "accept"}, Decision.APPROVED),
        ({"action": "accept", "content": None}, Decision.APPROVED),
        ({"action": "accept", "content": {}}, Decision.APPROVED),
        ({"action": "accept", "content": {"other": 1}}, Decision.DENIED),
        ({"action": "accept", "content": {"decision": "approve", "other": 1}}, Decision.DENIED),
        ({"action": "accept", "content": {"decision": None}}, Decision.DENIED),
        ({"action": "accept", "content": {"decision": True}}, Decision.DENIED),
        ({"action": "accept", "content": "deny"}, Decision.DENIED),
        ({"action": "accept", "content": ""}, Decision.DENIED),
        ({"action": "accept", "content": []}, Decision.DENIED),
        ({"action": "accept", "content": 0}, Decision.DENIED),
        ({"action": "accept", "content": False}, Decision.DENIED),
        ({"action": "accept", "content": {"decision": " Yes "}}, Decision.APPROVED),
        ({"action": "accept", "content": {"decision": "stop"}}, Decision.ABORT),
        ({"decision": {"approved_execpolicy_amendment": {}}}, Decision.APPROVED),
        ({"decision": "abort"}, Decision.ABORT),
        ({"decision": None}, Decision.DENIED),
        ({"action": "accept", "decision": "denied"}, Decision.DENIED),
        (None, Decision.DENIED),
        ("accept", Decision.DENIED),
    ],
)
def test_only_a_clear_yes_is_a_yes(answer: Any, decision: Decision) -> None:
    assert elicitation.read_answer(answer)[0] is decision


@pytest.mark.requirement("confinement:asked:visible")
@pytest.mark.parametrize("hidden", ["\x1b[2K", "\r", "\u202e", "\u2066", "\u200b", "\x9b", "\u2028", "\ufeff", "\x7f"])
def test_what_a_window_would_act_on_or_hide_is_spelled_out(hidden: str) -> None:
    for asked in (
        approval(Kind.COMMAND, command=["/bin/sh", "-c", f"ls{hidden}"], cwd=f"/w{hidden}", reason=f"why{hidden}"),
        approval(Kind.PATCH, changes={f"/w/a{hidden}": {"add": {"content": f"text{hidden}\n"}}}, grant_root=hidden),
        approval(Kind.TOOL, command=["mcp", "server", f"tool{hidden}", "{}"], cwd=""),
    ):
        for shown in (elicitation.message(asked), elicitation.what(asked)):
            assert hidden not in shown
            assert hidden.encode("unicode_escape").decode() in shown


@pytest.mark.requirement("confinement:asked:shell")
@pytest.mark.parametrize(
    "shell", ["/w/bash", "./bash", "bash", "/tmp/usr/bin/bash", "/usr/bin/../../w/bash", "/usr/bin/env"]
)
def test_a_shell_that_is_none_of_the_system_s_is_shown(shell: str) -> None:
    asked = approval(Kind.COMMAND, command=[shell, "-lc", "ls"], cwd="/w")
    assert elicitation.message(asked).startswith(f"Allow Codex to run: {shell} -lc ls\n")
    assert elicitation.what(asked) == f"{shell} -lc ls"
