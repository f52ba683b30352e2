"""The models that the engine knows, in pages as v1 has them."""

from __future__ import annotations

from codex_mcp.engine import api
from codex_mcp.engine.supervisor import Engine
from codex_mcp.errors import CallerError
from codex_mcp.wire.messages import JsonObject

_FIELDS = ("id", "model", "displayName", "description", "defaultReasoningEffort", "isDefault")


async def list_models(engine: Engine, *, page_size: int | None, cursor: str | None) -> JsonObject:
    """A page: `{items, nextCursor}`; the cursor is the index of the first model of the page.

    Raises CallerError for a cursor that is none, EngineUnavailable, EngineLost, EngineRefusal.
    """
    models = await all_models(engine)
    start = 0
    if cursor is not None:
        if not (cursor.isascii() and cursor.isdigit()):
            raise CallerError(f"invalid cursor: {cursor}")
        if len(cursor) > 9 or int(cursor) > len(models):
            raise CallerError(f"cursor {cursor:.20} exceeds total models {len(models)}")
        start = int(cursor)
    end = len(models) if page_size is None else start + max(page_size, 1)
    return {"items": models[start:end], "nextCursor": str(end) if end < len(models) else None}


async def all_models(engine: Engine) -> list[JsonObject]:
    """Every model that is not hidden, the default one marked."""
    link = await engine.link()
    models: list[JsonObject] = []
    cursor = None
    while True:
        page = await api.list_models(link, limit=100, cursor=cursor)
        models += page["data"]
        cursor = page.get("nextCursor")
        if cursor is None:
            return [_model(model) for model in models]


def _model(model: JsonObject) -> JsonObject:
    efforts = [
        {"reasoningEffort": effort["reasoningEffort"], "description": effort["description"]}
        for effort in model["supportedReasoningEfforts"]
    ]
    return {**{field: model[field] for field in _FIELDS}, "supportedReasoningEfforts": efforts}
