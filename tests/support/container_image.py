"""An image for containers, made of programs of this machine: no registry is asked, and it takes two seconds."""

from __future__ import annotations

import io
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile

NAME = "codex-mcp-test"
_PROGRAMS = [
    "bash",
    "cat",
    "chmod",
    "cp",
    "dd",
    "env",
    "git",
    "grep",
    "head",
    "id",
    "ln",
    "ls",
    "mkdir",
    "mktemp",
    "mv",
    "ps",
    "readlink",
    "rm",
    "sed",
    "seq",
    "setsid",
    "sh",
    "sleep",
    "tail",
    "touch",
    "tr",
    "true",
    "wc",
]


def image_tar() -> bytes:
    """A root file system with what commands of an agent need, and nothing else."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for folder in ("usr", "usr/bin", "usr/lib", "usr/lib64", "etc", "tmp", "proc", "dev", "sys", "home"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            tar.addfile(entry)
        for link in ("bin", "lib", "lib64"):
            entry = tarfile.TarInfo(link)
            entry.type, entry.linkname = tarfile.SYMTYPE, f"usr/{link}"
            tar.addfile(entry)
        for path in sorted(_files()):
            place = path.lstrip("/")
            tar.add(os.path.realpath(path), place if place.startswith("usr") else f"usr/{place}", recursive=False)
    return buffer.getvalue()


def _files() -> set[str]:
    found = set()
    for program in filter(None, map(shutil.which, _PROGRAMS)):
        place = f"/usr/bin/{os.path.basename(program)}"
        found.add(place if os.path.exists(place) else program)
        linked = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
        found |= set(re.findall(r"(/[^ ]+) \(", linked))
    return found


def load(runtime: str, environment: dict[str, str]) -> str | None:
    """Make the image known to docker or podman; why that cannot be done, if it cannot."""
    if sys.platform != "linux" or shutil.which(runtime) is None:
        return f"there is no {runtime} on this machine"
    asked = subprocess.run([runtime, "version"], capture_output=True, text=True, check=False, env=environment)
    if asked.returncode:
        return f"{runtime} does not work here: {asked.stderr.strip()[-200:]}"
    made = subprocess.run(
        [runtime, "import", "-c", "ENV PATH=/usr/local/bin:/usr/bin:/bin", "-", NAME],
        input=image_tar(),
        capture_output=True,
        check=False,
        env=environment,
    )
    if made.returncode:
        return f"{runtime} imports no image: {made.stderr.decode().strip()[-200:]}"
    tried = subprocess.run(
        [runtime, "run", "--rm", "--network", "none", NAME, "true"],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    return f"{runtime} runs nothing here: {tried.stderr.strip()[-200:]}" if tried.returncode else None


def podman_configuration(folder: pathlib.Path) -> pathlib.Path:
    """For podman as root without systemd: runc works with every hierarchy of control groups, crun with some."""
    path = folder / "containers.conf"
    runtime = (
        '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n'
        if shutil.which("runc")
        else ""
    )
    path.write_text(f"[containers]\ndefault_ulimits = []\n{runtime}")
    return path
