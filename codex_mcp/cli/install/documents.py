"""Configuration files as text that is edited in place: what is not touched keeps its comments, order and layout.

`open_document` chooses by format. A path is a tuple of keys from the top.
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, Literal

from codex_mcp.errors import CallerError

Path = tuple[str, ...]
Format = Literal["json", "toml"]


class Document(ABC):
    """The text of a file. `set` and `remove` change it."""

    text: str

    @abstractmethod
    def data(self) -> dict[str, Any]:
        """What the file says."""

    @abstractmethod
    def set(self, path: Path, value: Any) -> None:
        """Put a value in; tables on the way are made. Raises CallerError if something on the way is no table."""

    @abstractmethod
    def remove(self, path: Path) -> None:
        """Take a value out that is there."""

    def get(self, path: Path) -> Any:
        """The value, None if it is not there."""
        value: Any = self.data()
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        return value


def open_document(text: str, format: Format, name: str) -> Document:
    """Read the text of a file. Raises CallerError (code `unreadable_file`) with `name` if it is not in that format."""
    document: Document = TomlDocument(text) if format == "toml" else JsonDocument(text)
    try:
        data: object = document.data()
    except ValueError as error:  # of both parsers
        reason = str(error).strip().splitlines()[-1]
        raise CallerError(f"{name} is not valid {format.upper()}: {reason}", code="unreadable_file") from None
    if not isinstance(data, dict):
        raise CallerError(f"{name} holds no object", code="unreadable_file")
    return document


def _no_table(path: Path) -> CallerError:
    return CallerError(f"`{'.'.join(path)}` is not a table of entries", code="unreadable_file")


class TomlDocument(Document):
    """TOML, by tomlkit."""

    def __init__(self, text: str) -> None:
        self.text = text

    def data(self) -> dict[str, Any]:
        import tomlkit

        return tomlkit.parse(self.text).unwrap()

    def set(self, path: Path, value: Any) -> None:
        import tomlkit

        top = tomlkit.parse(self.text)
        table: Any = top
        for depth, key in enumerate(path[:-1]):
            if key not in table:
                table[key] = tomlkit.table(is_super_table=depth < len(path) - 2)
            table = table[key]
            if not isinstance(table, dict):
                raise _no_table(path[: depth + 1])
        table[path[-1]] = value
        self.text = tomlkit.dumps(top)

    def remove(self, path: Path) -> None:
        import tomlkit

        top = tomlkit.parse(self.text)
        tables: list[Any] = [top]
        for key in path[:-1]:
            tables.append(tables[-1][key])
        for table, key in zip(reversed(tables), reversed(path), strict=True):
            del table[key]
            if table:  # an empty table says nothing
                break
        self.text = tomlkit.dumps(top)


class JsonDocument(Document):
    """JSON, with or without comments and trailing commas, by json-five: it tells where each value is in the text."""

    def __init__(self, text: str) -> None:
        self.text = text if text.strip("\ufeff \t\r\n") else "{}\n"

    def data(self) -> dict[str, Any]:
        try:
            data: dict[str, Any] = json.loads(self.text)  # a hundred times as fast, and files of 1 MB exist
        except ValueError:
            import json5

            data = json5.loads(self.text)
        return data

    def set(self, path: Path, value: Any) -> None:
        if self._is_canonical():
            self._set_and_dump(path, value)
            return
        tree = _Tree(self.text)
        node = tree.top
        for depth, key in enumerate(path):
            if not node.is_object:
                raise _no_table(path[:depth])
            member = node.members().get(key)
            if member is None:
                for outer in reversed(path[depth + 1 :]):
                    value = {outer: value}
                self.text = tree.insert(node, key, value)
                return
            node = member
        self.text = tree.replace(node, value)

    def remove(self, path: Path) -> None:
        if self._is_canonical():
            data = self.data()
            table: Any = data
            for key in path[:-1]:
                table = table[key]
            del table[path[-1]]
            self._dump(data)
            return
        tree = _Tree(self.text)
        node = tree.top
        for key in path[:-1]:
            node = node.members()[key]
        self.text = tree.cut(node, path[-1])

    def _set_and_dump(self, path: Path, value: Any) -> None:
        data = self.data()
        table: Any = data
        for depth, key in enumerate(path[:-1]):
            table = table.setdefault(key, {})
            if not isinstance(table, dict):
                raise _no_table(path[: depth + 1])
        table[path[-1]] = value
        self._dump(data)

    # A file that a program wrote is written as that program would: it may be too large for the slower way.

    def _is_canonical(self) -> bool:
        try:
            return _dumps(json.loads(self.text), self._indent()) == self.text.rstrip("\n")
        except ValueError:
            return False

    def _dump(self, data: Any) -> None:
        end = self.text[len(self.text.rstrip("\n")) :]
        self.text = _dumps(data, self._indent()) + end

    def _indent(self) -> str:
        return _indent_of(self.text)


def _indent_of(text: str) -> str:
    """One step of indentation, as the text has it."""
    found = re.search(r"^([ \t]+)\S", text, re.MULTILINE)
    return found[1] if found else "  "


def _dumps(value: Any, indent: str | None) -> str:
    return json.dumps(value, indent=indent, ensure_ascii=False)


class _Node:
    """A value, and where it is in the text."""

    def __init__(self, tree: _Tree, model: Any) -> None:
        self.model = model
        self.is_object = hasattr(model, "keys")
        self.start = tree.index(model.lineno, model.col_offset)
        self.end = tree.index(model.end_lineno, model.end_col_offset)
        self._tree = tree

    def pairs(self) -> Iterator[tuple[str, _Node, _Node]]:
        """Name, key and value of each member."""
        for key, value in zip(self.model.keys, self.model.values, strict=True):
            name = key.characters if hasattr(key, "characters") else key.name
            yield name, _Node(self._tree, key), _Node(self._tree, value)

    def members(self) -> dict[str, _Node]:
        return {name: value for name, _, value in self.pairs()}


class _Tree:
    """The text of a JSON file with comments, and the texts that come of changing it."""

    def __init__(self, text: str) -> None:
        import json5
        from json5.loader import ModelLoader
        from json5.tokenizer import tokenize

        self._text = text
        self._lines = [0, *(found.end() for found in re.finditer("\n", text))]
        self._commas = [token.index for token in tokenize(text) if token.type == "COMMA"]
        self._newline = "\r\n" if "\r\n" in text else "\n"
        self._step = _indent_of(text)
        self.top = _Node(self, json5.loads(text, loader=ModelLoader()).value)

    def index(self, line: int, column: int) -> int:
        return self._lines[line - 1] + column

    def replace(self, node: _Node, value: Any) -> str:
        new = self._value(value, self._indent_at(node.start), flat="\n" not in self._text[node.start : node.end])
        return self._text[: node.start] + new + self._text[node.end :]

    def insert(self, node: _Node, key: str, value: Any) -> str:
        """`node` with a further member, at its end."""
        text, close = self._text, node.end - 1
        pairs = list(node.pairs())
        flat = bool(pairs) and "\n" not in text[node.start : node.end]
        last = pairs[-1][2].end if pairs else node.start + 1
        has_comma = any(last <= comma < close for comma in self._commas)
        before = text[:last] + ("," if pairs and not has_comma else "") + text[last:close].rstrip()
        after = "," if has_comma else ""
        if flat:
            return f"{before} {_dumps(key, None)}: {self._value(value, '', flat=True)}{after}{text[close:]}"
        outer = self._indent_at(node.start)
        inner = self._indent_at(pairs[0][1].start) if pairs else outer + self._step
        member = f"{inner}{_dumps(key, None)}: {self._value(value, inner, flat=False)}"
        return f"{before}{self._newline}{member}{after}{self._newline}{outer}{text[close:]}"

    def cut(self, node: _Node, key: str) -> str:
        """`node` without a member and the comma that goes with it."""
        text, pairs = self._text, list(node.pairs())
        place = next(number for number, (name, _, _) in enumerate(pairs) if name == key)
        _, first, last = pairs[place]
        start, end = first.start, last.end
        following = [comma for comma in self._commas if end <= comma < node.end]
        own = pairs[place + 1][1].start if place + 1 < len(pairs) else node.end
        text_before, text_after = text[:start], text[end:]
        if following and following[0] < own:
            text_after = text[end : following[0]] + text[following[0] + 1 :]
        elif place > 0:
            comma = next(comma for comma in self._commas if pairs[place - 1][2].end <= comma < start)
            text_before = text[:comma] + text[comma + 1 : start]
        before, after = text_before.rstrip(" \t"), text_after.lstrip(" \t")
        if before.endswith("\n") and after[:1] in ("\n", "\r"):  # nothing is left of its lines
            after = after.removeprefix("\r").removeprefix("\n")
        elif before.endswith("\n"):
            before = text_before
        return before + after

    def _indent_at(self, place: int) -> str:
        """The white space at the beginning of the line of a place."""
        line = self._text.rfind("\n", 0, place) + 1
        found = re.match(r"[ \t]*", self._text[line:place])
        return found[0] if found else ""

    def _value(self, value: Any, indent: str, *, flat: bool) -> str:
        if flat or (isinstance(value, list) and all(isinstance(item, str) for item in value)):
            return _dumps(value, None)
        return _dumps(value, self._step).replace("\n", self._newline + indent)
