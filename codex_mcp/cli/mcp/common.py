"""What the commands share: the engine that they ask, and how they print."""

from __future__ import annotations

import argparse
import json
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any

from codex_mcp.bridge.mcp_servers import changes, survey
from codex_mcp.bridge.mcp_servers.check import check
from codex_mcp.bridge.mcp_servers.startup import StartupLog
from codex_mcp.bridge.mcp_servers.survey import Report
from codex_mcp.cli import output
from codex_mcp.engine.home import CodexHome
from codex_mcp.engine.link import EngineLink
from codex_mcp.engine.short_lived import Notifications, short_lived_engine
from codex_mcp.wire.messages import JsonObject


class Session:
    """An engine to ask, and the home it lives in."""

    def __init__(self, home: CodexHome, link: EngineLink, notifications: Notifications) -> None:
        self.home = home
        self.link = link
        self.notifications = notifications

    async def entries(self) -> dict[str, JsonObject]:
        """The configured servers, by name."""
        return await survey.configured(self.link, self.home.cwd)

    async def entry(self, name: str) -> JsonObject:
        """The configuration of a server. Raises UnknownServer."""
        return await changes.find(self.link, self.home, name)

    async def check(self, names: Collection[str] | None, limit: float) -> list[Report]:
        """Start the servers and say how each fares: see `mcp_servers.check`."""
        log = StartupLog()
        self.notifications.watch(log.hear)
        return await check(self.link, log, self.home, names=names, limit=limit)


@asynccontextmanager
async def session(options: argparse.Namespace) -> AsyncIterator[Session]:
    """Start an engine for this command. Raises CallerError for a config.toml that cannot be read, EngineUnavailable."""
    home = CodexHome.of_process()
    home.read_config()  # says where it is broken; the engine would only say that it does not start
    async with short_lived_engine(options.codex, home) as (link, notifications):
        yield Session(home, link, notifications)


def say(options: argparse.Namespace, text: str, value: Any) -> None:
    """Print `value` as JSON if that is wanted, else `text`."""
    output.say((json.dumps(value, ensure_ascii=False) if options.json else text) + "\n")
