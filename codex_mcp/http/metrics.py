"""Figures for Prometheus: what is there now, and what was served."""

from __future__ import annotations

import time
from collections.abc import Iterator

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from codex_mcp.http.service import Service

_BUCKETS = (0.005, 0.025, 0.1, 0.5, 2.5, 10, 60, 300, 1800)


class Metrics:
    """Of one server; an endpoint, and middleware that counts."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "codex_mcp_http_requests", "Requests that were answered", ["path", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "codex_mcp_http_request_seconds",
            "From a request to the end of its answer",
            ["path"],
            buckets=_BUCKETS,
            registry=self._registry,
        )

    def watch(self, service: Service) -> None:
        """Tell of it."""
        self._registry.register(_State(service))

    async def __call__(self, _: Request) -> Response:
        return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)

    def counting(self, app: ASGIApp) -> ASGIApp:
        """`app`, with its requests counted by path as it was routed."""

        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            began = time.monotonic()
            status = 0

            async def look(event: Message) -> None:
                nonlocal status
                if event["type"] == "http.response.start":
                    status = event["status"]
                await send(event)

            try:
                await app(scope, receive, look)
            finally:
                route = scope.get("route")
                path = getattr(route, "path", "other")  # names of clients' making would be without number
                self._requests.labels(path, str(status)).inc()
                self._seconds.labels(path).observe(time.monotonic() - began)

        return counted


class _State(Collector):
    def __init__(self, service: Service) -> None:
        self._service = service

    def collect(self) -> Iterator[GaugeMetricFamily]:
        service = self._service
        conversations = list(service.agent.conversations)
        for name, text, value in (
            ("sessions", "Sessions of clients", len(service.sessions)),
            ("threads_loaded", "Threads that were begun or resumed", len(conversations)),
            ("turns_running", "Turns that run", sum(conversation.busy for conversation in conversations)),
            ("approvals_open", "Questions that wait", sum(len(one.approvals) for one in conversations)),
            ("engine_up", "1 if an engine runs", int(service.agent.engine.current is not None)),
            ("engine_starts", "Engines that became ready so far", service.agent.engine.generation),
        ):
            yield GaugeMetricFamily(f"codex_mcp_{name}", text, value)
