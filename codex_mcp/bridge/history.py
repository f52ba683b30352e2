"""The conversations that the user's Codex has kept: lists and summaries."""

from __future__ import annotations

from datetime import UTC, datetime

import anyio

from codex_mcp.bridge import rollouts
from codex_mcp.bridge.rollouts import RolloutUnreadable
from codex_mcp.engine import api
from codex_mcp.engine.home import CodexHome
from codex_mcp.engine.link import EngineRefusal
from codex_mcp.engine.supervisor import Engine
from codex_mcp.errors import CallerError, EngineError
from codex_mcp.wire.messages import JsonObject

# Where a conversation may have been begun. The kinds that are left out are the engine's own sub-agents.
SOURCES = ("cli", "vscode", "exec", "appServer", "unknown")
DEFAULT_PAGE = 25
LARGEST_PAGE = 2**32 - 1  # the engine refuses a larger number


async def list_conversations(
    engine: Engine, *, page_size: int | None, cursor: str | None, providers: list[str] | None
) -> JsonObject:
    """A page: `{items, nextCursor}`. `providers` None means the default one.

    Raises EngineUnavailable, EngineLost, EngineRefusal (a cursor that is none).
    """
    if page_size == 0:
        return {"items": [], "nextCursor": None}
    if providers is None:
        providers = [await default_provider(engine)]
    link = await engine.link()
    page = await api.list_threads(
        link,
        limit=min(page_size or DEFAULT_PAGE, LARGEST_PAGE),
        cursor=cursor,
        modelProviders=providers,
        sourceKinds=SOURCES,
        sortKey="created_at",
    )
    return {"items": [_summary(thread) for thread in page["data"]], "nextCursor": page.get("nextCursor")}


async def default_provider(engine: Engine) -> str:
    """The provider of conversations that name none."""
    link = await engine.link()
    try:
        config = (await api.read_config(link))["config"]
    except EngineRefusal:  # it does not load a config.toml with legacy settings
        config = engine.home.read_config()
        profile = config.get("profiles", {}).get(config.get("profile"), {})
        config = {**config, **profile}
    return config.get("model_provider") or "openai"


async def summary_by_id(engine: Engine, id: str) -> JsonObject:
    """The summary of a conversation, loaded or kept. Raises CallerError if there is none of that id."""
    link = await engine.link()
    try:
        return _summary(await api.read_thread(link, id))
    except EngineRefusal:
        raise CallerError(f"no rollout found for conversation id {id}", code="not_found") from None


async def summary_by_path(home: CodexHome, path: str) -> JsonObject:
    """The summary of a rollout file. Raises EngineError, as the old server did, if it cannot be read."""
    try:
        return await anyio.to_thread.run_sync(lambda: rollouts.summary(rollouts.locate(home, path)))
    except RolloutUnreadable as problem:
        reason = f"failed to load conversation summary from {path}: {problem.message}"
        raise EngineError(reason, code="not_found") from None


def _summary(thread: JsonObject) -> JsonObject:
    return {
        "conversationId": thread["id"],
        "path": thread.get("path") or "",
        "preview": rollouts.preview(thread.get("preview") or ""),
        "timestamp": datetime.fromtimestamp(thread["createdAt"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "modelProvider": thread.get("modelProvider") or "openai",
    }
