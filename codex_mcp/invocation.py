"""How this user runs this program, for texts that tell them what to run next.

After `pip install` into an environment, `uvx`, or from a checkout, the bare name `codex-mcp-server` is often not what a
shell would find. Every advice goes through here. Light: nothing is looked up before it is asked for.
"""

from __future__ import annotations

import functools
import json
import os
import shlex
import shutil
import sys

NAME = "codex-mcp-server"
ENGINE_PACKAGE = "openai-codex-cli-bin"
"""The wheel that ships the engine: what the extra `engine` brings."""


def command(*words: str) -> str:
    """A line for this user's shell that runs this program with `words`."""
    return shlex.join([*command_words(), *words])


@functools.cache
def command_words() -> tuple[str, ...]:
    """The program and its first arguments, as this user's shell finds them."""
    if _is_ephemeral():
        return ("uvx", *_ephemeral_source(), NAME)
    found = shutil.which(NAME)
    script = os.path.join(os.path.dirname(sys.executable), NAME + (".exe" if os.name == "nt" else ""))
    if found is not None and os.path.exists(script) and os.path.samefile(found, script):
        return (NAME,)
    return (script,) if os.path.exists(script) else (sys.executable, "-m", "codex_mcp")


def program() -> tuple[str, ...]:
    """The program and its first arguments by whole paths: for clients, which have a PATH of their own."""
    words = command_words()
    return (shutil.which(words[0]) or words[0], *words[1:])


def install(*requirements: str) -> str:
    """A line for this user's shell that adds packages to the environment that runs this program."""
    with_them = [word for requirement in requirements for word in ("--with", requirement)]
    if _is_ephemeral():
        return shlex.join(["uvx", *with_them, *command_words()[1:]])
    if os.path.exists(os.path.join(sys.prefix, "uv-receipt.toml")):
        return shlex.join(["uv", "tool", "install", *with_them, _tool_source()])
    if os.path.exists(os.path.join(sys.prefix, "pipx_metadata.json")):
        return shlex.join(["pipx", "inject", NAME, *requirements])
    from importlib.util import find_spec

    if find_spec("pip") is None:
        return shlex.join(["uv", "pip", "install", "--python", sys.executable, *requirements])
    return shlex.join([sys.executable, "-m", "pip", "install", *requirements])


def install_extra(extra: str) -> str:
    """A line for this user's shell that adds what an extra of this package needs."""
    import re
    from importlib import metadata

    marker = re.compile(rf"""extra == ['"]{re.escape(extra)}['"]""")
    wanted = [line.partition(";")[0].strip() for line in metadata.requires(NAME) or () if marker.search(line)]
    return install(*wanted)


def _is_ephemeral() -> bool:
    """Whether this runs in an environment that `uvx` made for one run and will delete."""
    return os.path.basename(os.path.dirname(sys.prefix)) in ("archive-v0", "environments-v2")


def _ephemeral_source() -> tuple[str, ...]:
    source = _installed_from()
    return () if source is None else ("--from", source)


def _tool_source() -> str:
    """What uv was told to install, extras included: it installs anew, and forgets what is not said again."""
    import tomllib

    with open(os.path.join(sys.prefix, "uv-receipt.toml"), "rb") as receipt:
        wanted = tomllib.load(receipt).get("tool", {}).get("requirements", [])
    extras = [extra for one in wanted if one.get("name") == NAME for extra in one.get("extras", [])]
    return (_installed_from() or NAME) + (f"[{','.join(extras)}]" if extras else "")


def _installed_from() -> str | None:
    """The directory or address that this package was installed from; None: a package index."""
    from importlib import metadata

    for distribution in metadata.distributions(name=NAME):
        if direct := distribution.read_text("direct_url.json"):
            return str(json.loads(direct)["url"]).removeprefix("file://")
    return None
