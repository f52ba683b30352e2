"""The sessions that the stand-in keeps: fixed, so that tests can compare."""

from __future__ import annotations

import base64
import difflib
import urllib.parse
from typing import Any

WORKSPACES = ("acme", "other")

_OLD_CART = "export function total(items) {\n  return items.reduce((sum, i) => sum + i.price, 0);\n}\n"
_NEW_CART = (
    "export function total(items) {\n  return items.reduce((sum, i) => sum + i.price * i.quantity, 0);\n}\n"
    "\nexport const empty = (items) => items.length === 0;\n"
)

SESSIONS: dict[str, dict[str, Any]] = {
    "proto-1": {
        "title": "Checkout prototype",
        "type": "prototype",
        "workspace": "acme",
        "status": "active",
        "created_at": "2026-03-02T09:00:00Z",
        "updated_at": "2026-03-02T09:30:00Z",
        "link": "https://hosted.example/acme/p/proto-1/edit",
        "messages": [
            ("user", "2026-03-02T09:00:00Z", "Build a checkout page with one step."),
            ("assistant", "2026-03-02T09:00:20Z", "I made a page with a summary and one form."),
            ("user", "2026-03-02T09:10:00Z", "Put the summary on the right."),
            ("assistant", "2026-03-02T09:10:15Z", "Done: two columns, the summary is on the right."),
        ],
        "files": {
            "index.html": "<!doctype html>\n<title>Checkout</title>\n<main></main>\n",
            "src/checkout.js": "export const columns = 2;\n",
        },
        "diffs": {},
    },
    "dev-7": {
        "title": "Fix cart totals",
        "type": "dev",
        "workspace": "acme",
        "status": "completed",
        "created_at": "2026-03-03T10:00:00Z",
        "updated_at": "2026-03-03T10:45:00Z",
        "link": "https://hosted.example/acme/p/dev/dev-7",
        "messages": [
            ("user", "2026-03-03T10:00:00Z", "The total ignores quantities."),
            ("assistant", "2026-03-03T10:05:00Z", "total() now multiplies by the quantity; I also added empty()."),
        ],
        "files": {"src/cart.js": _NEW_CART, "README.md": "# Cart\n"},
        "diffs": {"src/cart.js": (_OLD_CART, _NEW_CART), "README.md": ("", "# Cart\n")},
    },
    "dev-99": {
        "title": "Somebody else's work",
        "type": "dev",
        "workspace": "other",
        "status": "active",
        "created_at": "2026-03-04T10:00:00Z",
        "updated_at": "2026-03-04T10:00:00Z",
        "link": "https://hosted.example/other/p/dev/dev-99",
        "messages": [("user", "2026-03-04T10:00:00Z", "Secret plans.")],
        "files": {"plan.md": "secret\n"},
        "diffs": {},
    },
}

# A picture of one red pixel.
PNG = base64.b64encode(
    bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc0000003010100c9fe92ef"
        "0000000049454e44ae426082"
    )
).decode()


class ToolFailure(Exception):
    """Becomes a result with `isError`."""


def find_session(link_or_id: str, workspace: str) -> tuple[str, dict[str, Any]]:
    """The session that a link or an id names. An unknown one and one of another workspace are told apart."""
    parts = [part for part in urllib.parse.urlsplit(link_or_id).path.split("/") if part not in ("", "edit")]
    id = parts[-1] if parts else ""
    session = SESSIONS.get(id)
    if session is None:
        raise ToolFailure(f"unknown session: {link_or_id}")
    if session["workspace"] != workspace:
        raise ToolFailure(f"the session {id} is not in your workspace ({workspace}); authorize the workspace it is in")
    return id, session


def unified(path: str, before: str, after: str) -> str:
    """The unified diff of a file."""
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), f"a/{path}", f"b/{path}"
    )
    return "".join(lines)
