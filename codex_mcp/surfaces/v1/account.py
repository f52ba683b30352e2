"""Methods of the user's account."""

from __future__ import annotations

from codex_mcp.bridge import account
from codex_mcp.protocol import account as a
from codex_mcp.protocol import registry as r
from codex_mcp.protocol.base import Empty
from codex_mcp.surfaces.v1.context import Context, Handler


async def login_api_key(context: Context, params: a.LoginApiKeyParams) -> None:
    await account.login_api_key(context.engine, params.api_key, lambda: context.answer(Empty()))


async def login_chat_gpt(context: Context, _params: Empty) -> a.LoginChatGptResult:
    return a.LoginChatGptResult.model_validate(await account.login_chatgpt(context.engine))


async def cancel_login_chat_gpt(context: Context, params: a.CancelLoginChatGptParams) -> Empty:
    await account.cancel_login(context.engine, params.login_id)
    return Empty()


async def logout_chat_gpt(context: Context, _params: Empty) -> None:
    await account.logout(context.engine, lambda: context.answer(Empty()))


async def get_auth_status(context: Context, params: a.GetAuthStatusParams) -> a.GetAuthStatusResult:
    status = await account.auth_status(
        context.engine, include_token=bool(params.include_token), refresh_token=bool(params.refresh_token)
    )
    return a.GetAuthStatusResult.model_validate(status)


async def user_info(context: Context, _params: Empty) -> a.UserInfoResult:
    return a.UserInfoResult(alleged_user_email=await account.user_email(context.engine))


async def read_rate_limits(context: Context, _params: Empty) -> a.RateLimitsResult:
    return a.RateLimitsResult.model_validate(await account.read_rate_limits(context.engine))


HANDLERS: dict[str, Handler] = {
    r.LOGIN_API_KEY.name: login_api_key,
    r.LOGIN_CHAT_GPT.name: login_chat_gpt,
    r.CANCEL_LOGIN_CHAT_GPT.name: cancel_login_chat_gpt,
    r.LOGOUT_CHAT_GPT.name: logout_chat_gpt,
    r.GET_AUTH_STATUS.name: get_auth_status,
    r.USER_INFO.name: user_info,
    r.ACCOUNT_RATE_LIMITS_READ.name: read_rate_limits,
}
