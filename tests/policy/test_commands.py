"""Commands are matched as a shell reads them; what it computes is called hidden."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_mcp.policy.commands import LONGEST, hidden, readings, script_of, search

PUSH = (r"\bgit\b.*\bpush\b",)
TOUCH = (r"^touch \S*forbidden",)


@pytest.mark.requirement("policy:commands:quoting")
@pytest.mark.parametrize(
    "script",
    [
        "git push",
        "git  push origin main",
        "ls && git push",
        "g''it pu\"sh\"",
        r"g\it pus\h",
        "/usr/bin/git push",
        "git \\\n push",
        "git -C /repo push",
        "env GIT_TRACE=1 git push",
        "A=1 git push",
        "bash -lc 'git push'",
        "bash -lc \"sh -c 'git push'\"",
        "$'g\\x69t' push",
        "git${IFS}push",
        "git$IFS'push'",
        "x=$(git push)",
        "echo `git push`",
        "if true; then git push; fi",
        "(cd /repo; git push)",
        "{ git push; }",
        "git push &",
        "timeout 5 git push",
        "sudo -u other git push",
        "eval 'git push'",
        "git push 'unterminated",
        "echo a | xargs git push",
    ],
)
def test_a_command_is_found_however_it_is_written(script: str) -> None:
    assert search(PUSH, script)


@pytest.mark.requirement("policy:commands:quoting")
@pytest.mark.parametrize(
    "script",
    ["touch forbidden", "env touch forbidden", "touch -- forbidden", "touch ./forbidden", "/bin/touch forbidden",
     "ls && touch forbidden", "nohup env touch forbidden"],
)  # fmt: skip
def test_a_pattern_may_be_about_the_start_of_a_command(script: str) -> None:
    assert search(TOUCH, script)


@pytest.mark.parametrize("script", ["git status", "npm run push-docs", "echo pushing", "gitk"])
def test_other_commands_are_not_found(script: str) -> None:
    assert search((r"\bgit\b.*\bpush\b(?!-)",), script) is None


@pytest.mark.requirement("policy:commands:hidden")
@pytest.mark.parametrize(
    "script",
    [
        "$X push",
        "`which git` push",
        "/usr/bin/gi? push",
        "{git,push}",
        'eval "$X"',
        "echo Z2l0IHB1c2g= | base64 -d | sh",
        "bash < script",
        "echo push | xargs git",
        "bash <<< $X",
        "env $X push",
        "bash -c '$X push'",
        "git status 'unterminated",
        "true " * LONGEST,
    ],
)
def test_what_cannot_be_read_is_called_hidden(script: str) -> None:
    assert hidden(script)


@pytest.mark.parametrize("script", ["ls -l *.py", "echo $HOME", "[ -f x ] && cat x", "sh build.sh", "git log | head"])
def test_ordinary_commands_are_not_hidden(script: str) -> None:
    assert hidden(script) is None


def test_an_argv_is_read_like_a_script() -> None:
    assert script_of(["bash", "-lc", "git push"]) == "git push"
    assert script_of(["git", "commit", "-m", "a b"]) == "git commit -m 'a b'"


@given(st.text(max_size=200))
def test_no_text_breaks_the_reading(script: str) -> None:
    assert script[:LONGEST] in readings(script)
    hidden(script)


@given(st.lists(st.sampled_from(["git", "push", "'", '"', "$(", ")", "`", ";", "\n", "bash -c", "\\", "$'", "env"])))
def test_no_mixture_of_syntax_breaks_it(parts: list[str]) -> None:
    script = " ".join(parts)
    assert script in readings(script)
    hidden(script)
