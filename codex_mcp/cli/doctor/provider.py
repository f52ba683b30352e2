"""The account, and whether the model's provider can be reached from here."""

from __future__ import annotations

import subprocess
import urllib.error
import urllib.request
from typing import Any

import anyio.to_thread

from codex_mcp import invocation
from codex_mcp.cli.arguments import ServeOptions
from codex_mcp.cli.doctor.report import Report
from codex_mcp.engine import api
from codex_mcp.engine.home import CodexHome
from codex_mcp.engine.short_lived import short_lived_engine

_LIMIT = 8.0  # seconds to get any answer from a provider
_OPENAI = "https://api.openai.com/v1"
_LOCAL = {"ollama": "http://localhost:11434/v1", "lmstudio": "http://localhost:1234/v1"}


async def check(report: Report, options: ServeOptions, home: CodexHome, trial_home: CodexHome) -> None:
    """`home` is the user's own, `trial_home` one with the same configuration. Raises EngineError."""
    async with short_lived_engine(options.codex, trial_home, options.engine_overrides) as (link, _):
        config = (await api.read_config(link, cwd=home.cwd))["config"]
        account = await api.read_account(link)
        path = link.binary.path
    name = str(config.get("model_provider") or "openai")
    provider: dict[str, Any] = (config.get("model_providers") or {}).get(name) or {}
    signed_in = await _account(report, account, path, home)
    key = provider.get("env_key")
    if isinstance(key, str) and not home.environment.get(key):
        report.fail(
            "account",
            f"the provider {name} wants a key in the variable {key}, which is not set",
            "Set it for the server: in the `env` of the client's entry, or where the client is started.",
        )
    address = provider.get("base_url") or _LOCAL.get(name) or _OPENAI
    reason = await anyio.to_thread.run_sync(_reach, str(address))
    if reason is None:
        report.ok("provider", f"{name}, {address}, answers")
    else:
        advice = {
            "ollama": "Start Ollama: `ollama serve`.",
            "lmstudio": "Start LM Studio's server.",
        }.get(name, "Check the network, and HTTPS_PROXY if there is a proxy here.")
        also = "" if signed_in else " Sign in, too."
        report.fail("provider", f"{name}, {address}, cannot be reached: {reason}", advice + also)


async def _account(report: Report, account: Any, engine: str, home: CodexHome) -> bool:
    if account.get("requiresOpenaiAuth") is False:
        report.ok("account", "the configured model provider needs no OpenAI account")
        return True
    told = await anyio.to_thread.run_sync(_login_status, engine, home) if home.auth_path.exists() else None
    if told is not None:
        report.ok("account", told)
        return True
    advice = f"Run `{invocation.command('login')}`, or configure a model provider."
    report.fail("account", "not signed in", advice)
    return False


def _login_status(engine: str, home: CodexHome) -> str | None:
    """What the engine says of the sign-in, None if there is none; it masks keys itself."""
    line = [engine, "login", "status"]
    done = subprocess.run(line, env=dict(home.environment), capture_output=True, text=True, check=False, timeout=20)
    told = [line for line in (done.stdout + done.stderr).splitlines() if line and not line.startswith("WARNING")]
    return told[0].split(" - ")[0] if done.returncode == 0 and told else None


def _reach(address: str) -> str | None:
    """Why nothing answers there; None if something does, be it with a refusal."""
    request = urllib.request.Request(address.rstrip("/") + "/models", headers={"User-Agent": "codex-mcp-server doctor"})
    try:
        with urllib.request.urlopen(request, timeout=_LIMIT):
            return None
    except urllib.error.HTTPError:
        return None
    except urllib.error.URLError as error:
        return str(error.reason)
    except (OSError, ValueError) as error:
        return str(error)
