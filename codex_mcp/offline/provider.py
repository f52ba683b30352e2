"""A provider of the Responses API on loopback that plays a script: `OfflineModel`."""

from __future__ import annotations

import json
import select
import socket
import threading
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from codex_mcp.offline import script
from codex_mcp.offline.model_tools import AdvertisedTools
from codex_mcp.offline.script import Reply, parse_script
from codex_mcp.wire.messages import JsonObject

DEFAULT_USAGE = {"input_tokens": 100, "output_tokens": 20}
_EXHAUSTED = Reply(steps=[script.Say(say="(offline model: the script has nothing left to say)")])

# A model that every supported engine knows and offers its patch tool for.
MODEL = "gpt-5.5"


class OfflineModel:
    """Plays replies in order. Use it as a context manager, or `start` and `stop` it.

    `requests` holds the body of every request that asked for an answer, oldest first; `hung_up` counts answers that
    the engine did not want to the end.
    """

    def __init__(self, replies: Iterable[Any] = (), *, otherwise: Reply = _EXHAUSTED) -> None:
        """`replies`: a script (see `codex_mcp.offline.script`). `otherwise` answers when no reply is left that fits."""
        self.requests: list[JsonObject] = []
        self.hung_up = 0
        self._replies: list[Reply] = []
        self._otherwise = otherwise
        self._lock = threading.Lock()
        self.stopping = threading.Event()
        self._server = _Server(self)
        self.add(*replies)

    def __enter__(self) -> OfflineModel:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def engine_overrides(self) -> list[str]:
        """Settings (`key=value`) that make an engine ask this provider, and never retry."""
        provider = (
            f'{{name="offline script", base_url="{self.base_url}", wire_api="responses", '
            "request_max_retries=0, stream_max_retries=0}"
        )
        return [f'model="{MODEL}"', 'model_provider="offline"', f"model_providers.offline={provider}"]

    def start(self) -> None:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="offline-model", daemon=True).start()

    def stop(self) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()

    def add(self, *replies: Any) -> None:
        """Append replies to the script."""
        parsed = [r for reply in replies for r in ([reply] if isinstance(reply, Reply) else parse_script([reply]))]
        with self._lock:
            self._replies += parsed

    def next_reply(self, body: JsonObject) -> Reply:
        """Take the reply for a request out of the script."""
        newest = _newest_input(body)
        with self._lock:
            self.requests.append(body)
            for reply in self._replies:
                if reply.when is None or reply.when in newest:
                    self._replies.remove(reply)
                    return reply
        return self._otherwise


def _newest_input(body: JsonObject) -> str:
    """What came in since the model last spoke: user messages and tool outputs."""
    items: list[str] = []
    for item in reversed(body.get("input") or []):
        if (
            item.get("role") == "assistant"
            or str(item.get("type")).endswith("_call")
            or item.get("type") == "reasoning"
        ):
            break
        items.append(json.dumps(item, ensure_ascii=False))
    return "\n".join(reversed(items))


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, model: OfflineModel) -> None:
        self.model = model
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The engine hung up: nothing to report."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 64 * 1024  # flushed at pauses and at the end
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""

    def do_GET(self) -> None:
        self._send_json(404, {"error": {"message": "the offline model only answers POST …/responses"}})

    def do_POST(self) -> None:
        model = self.server.model
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        if not self.path.split("?")[0].endswith("/responses"):
            self._send_json(404, {"error": {"message": "not found"}})
            return
        reply = model.next_reply(body)
        first = reply.steps[0] if reply.steps else None
        if isinstance(first, script.Fail):
            self._send_json(first.fail, {"error": {"message": first.message, "type": first.type}})
            return
        try:
            _Answer(self, AdvertisedTools(body), len(model.requests)).play(reply)
            self.wfile.flush()
        except OSError:
            model.hung_up += 1
        self.close_connection = True

    def _send_json(self, status: int, value: Any) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def begin_stream(self, headers: dict[str, str]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def pause(self, seconds: float) -> None:
        """Wait; raise OSError as soon as the engine has hung up."""
        self.wfile.flush()
        while seconds > 0 and not self.server.model.stopping.is_set():
            step = min(seconds, 0.1)
            readable, _, _ = select.select([self.connection], [], [], step)
            if readable and not self.connection.recv(1, socket.MSG_PEEK):
                raise ConnectionResetError
            seconds -= step


class _Answer:
    """One streamed answer."""

    def __init__(self, handler: _Handler, tools: AdvertisedTools, number: int) -> None:
        self._handler = handler
        self._tools = tools
        self._id = f"resp_{number}"
        self._items = 0
        self._usage = dict(DEFAULT_USAGE)

    def play(self, reply: Reply) -> None:
        limits = next((step for step in reply.steps if isinstance(step, script.Limits)), None)
        self._handler.begin_stream(_limit_headers(limits) if limits is not None else {})
        self._event("response.created", response={"id": self._id, "status": "in_progress"})
        for step in reply.steps:
            match step:
                case script.Limits() | script.Fail():
                    pass
                case script.Wait():
                    self._handler.pause(step.wait)
                case script.Usage():
                    self._usage = dict(step.usage)
                case script.Cut():
                    self._handler.wfile.flush()
                    self._handler.connection.shutdown(socket.SHUT_RDWR)
                    return
                case script.StreamError():
                    error = {"code": step.error, "message": step.message}
                    self._event("response.failed", response={"id": self._id, "status": "failed", "error": error})
                    return
                case script.Stop():
                    details = {"reason": step.stop}
                    response = {"id": self._id, "status": "incomplete", "incomplete_details": details}
                    self._event("response.incomplete", response=response)
                    return
                case script.Say():
                    self._say(step)
                case script.Think():
                    self._think(step)
                case _:
                    item = self._tools.call(step, self._next_item())
                    self._event("response.output_item.added", item={**item, "status": "in_progress"})
                    self._event("response.output_item.done", item=item)
        self._event(
            "response.completed", response={"id": self._id, "status": "completed", "usage": self._total_usage()}
        )

    def _say(self, step: script.Say) -> None:
        item_id = self._next_item()
        item: JsonObject = {"type": "message", "id": item_id, "role": "assistant", "content": []}
        self._event("response.output_item.added", item=item)
        self._pieces("response.output_text.delta", step.say, step.pieces, step.delay, item_id=item_id, content_index=0)
        if step.unfinished:
            return
        content = [{"type": "output_text", "text": step.say, "annotations": []}]
        self._event("response.output_item.done", item={**item, "status": "completed", "content": content})

    def _think(self, step: script.Think) -> None:
        item_id = self._next_item()
        item: JsonObject = {"type": "reasoning", "id": item_id, "summary": []}
        self._event("response.output_item.added", item=item)
        for index, section in enumerate(step.think):
            of_section = {"item_id": item_id, "summary_index": index}
            part = {"type": "summary_text", "text": ""}
            self._event("response.reasoning_summary_part.added", part=part, **of_section)
            delta = "response.reasoning_summary_text.delta"
            self._pieces(delta, section, step.pieces, step.delay, **of_section)
        done = {**item, "summary": [{"type": "summary_text", "text": text} for text in step.think]}
        if step.raw is not None:
            delta = "response.reasoning_text.delta"
            self._pieces(delta, step.raw, step.pieces, step.delay, item_id=item_id, content_index=0)
            done["content"] = [{"type": "reasoning_text", "text": step.raw}]
        self._event("response.output_item.done", item={**done, "encrypted_content": "offline"})

    def _pieces(self, kind: str, text: str, count: int, delay: float, **fields: Any) -> None:
        for piece in _split(text, count):
            self._event(kind, delta=piece, **fields)
            if delay:
                self._handler.pause(delay)

    def _event(self, kind: str, **fields: Any) -> None:
        data = json.dumps({"type": kind, "output_index": max(self._items - 1, 0), **fields})
        self._handler.wfile.write(f"event: {kind}\ndata: {data}\n\n".encode())

    def _next_item(self) -> str:
        self._items += 1
        return f"{self._id}_item{self._items - 1}"

    def _total_usage(self) -> JsonObject:
        usage = self._usage
        return {
            "input_tokens": usage.get("input_tokens", 0),
            "input_tokens_details": {"cached_tokens": usage.get("cached_input_tokens", 0)},
            "output_tokens": usage.get("output_tokens", 0),
            "output_tokens_details": {"reasoning_tokens": usage.get("reasoning_output_tokens", 0)},
            "total_tokens": usage.get("input_tokens", 0) + usage.get("output_tokens", 0),
        }


def _limit_headers(step: script.Limits) -> dict[str, str]:
    headers = {}
    for name, window in step.limits.items():
        values = {
            "used-percent": window.used_percent,
            "window-minutes": window.window_minutes,
            "reset-at": window.resets_at,
        }
        for key, value in values.items():
            if value is not None:
                headers[f"x-codex-{name}-{key}"] = str(value)
    return headers


def _split(text: str, count: int) -> list[str]:
    """`text` in `count` pieces of about equal length."""
    count = max(1, min(count, len(text)))
    ends = [len(text) * (i + 1) // count for i in range(count)]
    return [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]
