"""What would be written, client by client: new entries, dead ones repaired, our own taken out again."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from codex_mcp import invocation
from codex_mcp.cli.install.clients import Client, Place, Scope
from codex_mcp.cli.install.documents import Document, Path, open_document
from codex_mcp.cli.install.entries import Found, judge
from codex_mcp.cli.install.files import read_text
from codex_mcp.errors import CallerError


@dataclasses.dataclass(frozen=True)
class Registered:
    """An entry that is there: in which client, where, and what it is."""

    client: Client
    place: Place
    path: Path
    entry: dict[str, Any]
    found: Found

    @property
    def name(self) -> str:
        return self.path[-1]


@dataclasses.dataclass
class FileChange:
    """A file before and after. `said`: what is done to it, in words."""

    client: Client
    file: pathlib.Path
    before: str | None
    after: str
    said: list[str]


Make = Callable[[Client], list[FileChange]]


def registered(client: Client) -> Iterator[Registered]:
    """The entries of a client that have to do with Codex, wherever they are. Raises CallerError for a file that cannot
    be read."""
    places = [place for place in (client.user, client.project) if place is not None]
    for place in _distinct([*places, *client.also]):
        text = read_text(place.file)
        if text is not None:
            document = open_document(text, place.format, str(place.file))
            yield from _entries(client, place, document)


def _distinct(places: Sequence[Place]) -> list[Place]:
    return list(dict.fromkeys(places))


def _entries(client: Client, place: Place, document: Document) -> Iterator[Registered]:
    for path in _expand(place.servers, document.data()):
        servers = document.get(path)
        if not isinstance(servers, dict):
            continue
        for name, entry in servers.items():
            found = judge(entry)
            if found.kind != "other":
                yield Registered(client, place, (*path, name), entry, found)


def _expand(path: Path, data: Any, done: Path = ()) -> Iterator[Path]:
    if not path:
        yield done
    elif path[0] != "*":
        yield from _expand(path[1:], data.get(path[0]) if isinstance(data, dict) else None, (*done, path[0]))
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from _expand(path[1:], value, (*done, key))


def plugin_files(client: Client) -> Iterator[tuple[pathlib.Path, str]]:
    """Files of plugins with dead entries, and the names of these: they belong to the plugin and are not changed."""
    for folder, pattern in client.plugins:
        for file in sorted(folder.glob(pattern)):
            try:
                document = open_document(read_text(file) or "", "json", str(file))
            except CallerError:
                continue
            data = document.data()
            for servers in (data.get("mcpServers"), data):
                for name, entry in servers.items() if isinstance(servers, dict) else ():
                    if judge(entry).kind == "dead":
                        yield file, name


def install_in(client: Client, scope: Scope, name: str, flags: Sequence[str] | None) -> list[FileChange]:
    """Have a client start this server: repair its dead entries wherever they are, else make one in `scope`.

    `flags`: arguments of the server; None keeps those that an entry has. Raises CallerError for what is not understood.
    """
    changes = _Changes(client, scope, flags)
    entries = list(registered(client))
    for entry in entries:
        if entry.found.kind == "unclear":
            raise CallerError(
                f"{entry.place.file}: `{entry.name}` runs `codex mcp-server` inside of something else: "
                "put codex-mcp-server in its place by hand"
            )
    for entry in entries:
        if entry.found.kind == "dead":
            changes.repair(entry)
    target = client.place(scope)
    if target is None:
        raise CallerError(f"{client.title} has no configuration of its own in a project")
    present = [entry for entry in entries if entry.place == target and entry.found.kind in ("dead", "ours")]
    for entry in present:
        if entry.found.kind == "ours":
            changes.refresh(entry)
    if not present:
        changes.add(target, name)
    return changes.done()


def repair(client: Client) -> list[FileChange]:
    """Repair the dead entries of a client, and add nothing. Raises CallerError for a file that cannot be read."""
    changes = _Changes(client, "user", None)
    for entry in registered(client):
        if entry.found.kind == "dead":
            changes.repair(entry)
    return changes.done()


def uninstall_from(client: Client, scope: Scope) -> list[FileChange]:
    """Take our own entries out of a client's configuration. Raises CallerError for a file that cannot be read."""
    changes = _Changes(client, scope, None)
    target = client.place(scope)
    for entry in registered(client):
        if entry.place == target and entry.found.kind == "ours":
            changes.remove(entry)
    return changes.done()


def new_entry(client: Client | None, scope: Scope, flags: Sequence[str]) -> dict[str, Any]:
    """The entry of a client that has none yet; without a client, one that every client can start."""
    command, *words = _command(client, scope)
    extra = {} if client is None else dict(client.extra)
    kind = {"type": extra.pop("type")} if "type" in extra else {}
    return {**kind, "command": command, "args": [*words, *flags], **extra}


def _command(client: Client | None, scope: Scope) -> Sequence[str]:
    """The bare name where the client has the shell's PATH or the file is shared; else the whole path."""
    words = invocation.command_words()
    by_name = words == (invocation.NAME,) and (scope == "project" or (client is not None and client.from_shell))
    return words if by_name else invocation.program()


class _Changes:
    """The files of a client as they will be."""

    def __init__(self, client: Client, scope: Scope, flags: Sequence[str] | None) -> None:
        self._client = client
        self._scope = scope
        self._flags = flags
        self._files: dict[pathlib.Path, tuple[str | None, Document, list[str]]] = {}

    def done(self) -> list[FileChange]:
        return [
            FileChange(self._client, file, before, document.text, said)
            for file, (before, document, said) in self._files.items()
            if document.text != before
        ]

    def _open(self, place: Place) -> tuple[Document, list[str]]:
        if place.file not in self._files:
            before = read_text(place.file)
            document = open_document(before or "", place.format, str(place.file))
            self._files[place.file] = before, document, []
        _, document, said = self._files[place.file]
        return document, said

    def repair(self, entry: Registered) -> None:
        flags = entry.found.flags if self._flags is None else self._flags
        self._run_us(entry, flags)
        kept = [key for key in entry.entry if key not in ("command", "args", "type", "source")]
        also = f"; kept: {', '.join(kept)}" if kept else ""
        self._open(entry.place)[1].append(f"`{entry.name}` ran `codex mcp-server`, which is gone{also}")

    def refresh(self, entry: Registered) -> None:
        self._run_us(entry, entry.found.flags if self._flags is None else self._flags)
        self._open(entry.place)[1].append(f"`{entry.name}` runs this server already")

    def _run_us(self, entry: Registered, flags: Sequence[str]) -> None:
        document, _ = self._open(entry.place)
        scope: Scope = "project" if entry.place == self._client.project else "user"
        command, *words = _command(self._client, scope)
        nested = isinstance(entry.entry.get("command"), dict)
        within = (*entry.path, "command") if nested else entry.path
        for key, value in (("path" if nested else "command", command), ("args", [*words, *flags])):
            if document.get((*within, key)) != value:
                document.set((*within, key), value)

    def add(self, place: Place, name: str) -> None:
        document, said = self._open(place)
        if document.get((*place.servers, name)) is not None:
            raise CallerError(f"{place.file}: there is another server named `{name}`: choose a name with --name")
        entry = new_entry(self._client, self._scope, self._flags or ())
        document.set((*place.servers, name), entry)
        said.append(f"`{name}` is added")

    def remove(self, entry: Registered) -> None:
        document, said = self._open(entry.place)
        document.remove(entry.path)
        said.append(f"`{entry.name}` is taken out")
