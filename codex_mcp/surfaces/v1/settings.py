"""Methods of the user's settings."""

from __future__ import annotations

from codex_mcp.bridge import models, user_config
from codex_mcp.protocol import registry as r
from codex_mcp.protocol import settings as s
from codex_mcp.protocol.base import Empty
from codex_mcp.surfaces.v1.context import Context, Handler


async def get_user_saved_config(context: Context, _params: Empty) -> s.GetUserSavedConfigResult:
    return s.GetUserSavedConfigResult(config=user_config.saved_config(context.engine.home))


async def set_default_model(context: Context, params: s.SetDefaultModelParams) -> Empty:
    await user_config.set_default_model(context.engine, params.model, params.reasoning_effort)
    return Empty()


async def model_list(context: Context, params: s.ModelListParams) -> s.ModelListResult:
    page_size = params.page_size if params.page_size is not None else params.limit
    page = await models.list_models(context.engine, page_size=page_size, cursor=params.cursor)
    return s.ModelListResult.model_validate(page)


HANDLERS: dict[str, Handler] = {
    r.GET_USER_SAVED_CONFIG.name: get_user_saved_config,
    r.SET_DEFAULT_MODEL.name: set_default_model,
    r.MODEL_LIST.name: model_list,
}
