"""The pages and forms."""

from __future__ import annotations

import functools
import getpass
import logging
import pathlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

import anyio
from jinja2 import Environment, PackageLoader, StrictUndefined
from sse_starlette import EventSourceResponse
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from codex_mcp.bridge import threads
from codex_mcp.bridge.approvals import Decision, Verdict
from codex_mcp.bridge.conversation import Conversation
from codex_mcp.errors import CallerError, CodexMcpError
from codex_mcp.http.activity import Activity
from codex_mcp.http.auth import Authentication
from codex_mcp.http.body import read_body
from codex_mcp.http.cookies import Logins
from codex_mcp.http.identity import ANSWER, identity_of
from codex_mcp.http.options import Limits
from codex_mcp.http.page import views
from codex_mcp.http.service import Service
from codex_mcp.logs import about
from codex_mcp.wire.messages import JsonObject

log = logging.getLogger(__name__)

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
_DECISIONS = {
    "approve": Decision.APPROVED,
    "approve-for-session": Decision.APPROVED_FOR_SESSION,
    "deny": Decision.DENIED,
    "stop": Decision.ABORT,
}
_FORM = Limits(body=64 * 1024)
_THREADS = 30
# Seconds between two changes that a page is told of.
_PACE = 0.3
_BACK = re.compile(r"/(threads/[0-9a-f-]{36})?")

Endpoint = Callable[[Request], Awaitable[Response]]


class Page:
    """Of one server."""

    def __init__(self, service: Service, activity: Activity, authentication: Authentication | None) -> None:
        self._service = service
        self._activity = activity
        self._authentication = authentication
        self._logins = Logins() if authentication is None else authentication.logins
        self._templates = Environment(
            loader=PackageLoader("codex_mcp.http.page"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def routes(self) -> list[Route]:
        """Where they are."""
        return [
            Route("/", self._people_only(self._inbox)),
            Route("/threads/{id}", self._people_only(self._thread)),
            Route("/threads/{id}/stop", self._people_only(self._stop), methods=["POST"]),
            Route("/answer", self._people_only(self._answer), methods=["POST"]),
            Route("/live", self._people_only(self._live)),
            Route("/sign-in", self._sign_in, methods=["GET", "POST"]),
            Route("/sign-out", self._sign_out, methods=["POST"]),
            Route("/static/{name}", self._static),
        ]

    # -- who is there

    def _people_only(self, endpoint: Endpoint) -> Endpoint:
        """Those who may answer; others are asked to sign in."""

        @functools.wraps(endpoint)
        async def checked(request: Request) -> Response:
            if self._authentication is None or ANSWER in request.auth.scopes:
                return await endpoint(request)
            if request.user.is_authenticated:
                reason = f"{identity_of(request).name} may not answer: the token lacks the scope `answer`"
                return self._render(request, "sign-in.html", 403, reason=reason)
            return RedirectResponse("/sign-in", 303, HEADERS)

        return checked

    def _person(self, request: Request) -> str:
        """The name that stands in the record of an answer."""
        return identity_of(request).name or _local_user()

    async def _sign_in(self, request: Request) -> Response:
        if self._authentication is None:
            return RedirectResponse("/", 303, HEADERS)
        if request.method == "GET":
            return self._render(request, "sign-in.html", reason="")
        token = (await self._form(request)).get("token", "").strip()
        access = await self._authentication.verify_token(token) if token else None
        if access is None or ANSWER not in access.scopes:
            log.warning("somebody could not sign in to the page")
            reason = "This token does not count." if access is None else "This token lacks the scope `answer`."
            return self._render(request, "sign-in.html", 403, reason=reason)
        response = RedirectResponse("/", 303, HEADERS)
        self._logins.sign_in(token, response, secure=request.url.scheme == "https")
        log.info("signed in to the page", extra=about(person=access.subject or access.client_id))
        return response

    async def _sign_out(self, request: Request) -> Response:
        await self._form(request)
        response = RedirectResponse("/sign-in", 303, HEADERS)
        self._logins.sign_out(request, response)
        return response

    # -- pages

    async def _inbox(self, request: Request) -> Response:
        conversations = list(self._service.agent.conversations)
        problem = ""
        found: list[JsonObject] = []
        try:
            found, _ = await threads.list_threads(self._service.agent.engine, limit=_THREADS)
        except CodexMcpError as error:
            problem = error.message
        questions = [views.question(approval) for one in conversations for approval in one.approvals]
        running = [(one, self._activity.of(one.thread_id)) for one in conversations if one.busy]
        return self._render(
            request,
            "inbox.html",
            questions=questions,
            running=running,
            threads=found,
            problem=problem or self._service.not_ready() or "",
            gone="gone" in request.query_params,
        )

    async def _thread(self, request: Request) -> Response:
        id = request.path_params["id"]
        try:
            thread = await threads.read_thread(self._service.agent.engine, id, turns=True)
        except CallerError as error:
            raise HTTPException(404, error.message) from None
        conversation = self._service.agent.conversations.find(id)
        return self._render(
            request,
            "thread.html",
            info=threads.thread_info(thread),
            said=threads.messages(thread),
            files=views.thread_files(threads.files(thread)),
            questions=[] if conversation is None else [views.question(one) for one in conversation.approvals],
            running=conversation is not None and conversation.busy,
            now=self._activity.of(id if conversation is None else conversation.thread_id),
            gone="gone" in request.query_params,
        )

    async def _live(self, request: Request) -> Response:
        """Tells a page that something is different; what, it asks for itself."""

        async def changes() -> AsyncIterator[dict[str, str]]:
            while not self._activity.ending:
                yield {"event": "change", "data": ""}
                await self._activity.change()
                await anyio.sleep(_PACE)

        return EventSourceResponse(changes(), headers=HEADERS)

    # -- forms

    async def _answer(self, request: Request) -> Response:
        form = await self._form(request)
        decision = _DECISIONS.get(form.get("decision", ""))
        if decision is None:
            raise HTTPException(400, "there is no such decision")
        person = self._person(request)
        because = "" if decision.is_yes else f"{person} said no"
        verdict = Verdict(decision, person, because)
        taken = any(one.decide(form.get("question", ""), verdict) for one in self._service.agent.conversations)
        if taken:
            log.info(
                "a question was answered on the page", extra=about(form.get("thread"), by=person, said=decision.value)
            )
        return self._back(form, gone=not taken)

    async def _stop(self, request: Request) -> Response:
        form = await self._form(request)
        conversation = self._loaded(request.path_params["id"])
        log.info("a turn was stopped on the page", extra=about(conversation.id, by=self._person(request)))
        await self._service.agent.conversations.interrupt(conversation)
        return self._back(form, gone=False)

    def _loaded(self, id: str) -> Conversation:
        conversation = self._service.agent.conversations.find(id)
        if conversation is None:
            raise HTTPException(404, "nothing runs in this thread")
        return conversation

    async def _form(self, request: Request) -> dict[str, str]:
        """The fields of a form of ours. Raises HTTPException 403 for one of somebody else."""
        body = await read_body(request, _FORM)
        fields = {name: values[-1] for name, values in parse_qs(body.decode(errors="replace")).items()}
        if not self._logins.is_marked(request, fields.get("mark")):
            raise HTTPException(403, "this form is out of date: reload the page, and try again")
        return fields

    def _back(self, form: dict[str, str], *, gone: bool) -> Response:
        back = form.get("back", "/")
        path = back if _BACK.fullmatch(back) else "/"
        return RedirectResponse(f"{path}?gone" if gone else path, 303, HEADERS)

    # -- rendering

    def _render(self, request: Request, template: str, status: int = 200, **values: Any) -> Response:
        person = identity_of(request).name or ("" if self._authentication else _local_user())
        page = self._templates.get_template(template).render(
            values,
            mark=self._logins.mark(request),
            person=person,
            signed_in=self._authentication is not None and bool(person),
            here=request.url.path,
            visible=views.visible,
        )
        return HTMLResponse(page, status, HEADERS)

    async def _static(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in ("style.css", "live.js", "icon.svg"):
            raise HTTPException(404)
        return FileResponse(_HERE / name, headers={"X-Content-Type-Options": "nosniff"})


_HERE = pathlib.Path(__file__).parent / "static"


def _local_user() -> str:
    """Of a server that asks nobody who they are: the user whose server it is."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        return "local user"
