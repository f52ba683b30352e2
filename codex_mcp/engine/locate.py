"""Where engine binaries are looked for, and in which order."""

from __future__ import annotations

import os
import shutil

from codex_mcp import invocation
from codex_mcp.errors import EngineUnavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# Oldest engine served: from here on its v2 calls and streams are the ones that the bridge translates.
OLDEST = (0, 144, 0)


def install_advice() -> str:
    """How this user gets an engine."""
    return (
        f"Install one with `{invocation.install(invocation.ENGINE_PACKAGE)}` or `npm install -g @openai/codex`, "
        "or name one with `--codex PATH` (or CODEX_MCP_ENGINE)."
    )


class EngineUnfit(EngineUnavailable):
    """A binary that cannot serve: too old, or not to be run. Trying it again does not help."""

    code = "engine_unfit"


class EngineBinary:
    """An engine that may be there. `origin` says for messages where it was found."""

    __slots__ = ("origin", "path", "tools_dir")

    def __init__(self, path: str, origin: str, tools_dir: str | None = None) -> None:
        self.path = path
        self.origin = origin
        self.tools_dir = tools_dir
        """Directory of the tools that ship with the engine, for the front of its PATH."""

    def __str__(self) -> str:
        return f"{self.path} (from {self.origin})"

    def environment(self, given: Mapping[str, str]) -> dict[str, str]:
        """The environment `given`, with the engine's tools at the front of its PATH."""
        if self.tools_dir is None:
            return dict(given)
        return {**given, "PATH": self.tools_dir + os.pathsep + given.get("PATH", "")}


def find_engines(named: str | None) -> list[EngineBinary]:
    """The engines to try, best first. One that was named (`--codex`, CODEX_MCP_ENGINE) is the only one tried."""
    if named:
        return [EngineBinary(shutil.which(named) or named, "--codex")]
    if from_environment := os.environ.get("CODEX_MCP_ENGINE"):
        return [EngineBinary(shutil.which(from_environment) or from_environment, "CODEX_MCP_ENGINE")]
    found = []
    if on_path := shutil.which("codex"):
        found.append(EngineBinary(on_path, "PATH"))
    try:
        import codex_cli_bin  # the wheel `openai-codex-cli-bin`, the extra `engine`

        tools = codex_cli_bin.bundled_path_dir()
        found.append(
            EngineBinary(
                str(codex_cli_bin.bundled_codex_path()),
                codex_cli_bin.PACKAGE_NAME,
                None if tools is None else str(tools),
            )
        )
    except (ImportError, FileNotFoundError):
        pass
    return found
