"""Who is let in, and what they may do: tokens of the file, and of an authorization server."""

from __future__ import annotations

import json
import os
import pathlib
import sys
import time
from typing import Any

import anyio
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from codex_mcp.cli.tokens import tokens
from codex_mcp.errors import CallerError
from codex_mcp.http.tokens import TokenFile
from codex_mcp.offline import OfflineModel
from tests.support.home import Home
from tests.support.http_server import HEADERS, INITIALIZE, Json, begin, http_serving, message_of

pytestmark = pytest.mark.anyio


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def call(name: str) -> Json:
    params = {"name": name, "arguments": {"prompt": "go"}}
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}


@pytest.mark.requirement("http:tokens:file")
def test_a_token_is_shown_once_and_kept_as_a_digest(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "conf" / "tokens.json"
    assert tokens(["create", "ada", "--scope", "use", "--days", "2", "--file", str(path)]) == 0
    token = capsys.readouterr().out.split()[0]
    assert token not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    file = TokenFile(path)
    found = file.find(token)
    assert found is not None
    assert (found.name, found.scopes, found.expired) == ("ada", ["codex:use"], False)
    assert file.find(token[:-1]) is None
    assert file.find("") is None
    tokens(["list", "--file", str(path)])
    assert "ada: use" in capsys.readouterr().out
    tokens(["revoke", "ada", "--file", str(path)])
    assert file.find(token) is None
    with pytest.raises(CallerError, match="tokens list"):
        tokens(["revoke", "ada", "--file", str(path)])
    expired = file.create("bob", ["codex:use"], seconds=-1)
    assert file.find(expired) is None
    path.chmod(0o644)
    with pytest.raises(CallerError, match="chmod 600"):
        file.tokens()
    path.chmod(0o600)
    path.write_text("{}")
    with pytest.raises(CallerError, match="no token file"):
        file.find(expired)


@pytest.mark.requirement("http:tokens:required")
@pytest.mark.requirement("http:tokens:scopes")
@pytest.mark.requirement("http:tokens:tools")
@pytest.mark.requirement("http:tokens:owner")
async def test_tokens_decide_who_may_do_what(home: Home, model: OfflineModel) -> None:
    model.add([{"say": "one"}])
    file = TokenFile(home.root / "tokens.json")
    ada, bob = file.create("ada", ["codex:use"]), file.create("bob", ["codex:use"], tools=["codex-threads"])
    eve, prometheus = file.create("eve", ["codex:answer"]), file.create("prometheus", ["codex:metrics"])
    arguments = ("--tokens", str(file.path), "--host", "0.0.0.0", "--tools", "threads")
    async with http_serving(home, *arguments) as server, server.raw() as client:
        client.base_url = server.url.replace("0.0.0.0", "127.0.0.1")
        for headers in ({}, bearer("wrong"), {"Authorization": "Bearer"}, {"Authorization": "Basic eDp5"}):
            for method, path in (("POST", "/mcp"), ("GET", "/sse"), ("POST", "/messages/"), ("POST", "/tools/codex")):
                refused = await client.request(method, path, headers={**HEADERS, **headers}, json=INITIALIZE)
                assert refused.status_code == 401, path
                assert refused.headers["www-authenticate"].startswith('Bearer error="invalid_token"')
        assert (await client.post("/mcp", headers={**HEADERS, **bearer(eve)}, json=INITIALIZE)).status_code == 403
        assert (await client.get("/metrics", headers=bearer(ada))).status_code == 403
        assert (await client.get("/metrics", headers=bearer(prometheus))).status_code == 200
        assert (await client.get("/health")).status_code == 200

        session = await begin(client, **bearer(ada))
        ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
        assert message_of(await client.post("/mcp", json=ping, headers=session))["result"] == {}
        others = {**session, **bearer(bob)}
        for method in ("POST", "GET", "DELETE"):
            assert (await client.request(method, "/mcp", json=ping, headers=others)).status_code == 404
        assert message_of(await client.post("/mcp", json=call("codex"), headers=session))["result"]["content"]

        limited = await begin(client, **bearer(bob))
        not_allowed = message_of(await client.post("/mcp", json=call("codex"), headers=limited))
        assert not_allowed["error"]["data"]["code"] == "not_allowed"
        new = {"jsonrpc": "2.0", "id": 2, "method": "newConversation", "params": {}}
        assert (
            message_of(await client.post("/mcp", json=new, headers=limited))["error"]["data"]["code"] == "not_allowed"
        )
        listed = message_of(await client.post("/mcp", json=call("codex-threads"), headers=limited))
        assert "threads" in listed["result"]["structuredContent"]
        assert (await client.post("/tools/codex", json={}, headers=bearer(bob))).status_code == 403
        assert (await client.post("/tools/codex-threads", json={}, headers=bearer(bob))).status_code == 200

        file.revoke("ada")
        assert (await client.post("/mcp", json=ping, headers=session)).status_code == 401
        log = "\n".join(server.log)
        assert not any(token in log for token in (ada, bob, eve, prometheus))


@pytest.mark.slow
@pytest.mark.requirement("http:oauth")
async def test_tokens_of_an_authorization_server(home: Home) -> None:
    key, other = (rsa.generate_private_key(65537, 2048) for _ in range(2))
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
    folder = home.root / "authority"
    (folder / ".well-known").mkdir(parents=True)
    (folder / "keys").write_text(json.dumps({"keys": [{**public, "kid": "one", "use": "sig", "alg": "RS256"}]}))
    command = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", str(folder)]
    async with await anyio.open_process(command, env=os.environ) as authority:
        assert authority.stdout is not None
        port = (await authority.stdout.receive()).split(b" port ")[1].split()[0].decode()
        issuer, resource = f"http://127.0.0.1:{port}", "https://codex.example/mcp"
        metadata = {"issuer": issuer, "jwks_uri": f"{issuer}/keys"}
        (folder / ".well-known" / "oauth-authorization-server").write_text(json.dumps(metadata))

        def token(signer: Any = key, **claims: Any) -> dict[str, str]:
            stated = {"iss": issuer, "aud": resource, "sub": "ada", "exp": time.time() + 60, "scope": "codex:use"}
            stated = {name: value for name, value in {**stated, **claims}.items() if value is not None}
            return bearer(jwt.encode(stated, signer, "RS256", {"kid": "one"}))

        arguments = ("--oauth-issuer", issuer, "--oauth-resource", resource)
        async with http_serving(home, *arguments) as server, server.raw() as client:
            session = await begin(client, **token())
            described = await client.get("/.well-known/oauth-protected-resource/mcp")
            assert described.json()["authorization_servers"] == [issuer]
            for wrong in (
                token(aud="https://other.example"),
                token(iss="https://other.example"),
                token(exp=time.time() - 60),
                token(exp=None),
                token(aud=None),
                token(signer=other),
                bearer(jwt.encode({"iss": issuer, "aud": resource, "exp": 9e9}, "x" * 32, "HS256", {"kid": "one"})),
                bearer(jwt.encode({"iss": issuer, "aud": resource, "exp": 9e9}, "", "none", {"kid": "one"})),
            ):
                refused = await client.post("/mcp", json=INITIALIZE, headers={**HEADERS, **wrong})
                assert refused.status_code == 401
                assert "resource_metadata=" in refused.headers["www-authenticate"]
            assert (await client.post("/mcp", json={}, headers={**HEADERS, **token(scope="other")})).status_code == 403
            ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
            assert (await client.post("/mcp", json=ping, headers={**session, **token()})).status_code == 200
            assert (await client.post("/mcp", json=ping, headers={**session, **token(sub="bob")})).status_code == 404
        authority.terminate()
