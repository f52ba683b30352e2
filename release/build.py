"""Build everything that a release consists of, and check it. Nothing is published: docs/releasing.md says what is next.

    python release/build.py --repository https://github.com/OWNER/codex-mcp-server [--out DIR]

What the project does not know by itself, its address, is put in here: into the links of the README, the metadata of the
packages, and the entry for the MCP registry. Needs the extra `release`, and npm for the bundle.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import tomlkit

ROOT = pathlib.Path(__file__).parent.parent
MCPB = "@anthropic-ai/mcpb@2.1.2"
_LINK = re.compile(r"\]\((?!https?://|#)([^)\s]+)\)")


def main() -> None:
    """Exits with a message if something does not hold."""
    parser = argparse.ArgumentParser(description="Build and check a release. Nothing is published.")
    parser.add_argument("--repository", required=True, metavar="URL", help="https://github.com/OWNER/NAME")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "dist", metavar="DIR", help="dist if not given")
    options = parser.parse_args()
    repository = options.repository.rstrip("/")
    owner = re.fullmatch(r"https://github\.com/([\w.-]+)/[\w.-]+", repository)
    if owner is None:
        sys.exit(f"{repository} is not of the form https://github.com/OWNER/NAME")
    if subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, check=True).stdout:
        sys.exit("there are changes that are not committed: a release is built from a commit")
    out: pathlib.Path = options.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    if any(out.iterdir()):
        sys.exit(f"{out} is not empty")
    with tempfile.TemporaryDirectory() as directory:
        tree = pathlib.Path(directory, "tree")
        tree.mkdir()
        archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, capture_output=True, check=True).stdout
        subprocess.run(["tar", "x"], cwd=tree, input=archive, check=True)
        version = version_of(tree)
        name = f"io.github.{owner[1]}/codex-mcp-server"
        stamp(tree, repository, version, name)
        build_packages(tree, out)
        bundle = build_bundle(tree, out, repository, version, pathlib.Path(directory, "bundle"))
        entry = registry_entry(tree, repository, version, name, bundle)
    (out / "server.json").write_text(json.dumps(entry, indent=2) + "\n", encoding="utf-8")
    sums = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}" for file in sorted(out.iterdir())]
    (out / "SHA256SUMS").write_text("\n".join(sums) + "\n", encoding="utf-8")
    sys.stdout.write(f"codex-mcp-server {version} in {out}:\n" + "".join(f"  {line[66:]}\n" for line in sums))


def version_of(tree: pathlib.Path) -> str:
    """The version that the package has."""
    found = re.search(r'^__version__ = "(.+)"$', (tree / "codex_mcp" / "__init__.py").read_text(), re.MULTILINE)
    assert found is not None
    return found[1]


def stamp(tree: pathlib.Path, repository: str, version: str, name: str) -> None:
    """Put the address in: a package index shows the README without the files beside it."""
    readme = tree / "README.md"
    text = readme.read_text(encoding="utf-8")
    text = _LINK.sub(lambda link: f"]({repository}/blob/v{version}/{link[1]})", text)
    readme.write_text(f"{text}\n<!-- mcp-name: {name} -->\n", encoding="utf-8")
    project = tree / "pyproject.toml"
    document = tomlkit.parse(project.read_text(encoding="utf-8"))
    pages = {
        "Homepage": repository,
        "Documentation": f"{repository}/tree/v{version}/docs",
        "Changelog": f"{repository}/blob/v{version}/CHANGELOG.md",
        "Issues": f"{repository}/issues",
    }
    document["project"]["urls"] = pages
    project.write_text(tomlkit.dumps(document), encoding="utf-8")


def build_packages(tree: pathlib.Path, out: pathlib.Path) -> None:
    """sdist and wheel."""
    _run([sys.executable, "-m", "build", "--outdir", str(out), str(tree)])
    _run([sys.executable, "-m", "twine", "check", "--strict", *map(str, out.iterdir())])


def build_bundle(
    tree: pathlib.Path, out: pathlib.Path, repository: str, version: str, stage: pathlib.Path
) -> pathlib.Path:
    """The bundle for Claude Desktop: the wheel, and what has uv install it."""
    shutil.copytree(tree / "release" / "mcpb", stage)
    for name in ("manifest.json", "pyproject.toml"):
        file = stage / name
        file.write_text(file.read_text(encoding="utf-8").replace("0.0.0", version), encoding="utf-8")
    manifest = json.loads((stage / "manifest.json").read_text(encoding="utf-8"))
    manifest["repository"] = {"type": "git", "url": repository}
    (stage / "manifest.json").write_text(json.dumps(manifest, indent=2), encoding="utf-8")
    (wheel,) = out.glob("*.whl")
    shutil.copy(wheel, stage)
    shutil.copy(tree / "LICENSE", stage)
    bundle = out / f"codex-mcp-server-{version}.mcpb"
    _run(["npx", "--yes", MCPB, "validate", str(stage / "manifest.json")])
    _run(["npx", "--yes", MCPB, "pack", str(stage), str(bundle)])
    return bundle


def registry_entry(
    tree: pathlib.Path, repository: str, version: str, name: str, bundle: pathlib.Path
) -> dict[str, object]:
    """server.json of the MCP registry."""
    text = (tree / "release" / "server.json").read_text(encoding="utf-8")
    text = text.replace("https://github.com/OWNER/codex-mcp-server", repository).replace("0.0.0", version)
    entry: dict[str, object] = json.loads(text)
    entry["name"] = name
    for package in entry["packages"]:  # type: ignore[attr-defined]
        if package["registryType"] == "mcpb":
            package["fileSha256"] = hashlib.sha256(bundle.read_bytes()).hexdigest()
    return entry


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    main()
