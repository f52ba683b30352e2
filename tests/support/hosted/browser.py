"""The user's browser: an HTTP client that follows addresses."""

from __future__ import annotations

import urllib.error
import urllib.request


def follow(url: str) -> str:
    """Go where the address leads; where it ends."""
    try:
        with urllib.request.urlopen(url, timeout=20) as page:
            address: str = page.geturl()
            return address
    except urllib.error.HTTPError as refused:  # the callback says no to a browser that brings the wrong thing
        with refused:
            return refused.geturl()
