"""examples/vscode: types, logic against the real engine, the package."""

from __future__ import annotations

import json
import zipfile

import pytest

from codex_mcp.protocol import typescript
from tests.support.home import Home
from tests.support.node import EXAMPLES, npm_tool, run, with_server_on_path

EXTENSION = EXAMPLES / "vscode"


@pytest.mark.slow
@pytest.mark.requirement("examples:vscode")
def test_it_is_typed() -> None:
    tsc = npm_tool("vscode", "tsc")
    (EXAMPLES / "node" / "codex-interface.d.ts").write_text(typescript.render())
    run([tsc, "-p", "."], EXTENSION)


@pytest.mark.slow
@pytest.mark.requirement("examples:vscode")
def test_its_logic_holds_on_the_real_engine(home: Home) -> None:
    npm_tool("vscode", "esbuild")
    told = run(["npm", "test", "--silent"], EXTENSION, {**with_server_on_path(home), "TEST_ROOT": str(home.workspace)})
    assert "# fail 0" in told
    assert "# skipped 0" in told


@pytest.mark.slow
@pytest.mark.requirement("examples:vscode")
def test_it_is_packaged_with_all_that_it_needs_and_nothing_else() -> None:
    npm_tool("vscode", "vsce")
    run(["npm", "run", "--silent", "package"], EXTENSION)
    with zipfile.ZipFile(EXTENSION / "codex-chat-example.vsix") as package:
        names = {name for name in package.namelist() if name.startswith("extension/")}
        assert names == {
            f"extension/{name}"
            for name in (
                "dist/extension.js",
                "media/icon.svg",
                "media/panel.css",
                "media/panel.js",
                "package.json",
                "readme.md",
            )
        }
        manifest = json.loads(package.read("extension/package.json"))
        code = package.read("extension/dist/extension.js").decode()
    assert 'require("vscode")' in code
    for command in manifest["contributes"]["commands"]:
        assert f'"{command["command"]}"' in code
