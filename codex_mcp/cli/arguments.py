"""Arguments of the server itself."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser


TOOL_SETS = ("threads", "background")
"""Sets of MCP tools that can be offered beside `codex` and `codex-reply`."""


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
        self.overrides: list[str] = []
        """`key=value` settings, in the order given."""
        self.cwd: str | None = None
        self.profile: str | None = None

    @property
    def engine_overrides(self) -> tuple[str, ...]:
        """Settings for the engine's command line."""
        return tuple(self.overrides)


def parse_arguments(arguments: list[str]) -> ServeOptions:
    """Exits with status 2 and a usage message if they are wrong."""
    options = ServeOptions()
    if not arguments:  # nearly always; argparse takes its time
        return options
    parser = _parser()
    found = parser.parse_args(arguments)
    for override in found.override:
        if "=" not in override:
            parser.error(f"-c takes KEY=VALUE, not {override}")
    options.tool_sets = tuple(found.tools)
    options.events = found.events == "on"
    options.approval_timeout = found.approval_timeout
    options.show_thread_id = found.show_thread_id
    options.codex = found.codex
    options.offline = found.offline
    options.log_level = found.log_level
    options.cwd = found.cwd
    options.profile = found.profile
    for key, value in (("model", found.model), ("sandbox_mode", found.sandbox), ("approval_policy", found.approval)):
        if value is not None:
            options.overrides.append(f'{key}="{value}"')
    options.overrides += [f"features.{name}=true" for name in found.enable]
    options.overrides += [f"features.{name}=false" for name in found.disable]
    options.overrides += found.override
    return options


def _parser() -> ArgumentParser:
    import argparse

    from codex_mcp import __version__

    parser = argparse.ArgumentParser(
        prog="codex-mcp-server",
        description="Serve Codex on stdin and stdout: MCP and the documented Codex interface, on one connection.",
        epilog="Other commands: codex-mcp-server demo | doctor | schema, each with --help.",
    )
    parser.add_argument("--version", action="version", version=f"codex-mcp-server {__version__}")
    parser.add_argument(
        "word", nargs="?", choices=["mcp-server"], metavar="mcp-server", help="may be given; does nothing"
    )
    parser.add_argument("--codex", metavar="PATH", help="the Codex engine to use")
    parser.add_argument("--offline", metavar="SCRIPT", help="play a script instead of asking a model (docs/offline.md)")
    parser.add_argument("-c", "--config", dest="override", metavar="KEY=VALUE", action="append", default=[])
    parser.add_argument("-m", "--model", metavar="MODEL")
    parser.add_argument("-s", "--sandbox", choices=["read-only", "workspace-write", "danger-full-access"])
    parser.add_argument(
        "-a", "--ask-for-approval", dest="approval", choices=["untrusted", "on-failure", "on-request", "never"]
    )
    parser.add_argument("-C", "--cd", dest="cwd", metavar="DIR")
    parser.add_argument("-p", "--profile", metavar="NAME")
    parser.add_argument("--enable", metavar="FEATURE", action="append", default=[])
    parser.add_argument("--disable", metavar="FEATURE", action="append", default=[])
    parser.add_argument(
        "--tools",
        type=_tool_sets,
        default=(),
        metavar="SETS",
        help=f"further MCP tools, by set: {', '.join(TOOL_SETS)}, or all",
    )
    parser.add_argument(
        "--events", choices=["on", "off"], default="on", help="send codex/event notifications during tool calls"
    )
    parser.add_argument(
        "--approval-timeout",
        type=_seconds,
        default=ServeOptions().approval_timeout,
        metavar="SECONDS",
        help="how long a question to the user stays open before it counts as denied; 600 if not given, 0: for ever",
    )
    parser.add_argument("--show-thread-id", action="store_true", help="name the thread in the text of results")
    parser.add_argument("--log-level", choices=["debug", "info", "warning", "error"], default="warning")
    return parser


def _tool_sets(text: str) -> list[str]:
    import argparse

    sets = list(TOOL_SETS) if text == "all" else [name for name in text.split(",") if name != "codex"]
    for name in sets:
        if name not in TOOL_SETS:
            raise argparse.ArgumentTypeError(f"unknown set {name!r}; sets are {', '.join(TOOL_SETS)}, or all")
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
