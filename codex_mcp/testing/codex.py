"""A machine for one test: a Codex home and a workspace of its own, and a scripted model."""

from __future__ import annotations

import os
import pathlib
import shutil
import sys
import tempfile
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager

from codex_mcp.client import Approve, CodexClient, start_client, sync
from codex_mcp.client.client import deny
from codex_mcp.offline import OfflineModel, Reply
from codex_mcp.offline.script import Step
from codex_mcp.testing.script import Script
from codex_mcp.wire.messages import JsonObject


class OfflineCodex:
    """The real server and engine with a model that plays what `turn` says.

    A context manager; the pytest fixture `offline_codex` is one, and puts its environment in place. `root` is removed
    at the end.
    """

    def __init__(self, root: pathlib.Path | None = None) -> None:
        """`root`: an empty directory to use, not below the temporary directory: engines refuse to set up their sandbox
        there. Without it, one in the user's cache directory."""
        self.root = root or _new_root()
        self.home = self.root / "codex-home"
        """CODEX_HOME; its config.toml names the scripted model."""
        self.workspace = self.root / "workspace"
        """An empty directory to work in."""
        self.model = OfflineModel(otherwise=Reply.failing("no reply left: the test scripted fewer turns"))
        self.command = [sys.executable, "-m", "codex_mcp"]
        """What starts the server, with `environment`."""

    def __enter__(self) -> OfflineCodex:
        self.home.mkdir(parents=True)
        self.workspace.mkdir()
        self.model.start()
        (self.home / "config.toml").write_text("\n".join(self.model.engine_overrides()) + "\n", encoding="utf-8")
        return self

    def __exit__(self, *_: object) -> None:
        self.model.stop()
        shutil.rmtree(self.root, ignore_errors=True)

    def turn(self, *steps: Step, when: str | None = None) -> None:
        """What the model does in the next turn that is not scripted yet; see `Script.turn`."""
        self.model.add(*Script().turn(*steps, when=when).replies)

    @property
    def requests(self) -> list[JsonObject]:
        """What the model was asked: the bodies of the engine's requests, oldest first."""
        return self.model.requests

    @property
    def environment(self) -> dict[str, str]:
        """The environment for a program that starts `codex-mcp-server`, by whatever way."""
        path = os.pathsep.join([str(pathlib.Path(sys.executable).parent), os.environ.get("PATH", "")])
        return {**environment(os.environ, home=self.root, codex_home=self.home), "PATH": path}

    def client(self, *arguments: str, approve: Approve = deny) -> AbstractAsyncContextManager[CodexClient]:
        """Start a server and talk to it by the typed client."""
        return start_client(arguments, cwd=self.workspace, env=self.environment, approve=approve)

    def sync_client(self, *arguments: str, approve: sync.Approve = deny) -> AbstractContextManager[sync.CodexClient]:
        """The same without `async`."""
        return sync.start_client(arguments, cwd=self.workspace, env=self.environment, approve=approve)


def environment(base: Mapping[str, str], *, home: pathlib.Path, codex_home: pathlib.Path) -> dict[str, str]:
    """`base` without what it says of Codex, but for the engine to use.

    The engine runs commands in login shells: `home` has no profile, for one that takes its time, or takes a lock and is
    killed with its command, is none of a test's business.
    """
    kept = {k: v for k, v in base.items() if not k.startswith(("CODEX_", "RUST_")) or k == "CODEX_MCP_ENGINE"}
    return {**kept, "HOME": str(home), "CODEX_HOME": str(codex_home), "TERM": "dumb"}


def _new_root() -> pathlib.Path:
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "codex-mcp-server"
    cache.mkdir(parents=True, exist_ok=True)
    return pathlib.Path(tempfile.mkdtemp(prefix="test-", dir=cache))
