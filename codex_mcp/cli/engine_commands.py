"""`login`, `logout` and `engine`: what the engine's own command does, for users who have no `codex` on their PATH."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys

from codex_mcp import invocation
from codex_mcp.engine.locate import OLDEST, EngineBinary, find_engines, install_advice
from codex_mcp.errors import CallerError, EngineUnavailable


def login(arguments: list[str]) -> int:
    """Sign in, or say who is signed in. Returns the engine's exit status."""
    parser = argparse.ArgumentParser(
        prog="codex-mcp-server login",
        description="Sign in to Codex: with ChatGPT in the browser, unless something else is said. The server and "
        "the Codex CLI share one sign-in, in CODEX_HOME.",
    )
    parser.add_argument(
        "word", nargs="?", choices=["status"], metavar="status", help="say who is signed in; exits with 1 if nobody is"
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--device-code",
        "--device-auth",
        dest="device",
        action="store_true",
        help="for a machine without a browser: sign in on another one with the code that is shown",
    )
    how.add_argument("--with-api-key", action="store_true", help="read an API key from stdin")
    how.add_argument("--with-access-token", action="store_true", help="read an access token from stdin")
    parser.add_argument("--api-key", nargs="?", const="", help=argparse.SUPPRESS)
    parser.add_argument("--codex", metavar="PATH", help="the Codex engine to use")
    options, further = parser.parse_known_args(arguments)
    if options.api_key is not None:
        raise CallerError(
            "a key on the command line can be read by others on this machine: "
            f"pipe it, as in `printenv OPENAI_API_KEY | {invocation.command('login', '--with-api-key')}`"
        )
    if options.with_api_key and sys.stdin.isatty():
        sys.stderr.write("Paste the key, then press Enter and Ctrl-D.\n")
    words = ["login", *([options.word] if options.word else []), *further]
    words += ["--device-auth"] if options.device else []
    words += ["--with-api-key"] if options.with_api_key else []
    words += ["--with-access-token"] if options.with_access_token else []
    return _relay(_engine(options.codex), words)


def logout(arguments: list[str]) -> int:
    """Sign out. Returns the engine's exit status."""
    parser = argparse.ArgumentParser(prog="codex-mcp-server logout", description="Remove the stored sign-in.")
    parser.add_argument("--codex", metavar="PATH", help="the Codex engine to use")
    return _relay(_engine(parser.parse_args(arguments).codex), ["logout"])


def engine(arguments: list[str]) -> int:
    """Run the engine with `arguments` in the place of this process. Returns its exit status where that is not so."""
    named = None
    if arguments[:1] == ["--codex"] and len(arguments) > 1:
        named, arguments = arguments[1], arguments[2:]
    binary = _engine(named)
    if sys.platform == "win32":  # untested: there a process cannot be replaced
        return subprocess.call([binary.path, *arguments], env=binary.environment(os.environ))
    sys.stdout.flush()
    try:
        os.execve(binary.path, [binary.path, *arguments], binary.environment(os.environ))
    except OSError as error:
        raise EngineUnavailable(f"{binary} cannot be run: {error.strerror}") from None


def _engine(named: str | None) -> EngineBinary:
    """The engine that the server would use. Raises EngineUnavailable with what to install."""
    found = find_engines(named)
    for binary in found:
        if len(found) == 1 or _is_new_enough(binary):
            return binary
    raise EngineUnavailable(f"no Codex engine was found. {install_advice()}")


def _is_new_enough(binary: EngineBinary) -> bool:
    try:
        told = subprocess.run(
            [binary.path, "--version"], capture_output=True, text=True, check=False, timeout=10
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return False
    version = re.search(r"(\d+)\.(\d+)\.(\d+)", told)
    return version is not None and tuple(map(int, version.groups())) >= OLDEST


def _relay(binary: EngineBinary, words: list[str]) -> int:
    """Run the engine; what it says of its own command is said of ours."""
    try:
        process = subprocess.Popen(
            [binary.path, *words],
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env=binary.environment(os.environ),
        )
    except OSError as error:
        raise EngineUnavailable(f"{binary} cannot be run: {error.strerror}. {install_advice()}") from None
    assert process.stderr is not None
    ours = invocation.command("login")
    try:
        for said in process.stderr:
            sys.stderr.write(said.replace("codex login", ours))
            sys.stderr.flush()
        return process.wait()
    except KeyboardInterrupt:  # the engine got it, too
        process.wait()
        raise
    finally:
        process.stderr.close()
