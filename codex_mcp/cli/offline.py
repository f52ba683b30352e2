"""`--offline SCRIPT`: the server with a script in the place of the model, and a history of its own."""

from __future__ import annotations

import platformdirs

from codex_mcp.engine.home import CodexHome
from codex_mcp.offline import OfflineModel, Reply, load_script


def play(script: str) -> list[str]:
    """Start the scripted model; the settings that have an engine ask it. Raises CallerError for a script that cannot be
    read."""
    replies = load_script(script)
    over = f"offline model: of the {len(replies)} replies of {script} none is left, or none that is left fits"
    model = OfflineModel(replies, otherwise=Reply.failing(over))
    model.start()
    return model.engine_overrides()


def home_apart(home: CodexHome) -> CodexHome:
    """A home for what is played, which is none of the user's history; `home` itself if CODEX_HOME names it."""
    if home.environment.get("CODEX_HOME"):
        return home
    path = platformdirs.user_state_path("codex-mcp-server") / "offline-home"
    path.mkdir(parents=True, exist_ok=True)
    return CodexHome({**home.environment, "CODEX_HOME": str(path)}, home.cwd)
