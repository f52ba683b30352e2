"""Arguments of the server itself."""

from __future__ import annotations

import os
import sys

from codex_mcp.surfaces.mcp.catalog import EXTRA_SETS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator
    from typing import Any


class ServeOptions:
    """What the server was started with."""

    def __init__(self) -> None:
        self.codex: str | None = None
        self.offline: str | None = None
        self.log_level = "warning"
        self.tool_sets: tuple[str, ...] = ()
        self.events = True
        self.approval_timeout = 600.0
        """Seconds for which a question to the user stays open; 0: for ever."""
        self.show_thread_id = False
        self.allow_config: tuple[str, ...] = ()
        """Further settings that calls of tools may bring."""
        self.prompts: str | None = None
        self.overrides: list[str] = []
        """`key=value` settings, in the order given."""
        self.cwd: str | None = None
        self.profile: str | None = None
        self.strict = False
        self.policy: str | None = None
        """The policy file that was named; the system-wide one counts in any case."""
        self.agent: str | None = None

    @property
    def engine_overrides(self) -> tuple[str, ...]:
        """Settings for the engine's command line; see `start_engine`."""
        from codex_mcp.engine.launch import STRICT

        return (*((STRICT,) if self.strict else ()), *self.overrides)


def parse_arguments(arguments: list[str], prog: str = "codex-mcp-server") -> ServeOptions:
    """The server's options. Exits with status 2 and a usage message if they are wrong; warns on stderr of what
    `codex mcp-server` took and has no meaning here."""
    if not arguments:  # nearly always; argparse takes its time
        return ServeOptions()
    parser = serve_parser(prog)
    found = parser.parse_args(arguments)
    _check_word(parser, found.word, arguments)
    return read_options(parser, found)


def read_options(parser: ArgumentParser, found: Namespace) -> ServeOptions:
    """What `serve_parser`, or one that has more options, has found."""
    options = ServeOptions()
    for override in found.override:
        if "=" not in override:
            parser.error(f"-c takes KEY=VALUE, not {override}")
    options.tool_sets = tuple(found.tools)
    options.events = found.events == "on"
    options.approval_timeout = found.approval_timeout
    options.show_thread_id = found.show_thread_id
    options.allow_config = tuple(key for keys in found.allow_config for key in keys.split(",") if key)
    options.prompts = found.prompts
    options.codex = found.codex
    options.offline = found.offline
    options.log_level = found.log_level
    options.cwd = None if found.cwd is None else os.path.expanduser(found.cwd)
    options.profile = found.profile
    options.policy = found.policy
    options.strict = found.strict_config
    options.agent = found.agent
    for key, value in _native_settings(found):
        options.overrides.append(f"{key}={value}")
    options.overrides += [f"features.{name}=true" for name in found.enable]
    options.overrides += [f"features.{name}=false" for name in found.disable]
    options.overrides += found.override
    return options


def _check_word(parser: ArgumentParser, word: str | None, arguments: list[str]) -> None:
    """The only word that is no option is `mcp-server`; a subcommand comes first."""
    if word in (None, "mcp-server"):
        return
    import difflib

    from codex_mcp.cli.commands import COMMANDS

    if word == "help":
        parser.print_help()
        parser.exit()
    if word in COMMANDS:
        further = list(arguments)
        further.remove(word)
        parser.error(f"`{word}` has to come first: codex-mcp-server {' '.join([word, *further])}")
    near = difflib.get_close_matches(word or "", [*COMMANDS, "mcp-server"], n=1)
    parser.error(f"there is no command `{word}`" + (f"; did you mean `{near[0]}`?" if near else ""))


def _native_settings(found: Namespace) -> Iterator[tuple[str, str]]:
    """Settings (`key`, value in TOML) of the options that `codex mcp-server` had, weakest first."""
    sandbox, approval, model = found.sandbox, found.approval, found.model
    if found.bypass:
        sandbox, approval = "danger-full-access", "never"
    elif found.approve_for_me:
        yield "approvals_reviewer", '"auto_review"'
        sandbox, approval = sandbox or "workspace-write", approval or "on-request"
    elif found.full_auto:
        sandbox, approval = sandbox or "workspace-write", approval or "on-request"
    if found.oss:
        provider = found.local_provider or _user_setting("oss_provider") or "ollama"
        yield "model_provider", f'"{provider}"'
        model = model or {"lmstudio": "openai/gpt-oss-20b"}.get(provider, "gpt-oss:20b")
    elif found.local_provider is not None:
        _warn("--local-provider has an effect only with --oss: it is ignored")
    for key, value in (("model", model), ("sandbox_mode", sandbox), ("approval_policy", approval)):
        if value is not None:
            yield key, f'"{value}"'
    if found.search:
        yield "web_search", '"live"'
    if found.add_dir:
        written = (_user_setting("sandbox_workspace_write") or {}).get("writable_roots") or []
        roots = [*written, *(os.path.abspath(os.path.expanduser(directory)) for directory in found.add_dir)]
        import json

        yield "sandbox_workspace_write.writable_roots", json.dumps(roots, ensure_ascii=False)
    for name in _WITHOUT_MEANING:
        if getattr(found, name.lstrip("-").replace("-", "_")):
            _warn(f"{name} has no meaning for this server: it is ignored")


# Options of `codex` that it took before the word `mcp-server`, whether or not they take a value.
_WITHOUT_MEANING = {
    "--image": True,
    "--no-alt-screen": False,
    "--remote": True,
    "--remote-auth-token-env": True,
    "--dangerously-bypass-hook-trust": False,
}


def _user_setting(key: str) -> Any:
    from codex_mcp.engine.home import CodexHome
    from codex_mcp.errors import CallerError

    try:
        return CodexHome.of_process().read_config().get(key)
    except CallerError:  # the engine says what is wrong with it
        return None


def _warn(text: str) -> None:
    sys.stderr.write(f"codex-mcp-server: warning: {text}\n")


def serve_parser(prog: str = "codex-mcp-server") -> ArgumentParser:
    """The parser of the server's own options."""
    import argparse

    from codex_mcp import __version__
    from codex_mcp.cli.commands import COMMANDS

    width = max(map(len, COMMANDS))
    parser = argparse.ArgumentParser(
        prog=prog,
        usage=f"{prog} [options]",
        description="Serve Codex on stdin and stdout: MCP and the documented Codex interface, on one connection.",
        epilog="other commands, each with --help:\n"
        + "\n".join(f"  {name:{width}}  {purpose}" for name, (_, purpose) in COMMANDS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--version", "-V", action="version", version=f"codex-mcp-server {__version__}")
    add("word", nargs="?", metavar="mcp-server", help="may be given; does nothing")
    add("--codex", metavar="PATH", help="the Codex engine to use; also CODEX_MCP_ENGINE")
    add("--agent", metavar="NAME", help="serve that agent, with a workspace and a box of its own (docs/agents.md)")
    add("--offline", metavar="SCRIPT", help="play a script instead of asking a model (docs/offline.md)")
    add("--policy", metavar="FILE", help="hold clients and model to a policy (docs/governance.md)")
    add(
        "--tools",
        type=_tool_sets,
        default=(),
        metavar="SETS",
        help=f"further MCP tools, by set: {', '.join(EXTRA_SETS)}, or all",
    )
    add("--events", choices=["on", "off"], default="on", help="send codex/event notifications during tool calls")
    add(
        "--approval-timeout",
        type=_seconds,
        default=ServeOptions().approval_timeout,
        metavar="SECONDS",
        help="how long a question to the user stays open before it counts as denied; 600 if not given, 0: for ever",
    )
    add(
        "--allow-config",
        action="append",
        default=[],
        metavar="KEYS",
        help="further settings that a call of a tool may bring in `config`; or all (docs/tools.md)",
    )
    add("--show-thread-id", action="store_true", help="name the thread in the text of results")
    add("--prompts", metavar="DIR", help="prompts of your own for the lifecycle tools, as NAME.md")
    add(
        "--log-level",
        choices=["debug", "info", "warning", "error"],
        default="warning",
        help="what goes to stderr; warning if not given",
    )
    add = parser.add_argument_group("for conversations that do not say otherwise").add_argument
    add(
        "-c",
        "--config",
        dest="override",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="a setting of config.toml, the key dotted, the value TOML or plain text; may be repeated",
    )
    add("-m", "--model", metavar="MODEL", help="the model to ask")
    add(
        "-s",
        "--sandbox",
        choices=["read-only", "workspace-write", "danger-full-access"],
        help="what commands may write without being asked for",
    )
    add(
        "-a",
        "--ask-for-approval",
        dest="approval",
        choices=["untrusted", "on-failure", "on-request", "never"],
        help="when the user is asked before a command runs",
    )
    add("-C", "--cd", dest="cwd", metavar="DIR", help="the directory to work in; without it, where the server runs")
    add("-p", "--profile", metavar="NAME", help="settings of [profiles.NAME] in config.toml, or of NAME.config.toml")
    add("--enable", metavar="FEATURE", action="append", default=[], help="a feature of the engine to switch on")
    add("--disable", metavar="FEATURE", action="append", default=[], help="a feature of the engine to switch off")
    add("--add-dir", metavar="DIR", action="append", default=[], help="a further directory that commands may write to")
    add("--search", action="store_true", help="let the model search the web live")
    add("--oss", action="store_true", help="ask a model on this machine, through Ollama or LM Studio")
    add("--local-provider", metavar="NAME", choices=["ollama", "lmstudio"], help="with --oss: ollama or lmstudio")
    add("--approve-for-me", action="store_true", help="have the engine's reviewer answer approvals; workspace-write")
    add("--full-auto", action="store_true", help=argparse.SUPPRESS)
    add(
        "--dangerously-bypass-approvals-and-sandbox",
        "--yolo",
        dest="bypass",
        action="store_true",
        help="run everything, unasked and without a sandbox; for machines that are a sandbox themselves",
    )
    add("--strict-config", action="store_true", help="refuse settings that the engine does not know")
    for name, takes_value in _WITHOUT_MEANING.items():
        if takes_value:
            add(*(["-i"] if name == "--image" else []), name, action="append", help=argparse.SUPPRESS)
        else:
            add(name, action="store_true", help=argparse.SUPPRESS)
    return parser


def _tool_sets(text: str) -> list[str]:
    import argparse

    sets = list(EXTRA_SETS) if text == "all" else [name for name in text.split(",") if name != "codex"]
    for name in sets:
        if name not in EXTRA_SETS:
            raise argparse.ArgumentTypeError(f"unknown set {name!r}; sets are {', '.join(EXTRA_SETS)}, or all")
    return list(dict.fromkeys(sets))


def _seconds(text: str) -> float:
    import argparse

    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")
    return seconds
