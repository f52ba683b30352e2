"""The files to deploy the server with, each held against a tool that knows its format."""

from __future__ import annotations

import pathlib
import shutil
import subprocess
import warnings
from typing import Any

import pytest
import yaml

from codex_mcp.cli.http import parse
from codex_mcp.http.options import check

ROOT = pathlib.Path(__file__).parents[2]
UNIT = ROOT / "deploy" / "codex-mcp-server.service"


def is_served(arguments: list[str]) -> None:
    """The server takes these arguments, and would not refuse to start."""
    word, *rest = arguments
    assert word == "http"
    _, options = parse(rest)
    check(options)
    assert options.tokens is not None


@pytest.mark.requirement("http:deploy:kubernetes")
def test_the_manifests_are_valid() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the validator's own imports
        import kubernetes_validate

        manifests = list(yaml.safe_load_all((ROOT / "deploy" / "kubernetes.yaml").read_text()))
        for manifest in manifests:
            kubernetes_validate.validate(manifest, "1.33", strict=True)
    [server] = next(one for one in manifests if one["kind"] == "StatefulSet")["spec"]["template"]["spec"]["containers"]
    is_served(server["args"])


@pytest.mark.requirement("http:deploy:systemd")
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")
def test_the_unit_is_valid_and_exposes_little(tmp_path: pathlib.Path) -> None:
    unit = tmp_path / UNIT.name
    text = UNIT.read_text()
    command = next(line for line in text.splitlines() if line.startswith("ExecStart="))
    is_served(command.partition("codex-mcp-server ")[2].replace("${STATE_DIRECTORY}", "/state").split())
    # the check wants the program to be there
    unit.write_text(text.replace("/opt/codex-mcp-server/bin/codex-mcp-server", "/bin/true"))
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False
    )
    assert (verified.returncode, [line for line in verified.stderr.splitlines() if UNIT.name in line]) == (0, [])
    exposed = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=45", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert exposed.returncode == 0, exposed.stdout[-2000:]


@pytest.mark.requirement("http:deploy:compose")
def test_the_composition_is_valid_and_closed() -> None:
    document: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
    service = document["services"]["codex-mcp"]
    is_served(service["command"])
    assert service["profiles"] == ["codex-mcp"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    [profile] = [option.partition(":")[2] for option in service["security_opt"] if option.startswith("seccomp:")]
    assert (ROOT / profile).is_file()
    if (
        shutil.which("docker") is None
        or subprocess.run(["docker", "compose", "version"], capture_output=True).returncode
    ):
        return
    subprocess.run(["docker", "compose", "--profile", "codex-mcp", "config", "-q"], cwd=ROOT, check=True)
