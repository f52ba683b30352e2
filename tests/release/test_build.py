"""What a release consists of, built as it will be built."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email.parser import Parser

import pytest
from mcp import StdioServerParameters
from mcp.client.client import Client
from mcp.client.stdio import stdio_client

from codex_mcp import __version__
from tests.support.home import Home

ROOT = pathlib.Path(__file__).parents[2]
REPOSITORY = "https://github.com/someone/codex-mcp-server"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Everything, from what is in the working tree."""
    if shutil.which("npx") is None:
        pytest.skip("npx is not there: the bundle is checked and packed by a tool of Node's")
    place = tmp_path_factory.mktemp("release")
    clone = place / "clone"
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", "-C", str(clone)]
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in tracked.split("\0")[:-1]:
        if (ROOT / name).exists():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, clone / name)
    subprocess.run([*git[:-2], "init", "-q", str(clone)], check=True)
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "x"], check=True)
    out = place / "out"
    command = [sys.executable, str(clone / "release" / "build.py"), "--repository", REPOSITORY, "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


def tracked(*folders: str) -> set[str]:
    files = subprocess.run(["git", "ls-files", "-z", *folders], cwd=ROOT, capture_output=True, text=True, check=True)
    return {name for name in files.stdout.split("\0")[:-1] if (ROOT / name).exists()}


@pytest.mark.requirement("release:packages")
def test_the_wheel_has_every_file_of_the_package_and_nothing_else(built: pathlib.Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {name for name in names if ".dist-info/" not in name} == tracked("codex_mcp")


@pytest.mark.requirement("release:packages")
def test_the_sdist_can_run_its_tests(built: pathlib.Path, tmp_path: pathlib.Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (tree,) = tmp_path.iterdir()
    files = {str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file()}
    assert tracked() - {".gitignore", ".gitattributes"} <= files
    command = [sys.executable, "-m", "pytest", "-q", "--collect-only", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.requirement("release:packages")
def test_a_package_index_shows_the_project_s_pages_and_links_that_lead_somewhere(built: pathlib.Path) -> None:
    (wheel,) = built.glob("*.whl")
    archive = zipfile.ZipFile(wheel)
    (name,) = [name for name in archive.namelist() if name.endswith("/METADATA")]
    metadata = Parser().parsestr(archive.read(name).decode())
    assert f"Homepage, {REPOSITORY}" in metadata.get_all("Project-URL", [])
    text = metadata.get_payload()
    assert f"]({REPOSITORY}/blob/v{__version__}/docs/clients/claude-code.md)" in text
    assert "](docs/" not in text
    assert "mcp-name: io.github.someone/codex-mcp-server" in text


@pytest.mark.requirement("release:registry")
def test_the_entry_for_the_registry_names_what_was_built(built: pathlib.Path) -> None:
    entry = json.loads((built / "server.json").read_text())
    assert "OWNER" not in json.dumps(entry)
    assert entry["name"] == "io.github.someone/codex-mcp-server"
    assert len(entry["description"]) <= 100  # more is refused
    package, bundle = entry["packages"]
    assert (package["identifier"], package["version"], entry["version"]) == ("codex-mcp-server", *[__version__] * 2)
    (file,) = built.glob("*.mcpb")
    assert bundle["identifier"] == f"{REPOSITORY}/releases/download/v{__version__}/{file.name}"
    assert bundle["fileSha256"] == hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.mark.requirement("release:bundle")
async def test_the_bundle_starts_as_claude_desktop_starts_it(
    built: pathlib.Path, home: Home, tmp_path: pathlib.Path
) -> None:
    (file,) = built.glob("*.mcpb")
    zipfile.ZipFile(file).extractall(tmp_path)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["version"] == __version__
    config = manifest["server"]["mcp_config"]
    values = {"__dirname": str(tmp_path), "user_config.directory": str(home.workspace)}
    values["user_config.sandbox"] = manifest["user_config"]["sandbox"]["default"]
    words = []
    for word in config["args"]:
        for key, value in values.items():
            word = word.replace(f"${{{key}}}", value)
        words.append(word)
    uv = str(pathlib.Path(sys.executable).with_name("uv"))
    environment = home.environment(UV_CACHE_DIR=os.environ.get("UV_CACHE_DIR", str(tmp_path / "cache")))
    with open(os.devnull, "w") as nowhere:
        parameters = StdioServerParameters(command=uv, args=words, env=environment)
        async with Client(stdio_client(parameters, errlog=nowhere), read_timeout_seconds=240) as client:
            names = [tool.name for tool in (await client.list_tools()).tools]
    assert "codex-start" in names


@pytest.mark.requirement("release:container")
def test_the_container_has_a_user_without_rights_and_nothing_to_complain_about() -> None:
    hadolint = pathlib.Path(sys.executable).with_name("hadolint")
    if not hadolint.exists():
        pytest.skip("hadolint is not there")
    done = subprocess.run([str(hadolint), str(ROOT / "Dockerfile")], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    assert "\nUSER 1000:1000\n" in (ROOT / "Dockerfile").read_text()
