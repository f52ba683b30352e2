"""The MCP server itself, and a thread to run it in."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
import urllib.parse
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

import mcp.types as types
import uvicorn
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.routes import build_metadata
from mcp.server.auth.settings import AuthSettings, ClientRegistrationOptions, RevocationOptions
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import NotificationOptions, Server
from mcp.shared.exceptions import MCPError
from pydantic import AnyHttpUrl
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from tests.support.hosted.authority import Authority, Verifier
from tests.support.hosted.data import PNG, SESSIONS, ToolFailure, find_session, unified
from tests.support.hosted.gate import Gate
from tests.support.hosted.settings import FIXED, MCP_PATH, SCOPES, Settings
from tests.support.hosted.tools import LATE_TOOL, TOOLS, WRITES


@dataclass
class Caller:
    """Who calls a tool."""

    by: str
    workspace: str
    headers: dict[str, str]


ToolRun: TypeAlias = Callable[[Any, Caller, dict[str, Any]], Awaitable[types.CallToolResult]]


class Hosted:
    """The application: `app` is served by uvicorn."""

    def __init__(self, settings: Settings, base: str) -> None:
        self.settings = settings
        self.log: list[dict[str, Any]] = []
        self.authority = Authority(settings, self.log)
        self.authority.base = base
        self._sessions: set[Any] = set()
        self._titles: dict[str, str] = {}
        server: Server[Any] = Server(
            "hosted-sessions",
            version="1.0.0",
            title="Hosted sessions",
            instructions="Resolve a session link first; then read its chat, files and diffs.",
            on_list_tools=self._list_tools,
            on_call_tool=self._call_tool,
            on_list_resources=self._list_resources,
            on_list_resource_templates=self._list_templates,
            on_read_resource=self._read_resource,
        )
        plain = server.create_initialization_options
        server.create_initialization_options = lambda *_, **__: plain(NotificationOptions(tools_changed=True))  # type: ignore[method-assign]
        auth = verifier = authority = metadata = None
        if settings.auth != "none":
            verifier = Verifier(settings, self.authority)
            if settings.auth in ("oauth", "any"):
                authority = self.authority
                registration = ClientRegistrationOptions(
                    enabled=settings.registration, valid_scopes=list(SCOPES), default_scopes=list(SCOPES)
                )
                revocation = RevocationOptions(enabled=True)
                auth = AuthSettings(
                    issuer_url=AnyHttpUrl(base),
                    resource_server_url=AnyHttpUrl(base + MCP_PATH),
                    validate_token_resource=False,
                    client_registration_options=registration,
                    revocation_options=revocation,
                )
                metadata = build_metadata(auth.issuer_url, None, registration, revocation).model_dump(
                    mode="json", exclude_none=True
                )
                # the SDK serves public clients, but does not say so
                metadata["token_endpoint_auth_methods_supported"].append("none")
                metadata["issuer"] = base
            else:  # keys only: no authorization server is announced
                auth = AuthSettings(issuer_url=AnyHttpUrl(base), resource_server_url=None)
        app = server.streamable_http_app(
            streamable_http_path=MCP_PATH,
            host=settings.host,
            auth=auth,
            token_verifier=verifier,
            auth_server_provider=authority,
            custom_starlette_routes=[
                Route("/consent", self._consent, methods=["GET", "POST"]),
            ],
        )
        self.app: ASGIApp = Gate(app, settings, self.log, self.authority, metadata)

    # the user's browser

    async def _consent(self, request: Request) -> Response:
        ticket = request.query_params.get("ticket", "")
        if ticket not in self.authority.pending:
            return HTMLResponse("this request is over", 410)
        if request.method == "GET":
            if self.settings.consent == "silent":
                return HTMLResponse("please wait…")
            buttons = "".join(f'<button name="answer" value="{word}">{word}</button>' for word in ("approve", "deny"))
            return HTMLResponse(f"<h1>Allow access to the workspace acme?</h1><form method=post>{buttons}</form>")
        approved = (await request.form()).get("answer") == "approve"
        target = self.authority.approve(ticket) if approved else self.authority.refuse(ticket)
        return RedirectResponse(target, 303)

    # the test's hand

    async def change(self, values: dict[str, Any]) -> None:
        """Change settings. Raises ValueError for one that cannot be changed."""
        defaults = asdict(Settings())
        for name, value in values.items():
            if name not in defaults or name in FIXED:
                raise ValueError(f"{name} cannot be changed while the server runs")
            setattr(self.settings, name, type(defaults[name])(value))
        if {"tools", "extra_tool"} & values.keys():
            for session in list(self._sessions):
                try:
                    await session.send_tool_list_changed()
                except Exception:  # gone
                    self._sessions.discard(session)

    # MCP

    async def _list_tools(
        self, ctx: ServerRequestContext[Any], _params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        self._sessions.add(ctx.session)
        await asyncio.sleep(self.settings.list_delay)
        which = self.settings.tools
        if which == "error":
            raise MCPError(-32603, "the list of tools is broken")
        if which == "none":
            return types.ListToolsResult(tools=[])
        tools = [tool for tool in TOOLS if which == "all" or tool.name not in WRITES]
        return types.ListToolsResult(tools=[*tools, LATE_TOOL] if self.settings.extra_tool else tools)

    async def _call_tool(
        self, ctx: ServerRequestContext[Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        await asyncio.sleep(self.settings.call_delay)
        arguments = params.arguments or {}
        caller = self._caller(ctx)
        try:
            run: ToolRun | None = getattr(self, f"_tool_{params.name}", None)
            if run is None:
                raise MCPError(-32602, f"unknown tool: {params.name}")
            return await run(ctx, caller, arguments)
        except ToolFailure as failure:
            return types.CallToolResult(content=[_text(str(failure))], is_error=True)
        except KeyError as missing:
            return types.CallToolResult(content=[_text(f"missing argument {missing}")], is_error=True)

    def _caller(self, ctx: ServerRequestContext[Any]) -> Caller:
        request = ctx.request
        user = request.scope.get("user") if request is not None else None
        token: AccessToken | None = getattr(user, "access_token", None)
        headers = {} if request is None else dict(request.headers)
        if token is None:
            return Caller("none", "acme", headers)
        by = token.client_id if token.client_id in ("key", "header") else "oauth"
        return Caller(by, (token.claims or {}).get("workspace", "acme"), headers)

    async def _tool_resolve_session(self, _ctx: Any, caller: Caller, a: dict[str, Any]) -> types.CallToolResult:
        id, session = find_session(a["link"], caller.workspace)
        return _structured(self._metadata(id, session))

    def _metadata(self, id: str, session: dict[str, Any]) -> dict[str, Any]:
        keys = ("title", "type", "workspace", "status", "created_at", "updated_at", "link")
        return {"session_id": id, **{key: session[key] for key in keys}} | (
            {"title": self._titles[id]} if id in self._titles else {}
        )

    async def _tool_get_messages(self, _ctx: Any, caller: Caller, a: dict[str, Any]) -> types.CallToolResult:
        _, session = find_session(a["session"], caller.workspace)
        start = int(a.get("cursor") or 0)
        end = start + int(a.get("limit") or 50)
        page = [{"role": role, "at": at, "text": text} for role, at, text in session["messages"][start:end]]
        more = end < len(session["messages"])
        return _structured({"messages": page, "next_cursor": str(end) if more else None})

    async def _tool_list_files(self, _ctx: Any, caller: Caller, a: dict[str, Any]) -> types.CallToolResult:
        _, session = find_session(a["session"], caller.workspace)
        files = [
            {"path": path, "bytes": len(text.encode()), "changed": path in session["diffs"]}
            for path, text in session["files"].items()
        ]
        return _structured({"files": files})

    async def _tool_get_file(self, _ctx: Any, caller: Caller, a: dict[str, Any]) -> types.CallToolResult:
        _, session = find_session(a["session"], caller.workspace)
        text = session["files"].get(a["path"])
        if text is None:
            raise ToolFailure(f"no file {a['path']} in this session")
        return types.CallToolResult(content=[_text(text)], structured_content={"path": a["path"], "text": text})

    async def _tool_get_diff(self, _ctx: Any, caller: Caller, a: dict[str, Any]) -> types.CallToolResult:
        _, session = find_session(a["session"], caller.workspace)
        if a["path"] not in session["diffs"]:
            raise ToolFailure(f"{a['path']} was not changed in this session")
        before, after = session["diffs"][a["path"]]
        diff = unified(a["path"], before, after)
        facts = {"path": a["path"], "before": before, "after": after, "diff": diff}
        return types.CallToolResult(content=[_text(diff)], structured_content=facts)

    async def _tool_search_sessions(self, _ctx: Any, caller: Caller, a: dict[str, Any]) -> types.CallToolResult:
        target = a["target"]
        mine = {id: s for id, s in SESSIONS.items() if s["workspace"] == caller.workspace}
        if "link" in target:
            id, session = find_session(target["link"], caller.workspace)
            found = {id: session}
        else:
            words = [word.lower() for word in target["words"]]
            found = {id: s for id, s in mine.items() if any(word in s["title"].lower() for word in words)}
        status = (a.get("filter") or {}).get("status")
        sessions = [self._metadata(id, s) for id, s in found.items() if status in (None, s["status"])]
        return _structured({"sessions": sessions[: a.get("limit") or 10], "arguments": a})

    async def _tool_screenshot(self, _ctx: Any, caller: Caller, a: dict[str, Any]) -> types.CallToolResult:
        id, _ = find_session(a["session"], caller.workspace)
        picture = types.ImageContent(data=PNG, mime_type="image/png")
        return types.CallToolResult(
            content=[_text(f"A picture of {id}."), picture], structured_content={"width": 1, "height": 1}
        )

    async def _tool_rename_session(self, _ctx: Any, caller: Caller, a: dict[str, Any]) -> types.CallToolResult:
        id, session = find_session(a["session"], caller.workspace)
        self._titles[id] = a["title"]
        return _structured(self._metadata(id, session))

    async def _tool_delete_session(self, _ctx: Any, caller: Caller, a: dict[str, Any]) -> types.CallToolResult:
        id, _ = find_session(a["session"], caller.workspace)
        return _structured({"deleted": id})

    async def _tool_publish(
        self, ctx: ServerRequestContext[Any], caller: Caller, a: dict[str, Any]
    ) -> types.CallToolResult:
        id, _ = find_session(a["session"], caller.workspace)
        answer = await ctx.session.elicit_form(
            f"Who may see {id}?",
            {
                "type": "object",
                "properties": {
                    "audience": {"type": "string", "title": "Audience", "enum": ["me", "team", "everyone"]},
                    "note": {"type": "string", "title": "Note", "maxLength": 80},
                },
                "required": ["audience"],
            },
            related_request_id=ctx.request_id,
        )
        return _structured({"session": id, "action": answer.action, "content": answer.content})

    async def _tool_connect_account(
        self, ctx: ServerRequestContext[Any], _caller: Caller, _a: dict[str, Any]
    ) -> types.CallToolResult:
        answer = await ctx.session.elicit_url(
            "Connect your account to go on.",
            f"{self.authority.base}/consent?ticket=account",
            "connect-1",
            related_request_id=ctx.request_id,
        )
        return _structured({"action": answer.action})

    async def _tool_slow(self, ctx: ServerRequestContext[Any], _c: Caller, a: dict[str, Any]) -> types.CallToolResult:
        seconds, began = float(a["seconds"]), time.monotonic()
        try:
            while (passed := time.monotonic() - began) < seconds:
                await ctx.session.report_progress(passed, seconds, f"{passed:.1f} of {seconds:g} s")
                await asyncio.sleep(min(0.25, seconds - passed))
        except asyncio.CancelledError:
            self.log.append({"at": time.time(), "tool": "slow", "cancelled_after": time.monotonic() - began})
            raise
        return _structured({"seconds": seconds})

    async def _tool_fail(self, _ctx: Any, _caller: Caller, a: dict[str, Any]) -> types.CallToolResult:
        reason = a.get("reason") or "it does not work"
        if a.get("protocol"):
            raise MCPError(-32000, reason)
        raise ToolFailure(reason)

    async def _tool_who_am_i(self, ctx: Any, caller: Caller, _a: dict[str, Any]) -> types.CallToolResult:
        shown = {k: v for k, v in caller.headers.items() if k not in ("authorization", "cookie")}
        shown = {k: "…" if k == self.settings.key_header.lower() else v for k, v in shown.items()}
        return _structured({"by": caller.by, "workspace": caller.workspace, "headers": shown})

    async def _tool_late_tool(self, _ctx: Any, _caller: Caller, _a: dict[str, Any]) -> types.CallToolResult:
        return _structured({"late": True})

    async def _list_resources(self, ctx: Any, _params: Any) -> types.ListResourcesResult:
        workspace = self._caller(ctx).workspace
        return types.ListResourcesResult(
            resources=[
                types.Resource(
                    uri=f"session://{id}/transcript",
                    name=f"{id} transcript",
                    title=session["title"],
                    mime_type="text/markdown",
                )
                for id, session in SESSIONS.items()
                if session["workspace"] == workspace
            ]
        )

    async def _list_templates(self, _ctx: Any, _params: Any) -> types.ListResourceTemplatesResult:
        template = types.ResourceTemplate(
            uri_template="session://{id}/transcript", name="transcript", mime_type="text/markdown"
        )
        return types.ListResourceTemplatesResult(resource_templates=[template])

    async def _read_resource(self, ctx: Any, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        id = urllib.parse.urlsplit(str(params.uri)).netloc
        try:
            _, session = find_session(id, self._caller(ctx).workspace)
        except ToolFailure as failure:
            raise MCPError(-32002, str(failure)) from None
        text = "\n\n".join(f"**{role}** ({at}): {text}" for role, at, text in session["messages"])
        contents = types.TextResourceContents(uri=str(params.uri), mime_type="text/markdown", text=text)
        return types.ReadResourceResult(contents=[contents])


def _text(text: str) -> types.TextContent:
    return types.TextContent(text=text)


def _structured(value: dict[str, Any]) -> types.CallToolResult:
    return types.CallToolResult(content=[_text(json.dumps(value))], structured_content=value)


class HostedServer:
    """The server in a thread of its own. Use it as a context manager."""

    def __init__(self, **settings: Any) -> None:
        """`settings`: the fields of `Settings`."""
        self.settings = Settings(**settings)
        self._socket = socket.create_server((self.settings.host, self.settings.port))
        self.settings.port = self._socket.getsockname()[1]
        self.base = f"http://{self.settings.host}:{self.settings.port}"
        self.url = self.base + MCP_PATH
        self.hosted = Hosted(self.settings, self.base)
        config = uvicorn.Config(
            self.hosted.app, log_level="critical", timeout_graceful_shutdown=1, lifespan="on", ws="none"
        )
        self._server = uvicorn.Server(config)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="hosted-mcp", daemon=True)

    def __enter__(self) -> HostedServer:
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                raise RuntimeError("the server did not start")
            time.sleep(0.01)
        return self

    def begin_exit(self) -> None:
        """Stop serving; leaving the context waits for it."""
        self._server.should_exit = True

    def __exit__(self, *_: object) -> None:
        self.begin_exit()
        self._thread.join(5)
        self._socket.close()

    def _run(self) -> None:
        async def serve() -> None:
            self._loop = asyncio.get_running_loop()
            await self._server.serve([self._socket])

        asyncio.run(serve())

    def set(self, **values: Any) -> None:
        """Change settings while it runs."""
        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(self.hosted.change(values), self._loop).result(5)

    def revoke(self, *, access: bool = True, refresh: bool = False) -> None:
        """Make tokens that were issued worthless."""
        self.hosted.authority.revoke_all(access=access, refresh=refresh)

    @property
    def log(self) -> list[dict[str, Any]]:
        """Everything that was asked, oldest first: HTTP requests, and what the authorization server did."""
        return list(self.hosted.log)

    def calls(self) -> list[dict[str, Any]]:
        """The params of every tools/call."""
        return [entry["params"] for entry in self.log if entry.get("rpc") == "tools/call"]
