"""Every usual way to install, from the built wheel, in a home with nothing in it."""

from __future__ import annotations

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
from collections.abc import Callable

import pytest
from mcp import StdioServerParameters
from mcp.client.client import Client
from mcp.client.stdio import stdio_client

ROOT = pathlib.Path(__file__).parents[2]
BIN = pathlib.Path(sys.executable).parent

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    source, out = tmp_path_factory.mktemp("source") / "tree", tmp_path_factory.mktemp("wheel")
    ignored = shutil.ignore_patterns(".git", ".venv", "node_modules", "*.egg-info", "build", "__pycache__", "dist")
    shutil.copytree(ROOT, source, ignore=ignored)
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", str(out), str(source)], capture_output=True, check=True
    )
    (built,) = out.iterdir()
    return built


class Machine:
    """A home with nothing in it, and the PATH of a login shell that has `~/.local/bin` on it."""

    def __init__(self, home: pathlib.Path) -> None:
        self.home = home
        kept = {k: v for k, v in os.environ.items() if k.startswith(("PIP_", "UV_", "SSL_")) or k.endswith("_PROXY")}
        bins = [home / ".local" / "bin", BIN.parent / "nothing", "/usr/bin", "/bin"]
        self.environment = {**kept, "HOME": str(home), "PATH": os.pathsep.join(map(str, bins)), "LANG": "C.UTF-8"}
        self.environment["UV_PYTHON"] = sys.executable
        self.environment["PIPX_DEFAULT_PYTHON"] = sys.executable

    def run(self, *command: str) -> str:
        program = shutil.which(command[0], path=self.environment["PATH"]) or command[0]
        done = subprocess.run(
            [program, *command[1:]],
            env=self.environment,
            cwd=self.home,
            capture_output=True,
            text=True,
            check=False,
            timeout=280,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


Install = Callable[[Machine, pathlib.Path], list[str]]


def by_uv_tool(machine: Machine, wheel: pathlib.Path) -> list[str]:
    machine.run(str(BIN / "uv"), "tool", "install", "--quiet", str(wheel))
    return ["codex-mcp-server"]


def by_pipx(machine: Machine, wheel: pathlib.Path) -> list[str]:
    machine.run(sys.executable, "-m", "pipx", "install", "--quiet", str(wheel))
    return ["codex-mcp-server"]


def by_uvx(machine: Machine, wheel: pathlib.Path) -> list[str]:
    return [str(BIN / "uvx"), "--from", str(wheel), "codex-mcp-server"]


def by_pip(machine: Machine, wheel: pathlib.Path) -> list[str]:
    machine.run(sys.executable, "-m", "venv", str(machine.home / "venv"))
    machine.run(str(machine.home / "venv" / "bin" / "pip"), "install", "--quiet", str(wheel))
    return [str(machine.home / "venv" / "bin" / "codex-mcp-server")]


ADVICE: dict[Install, str] = {
    by_uv_tool: "uv tool install --with openai-codex-cli-bin ",
    by_pipx: "pipx inject codex-mcp-server openai-codex-cli-bin",
    by_uvx: "uvx --with openai-codex-cli-bin --from ",
    by_pip: " -m pip install openai-codex-cli-bin",
}


@pytest.mark.requirement("release:installs")
@pytest.mark.parametrize("install", list(ADVICE), ids=lambda install: install.__name__)
async def test_it_installs_registers_itself_and_starts(
    install: Install, wheel: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    machine = Machine(tmp_path)
    command = install(machine, wheel)
    command[0] = shutil.which(command[0], path=machine.environment["PATH"]) or command[0]
    assert machine.run(*command, "--version").startswith("codex-mcp-server ")
    entry = json.loads(machine.run(*command, "install", "json"))["mcpServers"]["codex"]
    assert os.path.isabs(entry["command"]) or install is by_uvx
    if install is by_uvx:  # uvx itself is where this test has it
        entry["command"] = str(BIN / "uvx")
    parameters = StdioServerParameters(command=entry["command"], args=entry["args"], env=machine.environment)
    with open(os.devnull, "w") as nowhere:
        async with Client(stdio_client(parameters, errlog=nowhere), read_timeout_seconds=120) as client:
            assert [tool.name for tool in (await client.list_tools()).tools] == ["codex", "codex-reply"]
    done = subprocess.run(
        [*command, "login", "status"], env=machine.environment, capture_output=True, text=True, check=False
    )
    assert ADVICE[install] in done.stderr, done.stderr


def readme_blocks() -> list[str]:
    """The commands of the README's first section that install, and the one that only tries it."""
    text = (ROOT / "README.md").read_text()
    section = text[text.index("## Get it") : text.index("Sign in, register, check:")]
    found = re.findall(r"^```sh\n(.*?)\n```$|`(uvx [^`]+)`", section, re.MULTILINE | re.DOTALL)
    return [block or inline for block, inline in found]


@pytest.mark.requirement("release:installs")
@pytest.mark.parametrize("line", readme_blocks())
def test_the_lines_of_the_readme_work_in_a_clean_clone(line: str, tmp_path: pathlib.Path) -> None:
    machine = Machine(tmp_path)
    tools, clone = tmp_path / "tools", tmp_path / "clone"
    tools.mkdir()
    for name in ("uv", "uvx", "pipx"):
        (tools / name).symlink_to(BIN / name)
    machine.environment["PATH"] += f"{os.pathsep}{tools}"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
    done = subprocess.run(
        ["sh", "-c", line], cwd=clone, env=machine.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    if "uvx" not in line:
        assert machine.run("codex-mcp-server", "engine", "--version").startswith("codex-cli ")


def old_pythons() -> list[str]:
    named = shutil.which("python3.10")
    return [*([named] if named else []), *map(str, pathlib.Path.home().glob(".pyenv/versions/3.10.*/bin/python"))]


def works(python: str) -> bool:
    return subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0


@pytest.mark.requirement("release:old-python")
def test_a_python_that_is_too_old_is_told_so_before_anything_is_downloaded(tmp_path: pathlib.Path) -> None:
    old = next((found for found in old_pythons() if works(found)), None)
    if old is None:
        pytest.skip("there is no Python 3.10 here")
    subprocess.run([old, "-m", "venv", str(tmp_path / "venv")], check=True)
    source = tmp_path / "tree"
    shutil.copytree(ROOT / "codex_mcp", source / "codex_mcp")
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    done = subprocess.run(
        [str(tmp_path / "venv" / "bin" / "pip"), "install", f"{source}[engine]"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "codex-mcp-server needs Python 3.11 or newer; this is 3.10." in done.stdout + done.stderr
    assert "codex_cli_bin" not in done.stdout
