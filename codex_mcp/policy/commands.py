"""Commands as policies see them: what a shell would make of them, so that quoting does not hide a word.

A pattern is searched for in several readings of a command (`readings`); more readings only ever match more. What a
shell computes while it runs (variables, substitutions, `eval`) cannot be read; `hidden` says so. Pure.
"""

from __future__ import annotations

import functools
import posixpath
import re
import shlex
from collections.abc import Iterable, Iterator

LONGEST = 8192
"""Characters of a command that are matched; what is longer counts as hidden."""

_OPERATORS = ";&|()<>\n"
_DEPTH = 4  # scripts within scripts
_SHELLS = {"sh", "bash", "dash", "zsh", "ksh", "ash", "fish", "busybox"}
# Words that run what comes behind them.
_WRAPPERS = {
    *("env", "command", "exec", "nohup", "nice", "ionice", "time", "timeout", "stdbuf", "setsid", "builtin"),
    *("sudo", "doas", "xargs", "then", "do", "else", "if", "while", "until", "!", "{", "chronic", "unbuffer"),
}
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=")
_ANSI_C = re.compile(r"\$'((?:[^'\\]|\\.)*)'", re.DOTALL)
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{1,2}|u[0-9a-fA-F]{1,4}|[0-7]{1,3}|.)", re.DOTALL)
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "e": "\x1b", "f": "\f", "v": "\v"}


def script_of(command: str | list[str]) -> str:
    """A command as one line for a shell; an argv of `SHELL -c SCRIPT` is the script."""
    if isinstance(command, str):
        return command
    return _inner_script(command) or shlex.join(command)


@functools.lru_cache(maxsize=64)
def readings(script: str) -> tuple[str, ...]:
    """Everything that a pattern is searched for in: the script as it stands, unquoted, and each command in it without
    paths, wrappers (`env`, `sudo`) and assignments."""
    script = script[:LONGEST]
    found = dict.fromkeys((script, " ".join(script.split())))
    for words in _commands(script, _DEPTH):
        found[" ".join(words)] = None
        for tail in _unwrapped(words):
            found[" ".join([posixpath.basename(tail[0]), *(word for word in tail[1:] if word != "--")])] = None
    return tuple(found)


@functools.lru_cache(maxsize=64)
def hidden(script: str) -> str | None:
    """Why the words of the script are not all to be read; `None` if they are."""
    if len(script) > LONGEST:
        return f"it is longer than {LONGEST} characters"
    try:
        return next(_hidden_parts(script, _DEPTH), None)
    except ValueError as error:
        return f"it cannot be parsed: {error}"


def search(patterns: Iterable[str], script: str) -> str | None:
    """The first of the regular expressions that is found in a reading of the script."""
    return next((p for p in patterns if any(_compiled(p).search(reading) for reading in readings(script))), None)


@functools.lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _plain(script: str) -> str:
    """The script with what only hides words undone: continued lines, `$IFS`, `$'…'`."""
    script = script.replace("\\\r\n", "").replace("\\\n", "")
    script = re.sub(r"\$\{IFS[^}]*\}|\$IFS\b", " ", script)
    return _ANSI_C.sub(lambda quoted: shlex.quote(_ESCAPE.sub(_unescape, quoted[1])), script)


def _unescape(escape: re.Match[str]) -> str:
    code = escape[1]
    if code[0] in "xu" and len(code) > 1:
        return chr(int(code[1:], 16))
    if code[0] in "01234567":
        return chr(int(code, 8) & 0xFF)
    return _LETTERS.get(code, code)


def _split(script: str) -> list[str]:
    """Words and operators. Raises ValueError if a quote is left open."""
    lexer = shlex.shlex(_plain(script), posix=True, punctuation_chars=_OPERATORS)
    lexer.whitespace, lexer.whitespace_split, lexer.commenters = " \t\r", True, ""
    return list(lexer)


def _segments(script: str) -> Iterator[tuple[str, list[str]]]:
    """The operator in front of each command, and its words. Redirections are words of it. Raises ValueError."""
    operator, words = "", list[str]()
    for token in _split(script):
        if token and set(token) <= set(_OPERATORS) and not set(token) & set("<>"):
            if words:
                yield operator, words
            operator, words = token, []
        else:
            words.append(token)
    if words:
        yield operator, words


def _commands(script: str, depth: int) -> Iterator[list[str]]:
    """The words of every command of a script, and of scripts given to shells in it."""
    try:
        segments = list(_segments(script))
    except ValueError:
        segments = [("", re.sub(r"""["'\\]""", "", _plain(script)).split())]
    for _, words in segments:
        yield words
        if depth and (inner := next(filter(None, map(_inner_script, _unwrapped(words))), None)) is not None:
            yield from _commands(inner, depth - 1)
    if depth:
        for inner in _substitutions(script):
            yield from _commands(inner, depth - 1)


def _substitutions(script: str) -> list[str]:
    """What stands in `$(…)` and backquotes, innermost."""
    return [a or b for a, b in re.findall(r"\$\(([^()]*)\)|`([^`]*)`", script)]


def _unwrapped(words: list[str]) -> Iterator[list[str]]:
    """The command without assignments and wrappers before it; behind a wrapper, from every word on, since its own
    options may take words."""
    start = 0
    while start < len(words) and _ASSIGNMENT.match(words[start]):
        start += 1
    if start >= len(words):
        return
    yield words[start:]
    if posixpath.basename(words[start]) in _WRAPPERS:
        for next_start in range(start + 1, min(len(words), start + 12)):
            yield words[next_start:]


def _inner_script(words: list[str]) -> str | None:
    """The script of `SHELL -c SCRIPT` (`-lc`, `-x -c` …), or of `eval`."""
    if words and words[0] == "eval":
        return " ".join(words[1:])
    if not words or posixpath.basename(words[0]) not in _SHELLS:
        return None
    for index, word in enumerate(words[1:], 1):
        if word.startswith("-") and not word.startswith("--") and "c" in word and index + 1 < len(words):
            return words[index + 1]
    return None


def _hidden_parts(script: str, depth: int) -> Iterator[str]:
    """Why parts of it cannot be read. Raises ValueError."""
    if depth == 0:
        yield f"it holds scripts within scripts, more than {_DEPTH} deep"
        return
    for operator, words in _segments(script):
        for tail in _unwrapped(words):
            word, name = tail[0], posixpath.basename(tail[0])
            if re.search(r"[$`*?\[]|\{.*,", word) and word not in ("[", "[["):
                yield f"{word!r} is computed when it runs"
            elif name == "eval" and any("$" in rest or "`" in rest for rest in tail[1:]):
                yield "`eval` runs what is computed"
            elif name in ("xargs", "parallel"):
                yield f"`{name}` adds words that it reads"
            elif name in _SHELLS or name in ("source", "."):
                inner = _inner_script(tail)
                if inner is not None:
                    yield from _hidden_parts(inner, depth - 1)
                elif operator in ("|", "|&") and all(rest.startswith("-") for rest in tail[1:]):
                    yield f"`{name}` runs what is piped into it"
                elif any(rest.startswith("<") for rest in tail[1:]):
                    yield f"`{name}` runs what is read from elsewhere"
    for inner in _substitutions(script):
        yield from _hidden_parts(inner, depth - 1)
