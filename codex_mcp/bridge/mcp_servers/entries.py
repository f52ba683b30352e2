"""Entries of `mcp_servers` in config.toml: made from what a user says, checked, and shown without their secrets."""

from __future__ import annotations

import json
import re
import urllib.parse
from collections.abc import Mapping, Sequence
from typing import Any

from codex_mcp.errors import CallerError
from codex_mcp.redaction import redact
from codex_mcp.wire.messages import JsonObject

MASK = "***"

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}", re.ASCII)  # a token of RFC 9110
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_MAX_URL = 2000  # characters
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


class EntryError(CallerError):
    """A name, URL, header or variable that is none."""

    code = "invalid_server"


def check_name(name: str) -> str:
    """A name for a new server. Raises EntryError."""
    if _NAME.fullmatch(name) is None:
        raise EntryError(
            f"{_quoted(name)} is no name for a server: use 1 to 64 letters, digits, `-` and `_` (no other can be named "
            "in settings such as mcp_servers.NAME.enabled)"
        )
    return name


def check_url(url: str) -> str:
    """An http or https URL. Raises EntryError."""
    try:
        parts = urllib.parse.urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urllib.parse.urlsplit("")
    if parts.scheme not in ("http", "https") or not host or len(url) > _MAX_URL or not url.isprintable() or " " in url:
        raise EntryError(f"{_quoted(url)} is no URL of a server: it has to be http:// or https:// with a host")
    if parts.username or parts.password:
        raise EntryError(
            "a URL must not hold a user or password: it is stored and logged. Name a variable that holds the key "
            "instead (bearer_token_env_var)"
        )
    return url


def check_variable(name: str) -> str:
    """The name of an environment variable. Raises EntryError, without repeating what may be a key."""
    if _VARIABLE.fullmatch(name) is None or redact(name) != name:
        raise EntryError(
            "that is no name of an environment variable. The key itself belongs into the variable, never into "
            "config.toml or onto a command line"
        )
    return name


def check_header(name: str, value: str) -> None:
    """A header. Raises EntryError, without repeating the value."""
    if _HEADER.fullmatch(name) is None:
        raise EntryError(f"{_quoted(name)} is no name of a header")
    if _HEADER_VALUE.fullmatch(value) is None:
        raise EntryError(f"the value of the header {name} holds characters that a header cannot have")


def http_entry(
    url: str,
    *,
    bearer_token_env_var: str | None = None,
    headers: Mapping[str, str] | None = None,
    env_headers: Mapping[str, str] | None = None,
    client_id: str | None = None,
    scopes: Sequence[str] = (),
    required: bool = False,
) -> JsonObject:
    """The table of a server that is reached by URL. `env_headers`: names of variables by header. Raises EntryError."""
    entry: JsonObject = {"url": check_url(url)}
    if bearer_token_env_var is not None:
        entry["bearer_token_env_var"] = check_variable(bearer_token_env_var)
    for name, value in (headers or {}).items():
        check_header(name, value)
    for name, variable in (env_headers or {}).items():
        check_header(name, "")
        check_variable(variable)
    if headers:
        entry["http_headers"] = dict(headers)
    if env_headers:
        entry["env_http_headers"] = dict(env_headers)
    if client_id:
        entry["oauth"] = {"client_id": client_id}
    if scopes:
        entry["scopes"] = list(scopes)
    if required:
        entry["required"] = True
    return entry


def command_entry(words: Sequence[str], *, env: Mapping[str, str] | None = None, required: bool = False) -> JsonObject:
    """The table of a server that is a command. Raises EntryError."""
    if not words or not words[0] or any("\0" in word for word in words):
        raise EntryError("the command of the server is missing")
    for name in env or {}:
        check_variable(name)
    entry: JsonObject = {"command": words[0], "args": list(words[1:])}
    if env:
        entry["env"] = dict(env)
    if required:
        entry["required"] = True
    return entry


def key_path(name: str, *more: str) -> str:
    """The dotted key of a server, for the engine's writing of config.toml."""
    parts = [part if _BARE_KEY.fullmatch(part) else _toml_string(part) for part in ("mcp_servers", name, *more)]
    return ".".join(parts)


def is_plain(name: str) -> bool:
    """Whether dotted keys of the engine's command line and of `config` reach it."""
    return _BARE_KEY.fullmatch(name) is not None


def authentication(entry: Mapping[str, Any]) -> str:
    """By what a server is configured to be entered: key, header, oauth (if it offers that), none (a command)."""
    if entry.get("bearer_token_env_var"):
        return "key"
    if entry.get("http_headers") or entry.get("env_http_headers"):
        return "header"
    return "oauth" if "url" in entry else "none"


def shown(entry: Mapping[str, Any]) -> JsonObject:
    """An entry for people: values of headers and of the environment masked, defaults left out."""
    found = {key: value for key, value in entry.items() if value is not None and key != "environment_id"}
    for key in ("http_headers", "env"):
        if isinstance(found.get(key), Mapping):
            found[key] = dict.fromkeys(found[key], MASK)
    if isinstance(found.get("oauth"), Mapping):
        found["oauth"] = {k: MASK if "secret" in k else v for k, v in found["oauth"].items() if v is not None}
    for key in ("bearer_token", "http_headers_helper"):
        if key in found:
            found[key] = MASK
    if isinstance(found.get("url"), str):
        found["url"] = shown_url(found["url"])
    if isinstance(found.get("args"), list):
        found["args"] = [redact(str(word)) for word in found["args"]]
    return found


def shown_url(url: str) -> str:
    """A URL without its user, password and query, where keys are sometimes put."""
    try:
        parts = urllib.parse.urlsplit(url)
        host = parts.hostname or ""
        port = "" if parts.port is None else f":{parts.port}"
    except ValueError:
        return redact(url)
    host = f"[{host}]" if ":" in host else host
    query = MASK if parts.query else ""
    return redact(urllib.parse.urlunsplit((parts.scheme, host + port, parts.path, query, "")))


def as_text(value: Any) -> str:
    """Arguments as a person reads them in a question."""
    return json.dumps(value, ensure_ascii=False)


def _quoted(text: str) -> str:
    text = redact(text)
    return repr(text if len(text) <= 80 else text[:79] + "…")


def _toml_string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
