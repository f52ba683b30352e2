"""Imports point one way: each layer knows only those to its left, and no file comes back to itself."""

from __future__ import annotations

import ast
import pathlib

PACKAGE = pathlib.Path(__file__).parent.parent / "codex_mcp"
LAYERS = ["wire", "protocol", "policy", "engine", "bridge", "agents", "surfaces", "http", "cli"]
# Modules of the package itself that every layer may use, and packages beside the layers with what they may use.
SHARED = {"error_codes", "errors", "invocation", "logs", "redaction", ""}
BESIDE = {
    "client": {"wire", "protocol"},
    "chat": {"wire", "protocol", "client"},
    "offline": {"wire"},
    "testing": {"wire", "protocol", "client", "offline"},
}


def allowed(part: str) -> set[str]:
    if part in BESIDE:
        return {part, *BESIDE[part], *SHARED}
    left = LAYERS[: LAYERS.index(part) + 1]
    return {*left, *SHARED, *(BESIDE if part == "cli" else ())}


def imported_parts(path: pathlib.Path) -> set[str]:
    """First name below `codex_mcp` of every import of a module, those inside functions included."""
    parts = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for name in names:
            if name.split(".")[0] == "codex_mcp":
                parts.add(name.split(".")[1] if "." in name else "")
    return parts


def test_every_module_imports_only_from_the_layers_to_its_left() -> None:
    wrong = {}
    for path in PACKAGE.rglob("*.py"):
        part = path.relative_to(PACKAGE).parts[0]
        if part.endswith(".py"):
            continue
        if odd := imported_parts(path) - allowed(part):
            wrong[str(path.relative_to(PACKAGE))] = odd
    assert not wrong


def test_every_package_is_a_known_layer() -> None:
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert packages == {*LAYERS, *BESIDE}


def test_shared_modules_import_no_layer() -> None:
    for name in SHARED - {""}:
        assert imported_parts(PACKAGE / f"{name}.py") <= SHARED


def imported_modules(path: pathlib.Path, modules: set[str]) -> set[str]:
    """Modules of the package that a module imports, those inside functions and for types included."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {name if name in modules else node.module for name in names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found & modules


def module_name(path: pathlib.Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


def test_no_file_imports_what_imports_it() -> None:
    files = {module_name(path): path for path in PACKAGE.rglob("*.py")}
    graph = {name: imported_modules(path, set(files)) - {name} for name, path in files.items()}
    while outside := {
        name
        for name, imported in graph.items()
        if not imported & set(graph) or not any(name in others for others in graph.values())
    }:
        graph = {name: imported for name, imported in graph.items() if name not in outside}
    # a conversation of the typed client asks its client, which makes conversations
    assert set(graph) <= {"codex_mcp.client.client", "codex_mcp.client.conversation"}
