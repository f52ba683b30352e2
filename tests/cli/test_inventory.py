"""`codex-mcp-server inventory`, on plugins that the engine really installs."""

from __future__ import annotations

import functools
import http.server
import json
import pathlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.home import Home
from tests.support.hosted import HostedServer

HIDDEN = "PLUGIN-KEY-0815"


def write(path: pathlib.Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def marketplace(
    root: pathlib.Path, url: str = "http://127.0.0.1:9/mcp", version: str = "1.0.0", say: str = "hi"
) -> None:
    """A marketplace `market` with the plugins `one`, which brings a server and a hook, and `two`."""
    plugins = [
        {
            "name": name,
            "source": {"source": "local", "path": f"./plugins/{name}"},
            "policy": {"installation": "AVAILABLE", "authentication": policy},
        }
        for name, policy in (("one", "ON_INSTALL"), ("two", "ON_USE"))
    ]
    write(root / ".agents/plugins/marketplace.json", {"name": "market", "plugins": plugins})
    for name in ("one", "two"):
        about = {"name": name, "version": version, "description": "…", "mcpServers": "./.mcp.json"}
        write(root / f"plugins/{name}/.codex-plugin/plugin.json", {**about, "hooks": "./hooks/hooks.json"})
        hooks = {"SessionStart": [{"hooks": [{"type": "command", "command": f"echo {say}"}]}]} if name == "one" else {}
        write(root / f"plugins/{name}/hooks/hooks.json", {"hooks": hooks})
        servers = {"sessions": {"url": url, "http_headers": {"X-Key": HIDDEN}}} if name == "one" else {}
        write(root / f"plugins/{name}/.mcp.json", {"mcpServers": servers})


def command(home: Home, *words: str, status: int = 0) -> str:
    ended = subprocess.run(
        [sys.executable, "-m", "codex_mcp", *words],
        cwd=home.workspace,
        env=home.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == status, ended.stdout[:500] + ended.stderr[:500]
    assert HIDDEN not in ended.stdout + ended.stderr
    return ended.stdout


def inventory(home: Home, *words: str, status: int = 0) -> Any:
    return json.loads(command(home, "inventory", "--json", *words, status=status))


@pytest.fixture
def installed(home: Home) -> Home:
    marketplace(home.root / "market")
    command(home, "engine", "plugin", "marketplace", "add", str(home.root / "market"))
    command(home, "engine", "plugin", "add", "one@market")
    return home


@pytest.mark.requirement("servers:inventory")
def test_a_home_without_anything_has_an_empty_inventory(home: Home) -> None:
    found = inventory(home)
    assert {key: value for key, value in found.items() if key != "engine"} == {
        "marketplaces": [],
        "plugins": [],
        "hooks": [],
        "servers": [],
        "errors": [],
    }


@pytest.mark.requirement("servers:inventory")
def test_plugins_marketplaces_hooks_and_servers_are_listed_with_their_policies(installed: Home) -> None:
    with installed.config.open("a") as config:
        config.write('[mcp_servers.alloy]\nurl = "https://hosted.example/mcp"\nbearer_token_env_var = "KEY"\n')
    found = inventory(installed)
    [market] = found["marketplaces"]
    assert (market["name"], market["sourceType"]) == ("market", "local")
    assert [(p["name"], p["installed"], p["installPolicy"], p["authPolicy"]) for p in found["plugins"]] == [
        ("one@market", True, "AVAILABLE", "ON_INSTALL"),
        ("two@market", False, "AVAILABLE", "ON_USE"),
    ]
    assert found["plugins"][0]["mcpServers"] == ["sessions"]
    [hook] = found["hooks"]
    assert (hook["pluginId"], hook["eventName"], hook["trustStatus"]) == ("one@market", "sessionStart", "untrusted")
    assert [(s["name"], s["pluginId"], s["auth"]) for s in found["servers"]] == [
        ("alloy", None, "key"),
        ("sessions", "one@market", None),
    ]
    text = command(installed, "inventory")
    assert (
        "plugin one@market 1.0.0: installed; install AVAILABLE, sign-in ON_INSTALL; servers sessions; 1 hooks" in text
    )


@pytest.mark.slow
@pytest.mark.requirement("servers:inventory:changes")
def test_a_changed_tool_shows_as_changed(home: Home) -> None:
    kept = home.root / "inventory.json"
    with HostedServer(auth="none") as hosted:
        home.configure(tail=f'[mcp_servers.alloy]\nurl = "{hosted.url}"\n')
        kept.write_text(json.dumps(inventory(home, "--start")))
        assert inventory(home, "--start", "--against", str(kept)) == {"changes": []}
        hosted.set(extra_tool=True)
        assert inventory(home, "--start", "--against", str(kept), status=1) == {
            "changes": [{"kind": "servers", "name": "alloy", "change": "changed", "fields": ["tools"]}]
        }


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Nothing of it is of interest."""


@contextmanager
def git_over_http(directory: pathlib.Path) -> Iterator[str]:
    """Serve a directory with bare repositories."""
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=str(directory))
    ) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def publish(work: pathlib.Path, bare: pathlib.Path) -> None:
    git = ["git", "-C", str(work), "-c", "user.name=t", "-c", "user.email=t@example.com"]
    for words in (["add", "-A"], ["commit", "-q", "-m", "release"], ["push", "-q", str(bare), "HEAD:refs/heads/main"]):
        subprocess.run([*git, *words], check=True, capture_output=True)
    subprocess.run(["git", "-C", str(bare), "update-server-info"], check=True)


@pytest.mark.slow
@pytest.mark.requirement("servers:inventory:upgrade")
def test_an_upgrade_says_what_it_replaced_and_keeps_the_engines_evidence(home: Home) -> None:
    work, bare = home.root / "work", home.root / "served" / "market.git"
    work.mkdir()
    subprocess.run(["git", "init", "-q", "-b", "main", str(work)], check=True)
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(bare)], check=True)
    marketplace(work)
    publish(work, bare)
    with git_over_http(home.root / "served") as base:
        command(home, "engine", "plugin", "marketplace", "add", f"{base}/market.git")
        command(home, "engine", "plugin", "add", "one@market")
        kept = home.root / "inventory.json"
        kept.write_text(json.dumps(inventory(home)))
        marketplace(work, version="2.0.0", say="something else")
        publish(work, bare)
        evidence = inventory(home, "upgrade", "market")
        assert (evidence["selectedMarketplaces"], evidence["errors"]) == (["market"], [])
        changed = inventory(home, "--against", str(kept), status=1)["changes"]
    replaced = {(change["kind"], change["name"]): change["fields"] for change in changed}
    assert {"version", "hookHashes"} <= set(replaced["plugins", "one@market"])
    # the server is gone now: the errors are the engine's, as they came
    failed = inventory(home, "upgrade", "market", status=1)
    assert failed["errors"][0]["marketplaceName"] == "market"
    assert failed["replaced"] == []


@pytest.mark.requirement("servers:inventory:changes")
def test_what_is_no_inventory_is_refused(home: Home) -> None:
    command(home, "inventory", "--against", str(home.config), status=1)
