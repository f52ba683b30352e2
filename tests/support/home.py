"""A user's machine, as far as a test needs one: CODEX_HOME, a workspace, the environment of the server."""

from __future__ import annotations

import json
import os
import pathlib
import shutil

from codex_mcp.offline import OfflineModel
from codex_mcp.testing.codex import environment


class Home:
    """`path` is CODEX_HOME, `workspace` an empty directory, `root` holds both."""

    def __init__(self, root: pathlib.Path, model: OfflineModel) -> None:
        self.root = root
        self.path = root / "codex-home"
        self.workspace = root / "workspace"
        self.path.mkdir()
        self.workspace.mkdir()
        self.variables: dict[str, str] = {}
        """Further variables of the environment."""
        self._model = model
        self.configure()

    @property
    def config(self) -> pathlib.Path:
        return self.path / "config.toml"

    def configure(self, *top: str, tail: str = "", provider: bool = True) -> None:
        """Write config.toml: `top` lines first, then the offline provider, then `tail`."""
        settings = self._model.engine_overrides() if provider else []
        stated = {line.split("=")[0].strip() for line in top}
        settings = [line for line in settings if line.split("=")[0] not in stated]
        self.config.write_text("\n".join([*top, *settings, tail]) + "\n")

    def keep(self, rollout: pathlib.Path) -> tuple[str, pathlib.Path]:
        """Put a rollout file where Codex keeps it; the conversation's id, and the place."""
        with rollout.open(encoding="utf-8") as lines:
            meta = json.loads(next(lines))["payload"]
        begun = meta["timestamp"][:19].replace(":", "-")
        folder = self.path.joinpath("sessions", *begun[:10].split("-"))
        folder.mkdir(parents=True, exist_ok=True)
        kept = folder / f"rollout-{begun}-{meta['id']}.jsonl"
        shutil.copy(rollout, kept)
        return meta["id"], kept

    def environment(self, **extra: str) -> dict[str, str]:
        """Of a server of this home; what the tests' own environment says of engines stays."""
        return {**environment(os.environ, home=self.root, codex_home=self.path), **self.variables, **extra}
