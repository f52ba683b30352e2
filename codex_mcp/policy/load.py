"""Finds and reads policy files. Whatever is odd about one is a `PolicyError`: a policy never opens by failing."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import sys
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce

import msgspec
from msgspec import structs

from codex_mcp.errors import CodexMcpError
from codex_mcp.policy.decide import GUARDED_KEYS
from codex_mcp.policy.document import VERSION, Document, McpServer
from codex_mcp.policy.paths import is_below, resolve
from codex_mcp.policy.stricter import key_covers, stricter


class PolicyError(CodexMcpError):
    """A policy file cannot be trusted, read or carried out. Nothing is served until somebody mends it."""

    code = "policy_error"


@dataclass(frozen=True)
class Policy:
    """The policy in force: what all files together allow."""

    document: Document
    digest: str
    """SHA-256 of the files, in order; stands in every record."""
    files: tuple[str, ...]


def load(files: Sequence[str]) -> Policy:
    """Read the files, of which the stricter wins in each point. Raises PolicyError."""
    read = [_read(path) for path in files]
    document = reduce(stricter, [document for document, _ in read])
    for root in document.scope.roots or ():
        for path in files:
            if is_below(resolve(path), root):
                raise PolicyError(f"{path} lies in {root}, where clients may write: move it out of scope.roots")
    digest = hashlib.sha256(b"\0".join(content for _, content in read)).hexdigest()
    return Policy(document, digest, tuple(map(resolve, files)))


def _read(path: str) -> tuple[Document, bytes]:
    try:
        content = _read_trusted(path)
        return parse(content.decode()), content
    except PolicyError as error:
        raise PolicyError(f"{path}: {error.message}") from None
    except OSError as error:
        raise PolicyError(f"{path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise PolicyError(f"{path} is not UTF-8: {error.reason}") from None


def _read_trusted(path: str) -> bytes:
    """The content of a file that only its owner, who is the user or root, can write. Raises PolicyError, OSError."""
    waits_for_nobody = getattr(os, "O_NONBLOCK", 0)  # what is named could be a pipe
    with os.fdopen(os.open(resolve(path), os.O_RDONLY | waits_for_nobody), "rb") as file:  # checked is what is read
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise PolicyError("it is not a regular file")
        if sys.platform != "win32":
            if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                raise PolicyError("others than its owner may write it: chmod go-w")
            if status.st_uid not in (0, os.getuid()):
                raise PolicyError("it belongs to another user")
            folder = os.stat(os.path.dirname(resolve(path)))
            if folder.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not folder.st_mode & stat.S_ISVTX:
                raise PolicyError("others may replace it: chmod go-w its directory")
        return file.read()


def parse(text: str) -> Document:
    """The policy that a text is, with roots resolved. Raises PolicyError with the place of what is wrong."""
    try:
        document = msgspec.convert(tomllib.loads(text), Document)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"no TOML: {error}") from None
    except msgspec.ValidationError as error:
        raise PolicyError(f"{error}; `codex-mcp-server policy schema` has the names") from None
    if document.version != VERSION:
        raise PolicyError(f"version {document.version} is not known here; {VERSION} is")
    for place, patterns in _patterns(document):
        for pattern in patterns:
            try:
                re.compile(pattern)
            except re.error as error:
                raise PolicyError(f"{place}: {pattern!r} is no regular expression: {error}") from None
    for name, server in document.mcp_servers.items():
        _check_server(name, server)
    for key in document.ceilings.config_keys:
        if guarded := next((g for g in GUARDED_KEYS if key_covers(g, key) or key_covers(key, g)), None):
            raise PolicyError(f"ceilings.config_keys: `{key}` would let a call undo the policy (`{guarded}`)")
    if document.scope.roots is not None:
        roots = tuple(map(resolve, document.scope.roots))
        document = structs.replace(document, scope=structs.replace(document.scope, roots=roots))
    return document


def _patterns(document: Document) -> Iterable[tuple[str, tuple[str, ...]]]:
    yield "masking.extra", document.masking.extra
    for entry in document.high_impact:
        yield f"high_impact {entry.category}", entry.commands


def _check_server(name: str, server: McpServer) -> None:
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        raise PolicyError(f"mcp_servers.{name}: names are letters, digits, `_` and `-`")
    if (server.command is None) == (server.url is None):
        raise PolicyError(f"mcp_servers.{name}: give either `command` or `url`, which is what it is known by")
    if server.url is not None and server.args:
        raise PolicyError(f"mcp_servers.{name}: a `url` has no `args`")
