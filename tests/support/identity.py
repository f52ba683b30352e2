"""A ChatGPT-like identity provider and the model behind it, on loopback: tokens that end, are renewed, are revoked."""

from __future__ import annotations

import base64
import itertools
import json
import pathlib
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from codex_mcp.offline import OfflineModel

ACCOUNT = "account-of-the-user"


class Identity:
    """Use it as a context manager. `accepted`: access tokens that the model is answered for, newest last."""

    def __init__(self, model: OfflineModel) -> None:
        self._model = model
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self.refresh_token = "refresh-planted-0"
        self.renewals = 0
        self.refused = 0
        self.revoked = False
        self.seen: list[str] = []
        self.accepted: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True

    def __enter__(self) -> Identity:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def settings(self) -> list[str]:
        """Of config.toml: the model through this provider, which wants the account."""
        return [
            'model = "gpt-5.5"',
            'model_provider = "account"',
            f'chatgpt_base_url = "{self.url}/backend-api"',  # nothing of a token leaves this machine
            "[model_providers.account]",
            'name = "account"',
            f'base_url = "{self.url}/v1"',
            'wire_api = "responses"',
            "requires_openai_auth = true",
            "request_max_retries = 0",
            "stream_max_retries = 0",
            "supports_websockets = false",
        ]

    def sign_in(self, codex_home: pathlib.Path, *, valid: bool = True) -> str:
        """Write an auth.json as Codex does; the access token, which the model takes if `valid`."""
        token = self.new_token(accept=valid)
        self.write(codex_home, token)
        return token

    def write(self, codex_home: pathlib.Path, token: str) -> None:
        tokens = {"id_token": token, "access_token": token, "refresh_token": self.refresh_token, "account_id": ACCOUNT}
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        stored = {"auth_mode": "chatgpt", "OPENAI_API_KEY": None, "tokens": tokens, "last_refresh": now}
        (codex_home / "auth.json").write_text(json.dumps(stored))

    def new_token(self, *, accept: bool = True) -> str:
        auth = {"chatgpt_account_id": ACCOUNT, "chatgpt_plan_type": "pro", "chatgpt_user_id": "user"}
        claims = {
            "exp": int(time.time()) + 3600,
            "jti": next(self._numbers),
            "email": "user@localhost",
            "https://api.openai.com/auth": auth,
        }
        parts = ({"alg": "none", "typ": "JWT"}, claims)
        token = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts)
        token += ".planted"
        if accept:
            self.accepted.append(token)
        return token

    def renew(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        with self._lock:
            if self.revoked or body.get("refresh_token") != self.refresh_token:
                self.refused += 1
                return 401, {"error": {"code": "refresh_token_reused", "message": "refresh token was used already"}}
            self.renewals += 1
            self.refresh_token = f"refresh-planted-{self.renewals}"
            token = self.new_token()
            return 200, {"access_token": token, "id_token": token, "refresh_token": self.refresh_token}

    def _handler(identity) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: Any) -> None:
                pass

            def do_GET(self) -> None:
                self._answer(404, b"{}")

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if self.path.startswith("/oauth"):
                    status, answer = identity.renew(json.loads(body))
                    self._answer(status, json.dumps(answer).encode())
                    return
                token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
                if self.path.startswith("/v1/"):
                    identity.seen.append(token)
                if token not in identity.accepted:
                    self._answer(401, b'{"error": {"message": "token expired", "code": "token_expired"}}')
                    return
                target = f"{identity._model.base_url}/{self.path.removeprefix('/v1/')}"
                request = urllib.request.Request(target, body, {"Content-Type": "application/json"})
                try:
                    with urllib.request.urlopen(request) as answer:
                        self._answer(answer.status, answer.read(), answer.headers.get_content_type())
                except urllib.error.HTTPError as error:
                    self._answer(error.code, error.read())

            def _answer(self, status: int, body: bytes, kind: str = "application/json") -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        return Handler
