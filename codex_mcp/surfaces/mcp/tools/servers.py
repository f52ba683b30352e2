"""The MCP servers that Codex uses, as tools: their states, signing in, adding and removing them."""

from __future__ import annotations

import anyio
import msgspec

from codex_mcp import invocation
from codex_mcp.bridge.mcp_servers import changes, entries
from codex_mcp.bridge.mcp_servers.logins import PendingLogin
from codex_mcp.bridge.mcp_servers.survey import Report
from codex_mcp.bridge.threads import check_id
from codex_mcp.protocol import server_tools as t
from codex_mcp.surfaces.mcp import consent
from codex_mcp.surfaces.mcp.context import CallContext
from codex_mcp.surfaces.mcp.results import as_data, success
from codex_mcp.surfaces.mcp.tools.declare import Tool
from codex_mcp.wire.messages import JsonObject

_WAIT = 15.0  # seconds
_LOGIN_LIMIT = 600.0  # seconds for which the user may take to sign in
_LOGIN_WAIT = 120.0  # seconds for which a call waits for a user who was shown the address


async def servers(call: CallContext, arguments: t.ServersArguments) -> JsonObject:
    """The states of a thread's servers, or of those that are configured."""
    roster = call.connection.agent.mcp_servers
    limit = _WAIT if arguments.wait_seconds is None else arguments.wait_seconds
    names = None if arguments.name is None else [arguments.name]
    with call.signs_of_life():
        if arguments.thread_id is None:
            reports = await roster.check(names, limit=limit)
        else:
            thread = call.conversations.get(check_id(arguments.thread_id))
            reports = await roster.of_thread(thread.thread_id, thread.translator.cwd, names=names, limit=limit)
    return as_data(t.ServersResult(servers=[_info(report) for report in reports]))


async def login(call: CallContext, arguments: t.LoginArguments) -> JsonObject:
    """Begin a sign-in, or go on waiting for one that was begun."""
    logins = call.connection.agent.mcp_servers.logins
    pending = logins.find(arguments.name)
    wait, shown = arguments.wait_seconds, None
    if pending is None:
        pending = await logins.begin(arguments.name, scopes=arguments.scopes or (), limit=_LOGIN_LIMIT)
        if consent.can_open_addresses(call):
            question = f"Sign in to the MCP server {arguments.name}, so that Codex can use it."
            shown = await consent.open_address(call, question, pending.login.url)
        elif wait is None:
            wait = 0.0
    with call.signs_of_life(), anyio.move_on_after(_LOGIN_WAIT if wait is None else wait):
        await pending.ended.wait()
    if pending.completed is not None:
        logins.take(pending)
        if shown is not None:
            consent.tell_completed(call, shown)
    return _login_result(pending)


def _login_result(pending: PendingLogin) -> JsonObject:
    name, url = pending.login.name, pending.login.url
    if pending.completed is None:
        text = (
            f"To sign in to {name}, the user has to open this address in a browser on this machine:\n{url}\n"
            "Call codex-server-login again to learn how it ended."
        )
        return success(
            t.LoginResult(name=name, status="pending", authorization_url=url, login_id=pending.login.id), text
        )
    if pending.failure is not None:
        text = f"Not signed in to {name}: {pending.failure}"
        return {**success(t.LoginResult(name=name, status="failed", reason=pending.failure), text), "isError": True}
    return success(t.LoginResult(name=name, status="succeeded"), f"Signed in to {name}.")


async def add(call: CallContext, arguments: t.AddArguments) -> JsonObject:
    """Add a server by URL, if the user agrees. Commands are for the user to add."""
    entry = entries.http_entry(
        arguments.url,
        bearer_token_env_var=arguments.bearer_token_env_var,
        client_id=arguments.client_id,
        scopes=arguments.scopes or (),
    )
    name = entries.check_name(arguments.name)
    link = await call.engine.link()
    home = call.engine.home
    if not arguments.replace:
        await changes.refuse_duplicate(link, home, name)
    where = entries.shown_url(arguments.url)
    by_hand = invocation.command("mcp", "add", name, "--url", arguments.url)
    await consent.ask(call, f"Add the MCP server {name} ({where}) to Codex? Codex may then call its tools.", by_hand)
    await changes.add(link, home, name, entry, replace=bool(arguments.replace))
    [report] = await call.connection.agent.mcp_servers.check([name], limit=_WAIT)
    return _changed(name, "added", report)


async def remove(call: CallContext, arguments: t.RemoveArguments) -> JsonObject:
    """Remove a server and its stored sign-in, if the user agrees."""
    link, home, name = await call.engine.link(), call.engine.home, arguments.name
    await changes.find(link, home, name)
    by_hand = invocation.command("mcp", "remove", name)
    await consent.ask(call, f"Remove the MCP server {name} from Codex, and its stored sign-in?", by_hand)
    await changes.remove(link, home, name)
    return _changed(name, "removed")


async def enable(call: CallContext, arguments: t.EnableArguments) -> JsonObject:
    """Switch a server on or off, if the user agrees."""
    link, home, name = await call.engine.link(), call.engine.home, arguments.name
    on = arguments.enabled is not False
    await changes.find(link, home, name)
    word = "enable" if on else "disable"
    question = f"{word.capitalize()} the MCP server {name} in Codex?"
    await consent.ask(call, question, invocation.command("mcp", word, name))
    await changes.switch(link, home, name, on=on)
    return _changed(name, f"{word}d")


def _changed(name: str, done: str, report: Report | None = None) -> JsonObject:
    state = advice = None
    if report is not None:
        state, advice = report.verdict.state.value, report.verdict.advice
    text = f"{name}: {done}" + (f"; {state}" if state else "") + (f": {advice}" if advice else "")
    return success(t.ChangeResult(name=name, done=done, state=state, advice=advice), text)


def _info(report: Report) -> t.ServerInfo:
    return msgspec.convert(report.to_json(), t.ServerInfo)


TOOLS = (
    Tool(
        "codex-servers",
        "MCP servers of Codex",
        "The MCP servers that Codex uses, each with its state, what to do about it, and its tools; of a thread, or as "
        "they are configured.",
        t.ServersArguments,
        t.ServersResult,
        servers,
        read_only=True,
        idempotent=True,
        open_world=True,
    ),
    Tool(
        "codex-server-login",
        "Sign in to an MCP server",
        "Begin signing in to an MCP server by OAuth: its user opens the address. Called again, it says how that ended.",
        t.LoginArguments,
        t.LoginResult,
        login,
        missing="the `name` field is required",
        open_world=True,
    ),
    Tool(
        "codex-server-add",
        "Add an MCP server",
        "Add an MCP server by its URL, so that Codex can use it. Asks the user first.",
        t.AddArguments,
        t.ChangeResult,
        add,
        missing="the `name` and `url` fields are required",
        destructive=True,
        open_world=True,
    ),
    Tool(
        "codex-server-remove",
        "Remove an MCP server",
        "Remove an MCP server and its stored sign-in. Asks the user first.",
        t.RemoveArguments,
        t.ChangeResult,
        remove,
        missing="the `name` field is required",
        destructive=True,
    ),
    Tool(
        "codex-server-enable",
        "Switch an MCP server",
        "Switch an MCP server on or off; it stays configured. Asks the user first.",
        t.EnableArguments,
        t.ChangeResult,
        enable,
        missing="the `name` field is required",
        idempotent=True,
    ),
)
