"""What is exported for administrators, loaded by a real engine from its system folder in a mount namespace."""

from __future__ import annotations

import os
import pathlib
import shlex
import shutil
import subprocess
import sys

import pytest

from codex_mcp.engine.home import CodexHome
from codex_mcp.engine.short_lived import short_lived_engine
from codex_mcp.offline import OfflineModel
from codex_mcp.policy.gate import MANAGED_HOOK
from tests.support.governed import Governed
from tests.support.mcp_client import ACCEPT, mcp_serving

pytestmark = pytest.mark.anyio

POLICY = """
[ceilings]
sandbox = "workspace-write"
approval = ["never", "on-request"]
[[high_impact]]
category = "production"
commands = ["deployed"]
"""


def engine_with(requirements: str, root: pathlib.Path, folder: str = "codex") -> pathlib.Path:
    """An engine that sees `requirements` in its system folder; skips where no mount namespace can be made."""
    place, file = root / "mount", root / "requirements.toml"
    file.write_text(requirements)
    place.mkdir()
    mount = (
        f"mount -t tmpfs none {place} && mkdir -p {place}/upper/{folder} {place}/work && "
        f"cp {file} {place}/upper/{folder}/requirements.toml && "
        f"mount -t overlay none -o lowerdir=/etc,upperdir={place}/upper,workdir={place}/work /etc"
    )
    if (
        shutil.which("unshare") is None
        or subprocess.run(["unshare", "-rm", "sh", "-c", mount], capture_output=True).returncode
    ):
        pytest.skip("no mount namespace can be made here")
    import codex_cli_bin

    real = os.environ.get("CODEX_MCP_ENGINE") or str(codex_cli_bin.bundled_codex_path())
    script = shlex.quote(f'{mount} && exec "$0" "$@"')
    wrapper = root / "engine"
    wrapper.write_text(f'#!/bin/sh\nexec unshare -rm sh -c {script} {shlex.quote(real)} "$@"\n')
    wrapper.chmod(0o755)
    return wrapper


def exported(governed: Governed) -> str:
    command = [sys.executable, "-m", "codex_mcp", "policy", "export", *governed.options]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
@pytest.mark.requirement("policy:P-26")
async def test_the_engine_takes_the_export(governed: Governed) -> None:
    governed.write(POLICY)
    engine = engine_with(exported(governed), governed.home.root)
    home = CodexHome(governed.home.environment(), str(governed.home.workspace))
    async with short_lived_engine(str(engine), home) as (link, _):
        read = (await link.request("configRequirements/read", {}))["requirements"]
        hooks = (await link.request("hooks/list", {"cwds": [home.cwd]}))["data"][0]["hooks"]
    assert read["allowedSandboxModes"] == ["read-only", "workspace-write"]
    assert set(read["allowedApprovalPolicies"]) == {"never", "on-request"}
    assert [(hook["command"], hook["trustStatus"]) for hook in hooks] == [(MANAGED_HOOK, "managed")]


@pytest.mark.slow
@pytest.mark.requirement("policy:P-26")
async def test_the_managed_hook_is_the_gate(governed: Governed, model: OfflineModel) -> None:
    governed.write(POLICY)
    engine = engine_with(exported(governed), governed.home.root)
    model.add([{"run": "touch deployed"}], [{"run": "touch other"}], [{"say": "done"}])
    options = ("--codex", str(engine), *governed.options)
    async with mcp_serving(governed.home, *options, answer=lambda _: ACCEPT) as client:
        await client.call("codex", prompt="go", approval_policy="never", sandbox="workspace-write")
        assert len(client.questions) == 1
    assert len(governed.records(event="decided", kind="command")) == 3
    assert (governed.home.workspace / "deployed").exists()


@pytest.mark.slow
@pytest.mark.requirement("policy:P-8")
async def test_an_engine_that_may_run_managed_hooks_only_is_not_used_without_ours(governed: Governed) -> None:
    governed.write(POLICY)
    engine = engine_with("allow_managed_hooks_only = true\n", governed.home.root)
    async with mcp_serving(governed.home, "--codex", str(engine), *governed.options) as client:
        result = await client.call("codex", prompt="go")
    assert result["structuredContent"]["error"]["code"] == "policy_error"
    assert "policy export" in str(result)
