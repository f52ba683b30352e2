"""A hosted MCP server on loopback: streamable HTTP behind OAuth or keys, and every way in which such a one can fail.

`HostedServer(auth="oauth", …)` is a context manager; its arguments are the fields of `Settings`.
"""

from tests.support.hosted.server import HostedServer
from tests.support.hosted.settings import Settings

__all__ = ["HostedServer", "Settings"]
