"""`mcp login` and `logout`."""

from __future__ import annotations

import argparse
import os
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
import webbrowser

import anyio

from codex_mcp.bridge.mcp_servers import changes, oauth
from codex_mcp.cli.mcp.common import say, session
from codex_mcp.errors import CallerError
from codex_mcp.wire.messages import JsonObject

_GRACE = 5.0  # seconds that the engine may take to say that its time is over


async def login(options: argparse.Namespace) -> int:
    """Sign in to a server: shows the address, waits for the browser or a pasted callback address."""
    async with session(options) as engine:
        entry = await engine.entry(options.name)
        if useless := oauth.ineffective(options.name, entry):
            raise CallerError(useless, code="login_without_effect")
        begun = await oauth.begin(engine.link, options.name, scopes=options.scopes, limit=options.timeout)
        say(
            options,
            f"To sign in to {begun.name}, open:\n\n{begun.url}\n\nOn another machine, paste the address that the "
            "browser ends at here.",
            {"authorizationUrl": begun.url, "loginId": begun.id},
        )
        threading.Thread(target=_take_pasted, args=(begun.url,), name="pasted", daemon=True).start()
        if not options.no_browser and _has_browser():
            threading.Thread(target=webbrowser.open, args=(begun.url,), name="browser", daemon=True).start()
        completed: JsonObject = {"name": begun.name, "success": False, "error": "timed out waiting for OAuth callback"}
        with anyio.move_on_after(options.timeout + _GRACE):
            completed = await engine.notifications.until(begun.is_ended_by)
    if completed.get("success"):
        say(options, f"signed in to {begun.name}", {"name": begun.name, "success": True, "error": None})
        return 0
    why = oauth.reason(completed, options.timeout)
    say(options, f"not signed in to {begun.name}: {why}", {"name": begun.name, "success": False, "error": why})
    return 1


async def logout(options: argparse.Namespace) -> int:
    """Remove the stored sign-in. The server is not told."""
    async with session(options) as engine:
        signed_out = await changes.sign_out(engine.link, engine.home, options.name)
    text = f"signed out of {options.name}" if signed_out else f"nobody was signed in to {options.name}"
    say(options, text, {"name": options.name, "signedOut": signed_out})
    return 0


def _has_browser() -> bool:
    """Whether there is one that a user sees: a browser for terminals would write over this one's text."""
    if sys.platform in ("win32", "darwin"):  # untested
        return True
    return any(map(os.environ.get, ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY")))


def _take_pasted(authorization_url: str) -> None:
    """Hand callback addresses that come on stdin to the engine, which listens for them on this machine."""
    [expected] = urllib.parse.parse_qs(urllib.parse.urlsplit(authorization_url).query).get("redirect_uri") or [""]
    unread = b""
    while chunk := os.read(sys.stdin.fileno(), 65536):  # a buffered read could not be given up at the end
        *lines, unread = (unread + chunk)[-65536:].split(b"\n")
        for line in filter(None, (line.decode(errors="replace").strip() for line in lines)):
            if problem := _hand_over(line, expected):
                sys.stderr.write(f"codex-mcp-server: {problem}\n")


def _hand_over(pasted: str, expected: str) -> str | None:
    """Open a pasted address if it is the callback of this sign-in; else say why not."""
    address, callback = urllib.parse.urlsplit(pasted), urllib.parse.urlsplit(expected)
    if (address.scheme, address.netloc, address.path) != (callback.scheme, callback.netloc, callback.path):
        return f"that is not the address that the browser ends at: it begins with {expected}"
    if callback.hostname not in ("127.0.0.1", "localhost", "::1"):
        return "the callback of this sign-in is not on this machine: open the address in the browser"
    try:
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(pasted, timeout=30):
            return None
    except (OSError, ValueError) as error:
        return f"the engine did not take it: {error}"
