"""A home with a policy, and the trail that servers under it leave."""

from __future__ import annotations

import json
import pathlib
import textwrap
from typing import Any

import pytest

from codex_mcp.policy.audit.verify import verify
from tests.support.home import Home


class Governed:
    """`policy` is the file, `audit` the folder of the trail. HOME of the server is `home.root`."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.policy = home.root / "policy.toml"
        self.audit = home.root / "audit"
        self.options = ("--policy", str(self.policy))

    def write(self, text: str = "", **top: Any) -> None:
        """The policy: workspace as the only root, its trail in `audit`; `text` is TOML behind that."""
        head = f'version = 1\nname = "test"\n{_lines(top)}'
        audit = "" if "[audit]" in text else f'[audit]\ndir = "{self.audit}"\n'
        scope = "" if "[scope]" in text else f'[scope]\nroots = ["{self.home.workspace}"]\n'
        self.policy.write_text(head + scope + audit + textwrap.dedent(text))
        self.policy.chmod(0o600)

    def records(self, **wanted: Any) -> list[dict[str, Any]]:
        """The records whose fields are as wanted, oldest first."""
        found = []
        for path in sorted(self.audit.glob("20*.jsonl")):
            for line in path.read_bytes().splitlines():
                record = json.loads(line)
                if all(record.get(name) == value for name, value in wanted.items()):
                    found.append(record)
        return found

    def verify(self) -> None:
        """Nothing in the trail was changed."""
        assert verify(self.audit).findings == []


def _lines(top: dict[str, Any]) -> str:
    return "".join(f"{name} = {json.dumps(value)}\n" for name, value in top.items())


def engine_texts(requests: list[dict[str, Any]]) -> str:
    """Everything that the model was told, as one text."""
    return json.dumps(requests)


@pytest.fixture
def governed(home: Home) -> Governed:
    """A home that is to be held to a policy."""
    return Governed(home)


def planted(path: pathlib.Path) -> str:
    """The content of a file, empty if there is none."""
    return path.read_text() if path.exists() else ""
